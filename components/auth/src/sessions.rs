//! `GET /sessions`, `DELETE /sessions/{id}`, and what the account service says.

use serde::Serialize;
use stoa_kit::page::Page;
use stoa_kit::{Id, Problem, Request, Response, Timestamp};

use crate::bindings::exports::stoa::auth::sessions::{Error, Guest, RpcError};
use crate::caller::Caller;
use crate::queries::sessions::{self as queries, Which};
use crate::queries::{self as tables, DATABASE};
use crate::session::Session;
use crate::{peers, revocation};

/// A session as its owner sees it.
#[derive(Serialize)]
struct Shown {
    id: Id,
    device: String,
    ip: String,
    created: Timestamp,
    last_used: Timestamp,
    /// When it ends if it is not used again.
    expires: Timestamp,
    /// Whether it is the one that asks.
    current: bool,
}

/// Lists the sessions of whoever asks, the one used last first. There are so
/// few that they are one page.
///
/// Errors: `unauthorized` (401), `invalid_query` (400).
pub(crate) fn list(request: &Request) -> Result<Response, Problem> {
    let caller = Caller::of(request)?;
    request.query().finish()?;
    let shown = |session: Session| Shown {
        expires: session.expires(),
        current: session.id.to_string() == caller.session,
        id: session.id,
        device: session.device,
        ip: session.ip,
        created: session.created,
        last_used: session.used,
    };
    let sessions = queries::list(caller.account, peers::now())?;
    let data = sessions.into_iter().map(shown).collect();
    Page { data, next: None }.into_response(request)
}

/// Ends a session of whoever asks.
///
/// Errors: `unauthorized` (401), `not_found` (404) also for another's.
pub(crate) fn end(request: &Request, id: &str) -> Result<Response, Problem> {
    let caller = Caller::of(request)?;
    let id = Id::parse(id, "session")?.to_string();
    let now = peers::now();
    let ended = queries::end_now(caller.account, Which::One(&id), now)?;
    if ended.is_empty() {
        return Err(Problem::not_found("There is no session with this id."));
    }
    revocation::announce(&ended, now);
    Ok(Response::no_content())
}

impl Guest for crate::Auth {
    fn end_all(account: String) -> Result<Result<(), Error>, RpcError> {
        Ok(end_all(&account, peers::now()).map_err(|problem| peers::unavailable(&problem)))
    }

    fn forget(account: String) -> Result<Result<(), Error>, RpcError> {
        Ok(forget(&account, peers::now()).map_err(|problem| peers::unavailable(&problem)))
    }
}

/// Ends all sessions of an account.
pub(crate) fn end_all(account: &str, now: Timestamp) -> Result<(), Problem> {
    let ended = queries::end_now(account, Which::All, now)?;
    revocation::announce(&ended, now);
    Ok(())
}

/// Forgets an account that is not there any more.
pub(crate) fn forget(account: &str, now: Timestamp) -> Result<(), Problem> {
    let outcomes = DATABASE.transact(&[
        tables::credentials::delete(account),
        tables::one_time::delete_all(account),
        queries::end(account, Which::All, now),
    ])?;
    revocation::announce(&tables::ids(outcomes)?, now);
    Ok(())
}
