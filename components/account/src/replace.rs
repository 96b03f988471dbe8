//! `PUT /accounts/{id}`

use stoa_kit::{Problem, Request, Response};

use crate::account::{Draft, not_found};
use crate::{caller, change};

/// Replaces what the caller may write of an account: what is left out takes
/// its default, except what is not the caller's to write, and roles, which
/// stay. `If-Match` guards against lost updates.
///
/// Errors: `unauthorized` (401), `not_found` (404), `version_mismatch` (412),
/// `invalid` (422), `email_taken`, `last_admin` (409), `unavailable` (503).
pub(crate) fn run(request: &Request, id: &str) -> Result<Response, Problem> {
    let (id, caller) = caller::admit(request, id)?;
    let condition = request.if_match()?;
    let body = request.json()?;
    let account = change::to(id, condition, |account| {
        Draft::replacing(account, caller, body.clone())
    })?;
    let account = account.ok_or_else(not_found)?;
    Ok(Response::json(&account)?.etag(account.version).private())
}
