//! Idempotency keys (`Idempotency-Key`): a request that is sent twice is done
//! once, and answered twice alike.
//!
//! A service puts [`MIGRATION`] into its schema and [`run`] around a handler
//! that moves money. Keys belong to the caller, the method and the path, and
//! are kept for [`KEPT`]. What a service calls to do its work is beyond this
//! table: it stores [`Origin`] in the rows that it makes, and finds them again
//! by it when a request is tried anew after a crash.

mod key;
mod queries;

use stoa_kit::sql::{Database, Dialect, Migration};
use stoa_kit::{Id, Problem, Request, Response, Timestamp, log};

pub use queries::delete_old;

use crate::key::Key;
use crate::queries::Found;

/// The table, for the schema of a service.
pub const MIGRATION: Migration = Migration {
    name: "idempotency_keys",
    scripts: &[(
        Dialect::Portable,
        include_str!("../migrations/idempotency_keys.sql"),
    )],
};

/// How long a key is remembered, in milliseconds: 24 hours.
pub const KEPT: i64 = 24 * 60 * 60 * 1_000;

/// How long a key is taken by a request that does not end, in milliseconds:
/// longer than any request may take.
pub const LEASE: i64 = 30 * 1_000;

/// Which use of a key a row comes from: the same for every try of one request,
/// and never again the same once the key is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin(pub Id);

/// Answers a request once for its key: runs `handler` if the key is new or was
/// given back, and else says again what was answered.
///
/// Frozen are 2xx answers, except 202: that one says that there is more to
/// come. After any other answer the request may be tried again: one that is
/// refused has changed nothing, and one that broke off is gone on with.
///
/// Errors: `idempotency_key_required`, `idempotency_key_invalid` (400);
/// `idempotency_key_reused` (422) for another request; `idempotency_key_in_use`
/// (409) while the first one runs; those of the handler.
pub fn run(
    request: &Request,
    now: Timestamp,
    database: &impl Database,
    handler: impl FnOnce(Origin) -> Result<Response, Problem>,
) -> Result<Response, Problem> {
    let key = Key::of(request)?;
    let claim = [queries::claim(&key, Id::new(), now), queries::find(&key)];
    let claimed = match queries::found(database.transact(&claim)?, &key, now)? {
        Found::Ours(claimed) => claimed,
        Found::Answered(response) => return Ok(response.header("idempotent-replayed", "true")),
        Found::Running => return Err(in_use()),
        Found::Another => return Err(reused()),
    };
    let answer = handler(claimed.origin);
    let after = match &answer {
        Ok(response) if is_final(response) => queries::freeze(&key, &claimed, response)?,
        Err(problem) if problem.status() < 500 && claimed.is_first => {
            queries::forget(&key, &claimed)
        }
        _ => queries::release(&key, &claimed),
    };
    if let Err(error) = database.transact(&[after]) {
        // What was done is done; the key is free again when its lease ends.
        log::error("idempotency", &format!("{}: {error:?}", request.id));
    }
    answer
}

fn is_final(response: &Response) -> bool {
    (200..300).contains(&response.status) && response.status != 202
}

fn in_use() -> Problem {
    let detail = "A request with this Idempotency-Key is being answered. Try again in a moment.";
    Problem::conflict("idempotency_key_in_use", detail).header("retry-after", "1")
}

fn reused() -> Problem {
    Problem::unprocessable(
        "idempotency_key_reused",
        "This Idempotency-Key was used for another request. Take a new key for a new request.",
    )
}

#[cfg(test)]
mod tests;
