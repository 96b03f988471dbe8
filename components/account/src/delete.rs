//! `DELETE /accounts/{id}`

use stoa_kit::{Problem, Request, Response, Timestamp};

use crate::account::not_found;
use crate::{caller, change, queries, sessions};

/// Deletes an account: what says who it was is wiped, and the address is free.
/// All sessions end.
/// `If-Match` guards against deleting what was changed in the meantime.
///
/// Errors: `unauthorized` (401), `not_found` (404), `version_mismatch` (412),
/// `last_admin` (409), `unavailable` (503).
pub(crate) fn run(request: &Request, id: &str) -> Result<Response, Problem> {
    let (id, _) = caller::admit(request, id)?;
    let deleted = change::on_current(id, request.if_match()?, |account| {
        queries::delete(account, Timestamp::now())
    })?;
    deleted.ok_or_else(not_found)?;
    sessions::forget(id);
    Ok(Response::no_content().private())
}
