//! `PATCH /accounts/{id}`

use stoa_kit::{Problem, Request, Response};

use crate::account::{Draft, not_found};
use crate::{caller, change};

/// Changes some fields of an account (JSON merge patch, RFC 7396): null resets
/// a field to its default. Where somebody else was faster, the patch is applied
/// to what he made, unless `If-Match` names the version it is meant for.
///
/// Errors: `unauthorized` (401), `not_found` (404), `version_mismatch` (412),
/// `invalid` (422), `email_taken`, `last_admin` (409), `unavailable` (503).
pub(crate) fn run(request: &Request, id: &str) -> Result<Response, Problem> {
    let (id, caller) = caller::admit(request, id)?;
    let condition = request.if_match()?;
    let patch = request.json()?;
    let account = change::to(id, condition, |account| {
        Draft::merged(account, caller, &patch)
    })?;
    let account = account.ok_or_else(not_found)?;
    Ok(Response::json(&account)?.etag(account.version).private())
}
