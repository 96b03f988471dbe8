//! What is due at each tick: the gateway is told what it does not know yet, and
//! what is of no use any more is deleted.

use stoa_kit::{Problem, Timestamp};

use crate::queries::{self, DATABASE};
use crate::{keys, peers, revocation};

/// Deleting is due at every so many ticks: once a minute, at the usual 5 s.
const DELETE_EVERY: u64 = 12;
/// How long a key is kept after it has signed, in milliseconds: until its
/// last token has ended, and a little more.
const KEPT: i64 = 15 * 60 * 1_000;

/// Does what is due. What fails is tried again at the next tick.
pub(crate) fn run(tick: u64) {
    let now = peers::now();
    let mut due = vec![
        keys::signer(now).map(drop),
        keys::publish(now),
        revocation::catch_up(now),
    ];
    if tick.is_multiple_of(DELETE_EVERY) {
        due.push(delete_old(now));
    }
    for problem in due.into_iter().filter_map(Result::err) {
        problem.log("housekeeping");
    }
}

/// Deletes what time has made useless.
pub(crate) fn delete_old(now: Timestamp) -> Result<(), Problem> {
    let mut statements = vec![
        queries::throttle::delete_old(now),
        queries::one_time::delete_old(now),
        queries::keys::delete(now.plus(-KEPT)),
    ];
    statements.extend(queries::sessions::delete_old(now));
    DATABASE.transact(&statements)?;
    Ok(())
}
