//! `GET /products/{id}`

use stoa_kit::{Problem, Request, Response};

use crate::fields::Status;
use crate::product::{cacheable, not_found, parse_id};
use crate::queries;

/// Shows a product. A draft is there for administrators only.
///
/// Errors: `not_found`.
pub(crate) fn run(request: &Request, id: &str) -> Result<Response, Problem> {
    let product = queries::find(parse_id(id)?)?
        .filter(|product| product.status == Status::Published || request.is_admin())
        .ok_or_else(not_found)?;
    let response = Response::json(&product)?.etag(product.version);
    Ok(cacheable(request, response))
}
