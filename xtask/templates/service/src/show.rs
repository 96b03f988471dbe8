//! `GET /new-service/{id}`

use stoa_kit::{Problem, Request, Response};

use crate::entry::{not_found, parse_id};
use crate::{caller, queries};

/// Shows an entry to whoever is signed in.
///
/// Errors: `unauthorized` (401), `not_found` (404).
pub(crate) fn run(request: &Request, id: &str) -> Result<Response, Problem> {
    caller::account(request)?;
    let entry = queries::find(parse_id(id)?)?.ok_or_else(not_found)?;
    Ok(Response::json(&entry)?.etag(entry.version).private())
}
