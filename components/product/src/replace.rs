//! `PUT /products/{id}`

use stoa_kit::{Problem, Request, Response, Timestamp};

use crate::product::{Draft, cacheable, not_found, parse_id};
use crate::queries::{self, Guarded};

/// Replaces a product: what is left out takes its default, except the slug,
/// which stays, as addresses should. `If-Match` guards against lost updates.
///
/// Errors: `not_found`, `version_mismatch` (412), `invalid` (422),
/// `sku_taken`, `slug_taken` (409).
pub(crate) fn run(request: &Request, id: &str) -> Result<Response, Problem> {
    request.require_admin()?;
    let id = parse_id(id)?;
    let condition = request.if_match()?;
    let draft = Draft::read(request.json()?)?;
    match queries::replace(id, &draft, condition.version(), Timestamp::now())? {
        Guarded::Done(product) => {
            let response = Response::json(&product)?.etag(product.version);
            Ok(cacheable(request, response))
        }
        Guarded::Stale(_) => Err(Problem::version_mismatch()),
        Guarded::Missing => Err(not_found()),
    }
}
