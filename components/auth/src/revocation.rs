//! Telling the gateway which sessions have ended, so that their access tokens
//! are refused before they expire.

use stoa_kit::{Id, Problem, Timestamp, log};
use stoa_tokens::{LEEWAY_SECONDS, LIFETIME_SECONDS};

use crate::peers::records;
use crate::queries::sessions as queries;

/// Tells the gateway at once. What does not succeed, the next tick makes good
/// ([`catch_up`]): the session has ended all the same.
pub(crate) fn announce(sessions: &[Id], now: Timestamp) {
    if let Err(problem) = try_to_announce(sessions, now) {
        problem.log("revocation");
        log::warn("revocation", "the gateway will be told at the next tick");
    }
}

/// Tells the gateway what it could not be told before, as long as it matters.
///
/// Errors: `unavailable` (503).
pub(crate) fn catch_up(now: Timestamp) -> Result<(), Problem> {
    let seconds = LIFETIME_SECONDS + 2 * LEEWAY_SECONDS;
    let since = now.plus(-1_000 * seconds.cast_signed());
    try_to_announce(&queries::unannounced(since)?, now)
}

fn try_to_announce(sessions: &[Id], now: Timestamp) -> Result<(), Problem> {
    if sessions.is_empty() {
        return Ok(());
    }
    for session in sessions {
        records::put(&format!("revoked/{session}"), &now.to_string())?;
    }
    queries::announced(sessions, now)
}
