//! `GET /accounts/{id}`

use stoa_kit::{Problem, Request, Response};

use crate::account::not_found;
use crate::{caller, queries};

/// Shows an account to its owner and to administrators.
///
/// Errors: `unauthorized` (401), `not_found` (404).
pub(crate) fn run(request: &Request, id: &str) -> Result<Response, Problem> {
    let (id, _) = caller::admit(request, id)?;
    let account = queries::find(id)?.ok_or_else(not_found)?;
    Ok(Response::json(&account)?.etag(account.version).private())
}
