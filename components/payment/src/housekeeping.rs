//! What is due at each tick: processors are asked what became of what is open,
//! the ledger is compared with payments, and what is of no use any more is
//! deleted.

use stoa_kit::{Problem, Timestamp, log};

use crate::queries::ledger::{self as queries, Compared};
use crate::queries::{DATABASE, webhooks};
use crate::{ledger, peers, reconcile};

/// Comparing and deleting are due at one of so many ticks: about once a minute,
/// at the usual 5 s.
const RARELY: u64 = 12;

/// How many payments are compared at a time, and how often at one tick.
const COMPARED: i64 = 500;
const COMPARISONS: u32 = 20;

/// Does what is due. What fails is tried again at the next tick.
pub(crate) fn run(tick: u64) {
    let now = peers::now();
    let mut done = Vec::new();
    // First what needs nobody: processors may take all the time there is.
    if tick.is_multiple_of(RARELY) {
        done.push(delete_old(now));
        done.push(check(now).map(drop));
    }
    done.push(reconcile::run());
    for problem in done.into_iter().filter_map(Result::err) {
        problem.log("housekeeping");
    }
}

/// Deletes what time has made useless.
pub(crate) fn delete_old(now: Timestamp) -> Result<(), Problem> {
    let statements = [stoa_idempotency::delete_old(now), webhooks::delete_old(now)];
    DATABASE.transact(&statements)?;
    Ok(())
}

/// Compares the payments that have changed with the ledger; returns how many of
/// them differ, which is an error for somebody to look at.
pub(crate) fn check(now: Timestamp) -> Result<usize, Problem> {
    let mut wrong = 0;
    for _ in 0..COMPARISONS {
        let compared = queries::compare(COMPARED, now)?;
        wrong += differing(&compared);
        if let Some(last) = compared.last() {
            queries::checked(last)?;
        }
        if i64::try_from(compared.len()).is_ok_and(|count| count < COMPARED) {
            break;
        }
    }
    Ok(wrong)
}

/// How many differ. Each is an error in the log.
fn differing(compared: &[Compared]) -> usize {
    let mut wrong = 0;
    for payment in compared {
        let differences = ledger::differences(payment.amount, payment.balances, payment.sums);
        if !differences.is_empty() {
            wrong += 1;
            let differences = differences.join("; ");
            log::error(
                "ledger",
                &format!("payment {}: {differences}", payment.payment),
            );
        }
    }
    wrong
}
