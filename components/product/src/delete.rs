//! `DELETE /products/{id}`

use stoa_kit::{Problem, Request, Response};

use crate::product::{not_found, parse_id};
use crate::queries::{self, Guarded};

/// Deletes a product for good. `If-Match` guards against deleting what was
/// changed in the meantime.
///
/// Errors: `not_found`, `version_mismatch` (412).
pub(crate) fn run(request: &Request, id: &str) -> Result<Response, Problem> {
    request.require_admin()?;
    let id = parse_id(id)?;
    match queries::delete(id, request.if_match()?.version())? {
        Guarded::Done(_) => Ok(Response::no_content()),
        Guarded::Stale(_) => Err(Problem::version_mismatch()),
        Guarded::Missing => Err(not_found()),
    }
}
