//! `POST /signout`, and `GET` for clients that know no better.

use stoa_kit::{Problem, Request, Response};

use crate::caller::Caller;
use crate::queries::sessions::{self as queries, Which};
use crate::{peers, revocation};

/// Ends the session that asks, or with `scope=others` all others of the
/// account, or with `scope=global` all of them. Refresh tokens are dead at
/// once, access tokens as soon as every gateway has heard of it.
///
/// Errors: `unauthorized` (401), `invalid_token` (401) for another scope than
/// `local` by a session that has ended, `invalid_query` (400).
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    let caller = Caller::of(request)?;
    let mut query = request.query();
    let which = query.parsed(
        "scope",
        "must be local, others or global",
        |scope| match scope {
            "local" => Some(Which::One(caller.session)),
            "others" => Some(Which::Others(caller.session)),
            "global" => Some(Which::All),
            _ => None,
        },
    );
    query.finish()?;
    let now = peers::now();
    let which = which.unwrap_or(Which::One(caller.session));
    // A token that has expired may be of a session that has ended long ago: it
    // has no say about others.
    let ended = if let Which::One(_) = which {
        queries::end_now(caller.account, which, now)?
    } else {
        queries::end_by(caller.session, caller.account, which, now)?
            .ok_or_else(|| Problem::invalid_token("The session has ended."))?
    };
    revocation::announce(&ended, now);
    Ok(Response::no_content())
}
