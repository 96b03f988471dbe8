//! What is due at each tick: mails that are queued or failed, or were lost by
//! whoever sent them; and, more seldom, deleting what is old.

use stoa_kit::Problem;

use crate::queries::delivery::Which;
use crate::queries::housekeeping;
use crate::{delivery, peers};

/// The name of the link from the ticker whose ticks send mail. At all others
/// there is a heartbeat.
pub(crate) const TICK: &str = "work-email";

/// How many mails are sent at a tick, and how long a tick takes up new ones, in
/// milliseconds: the ticker waits for two seconds.
pub(crate) const MOST: usize = 20;
const TIME: i64 = 1_000;

/// Sends what is due, longest due first. One that fails is due later, behind
/// the others.
pub(crate) fn send() -> Result<(), Problem> {
    let end = peers::now().plus(TIME);
    for _ in 0..MOST {
        if !delivery::run(Which::Due)? || peers::now() >= end {
            break;
        }
    }
    Ok(())
}

/// Deletes what is old. What fails is tried again at the next tick.
pub(crate) fn tidy_up() {
    if let Err(problem) = housekeeping::delete_old(peers::now()) {
        problem.log("housekeeping");
    }
}
