//! `POST /products`

use stoa_kit::{Id, Problem, Request, Response, Timestamp};

use crate::product::{Draft, cacheable};
use crate::queries;

/// Creates a product. Without a slug it gets one made from its name.
///
/// Errors: `invalid` (422, one entry per field), `sku_taken`, `slug_taken`
/// (409).
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    request.require_admin()?;
    let draft = Draft::read(request.json()?)?;
    let product = queries::insert(Id::new(), &draft, Timestamp::now())?;
    let location = format!("/products/{}", product.id);
    let response = Response::created(&location, &product)?.etag(product.version);
    Ok(cacheable(request, response))
}
