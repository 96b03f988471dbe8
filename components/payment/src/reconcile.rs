//! What became of calls that had no clear answer, and of payments that others
//! work on: asked when a webhook says that there is news, and again and again
//! where none comes.

use stoa_kit::{Id, Problem, Timestamp, log};

use crate::act;
use crate::operation::{Kind, Operation, REPEATABLE};
use crate::payment::Payment;
use crate::peers::{self, Trouble, processor};
use crate::queries::payments as queries;
use crate::standing;

/// For how long another payment is begun with in one tick, in milliseconds. A
/// call that hangs may outlast its tick; then the next one works beside it, on
/// other payments.
const PATIENCE: i64 = 3_000;

/// Looks at the payments that are due.
pub(crate) fn run() -> Result<(), Problem> {
    let end = peers::now().plus(PATIENCE);
    // Whoever does not answer must not keep the payments of others waiting.
    let mut silent = Vec::new();
    loop {
        let now = peers::now();
        if now >= end {
            return Ok(());
        }
        let Some(payment) = queries::take_due(&silent, now)? else {
            return Ok(());
        };
        // One that cannot be settled must not keep the others waiting.
        match one(payment, now) {
            Ok(Asked::InVain(processor)) => silent.push(processor),
            Ok(Asked::Answered) => {}
            Err(problem) => problem.log(&payment.to_string()),
        }
    }
}

/// What came of asking a processor.
enum Asked {
    Answered,
    /// Nothing came of this processor.
    InVain(String),
}

/// Makes the open calls of a payment again, where that is safe, and asks where
/// the charge stands for all others.
fn one(payment: Id, now: Timestamp) -> Result<Asked, Problem> {
    let Some((payment, open)) = queries::find_with_open(payment)? else {
        return Ok(Asked::Answered);
    };
    let (again, others): (Vec<_>, Vec<_>) = open
        .into_iter()
        .partition(|operation| operation.is_repeatable(now));
    for operation in &again {
        act::carry_out(payment.clone(), operation, now)?;
    }
    if again.is_empty() {
        return ask(&payment, &others, now);
    }
    // A processor may say for ever to a key what it said first, such as that
    // it had an accident. What became of the money, it knows all the same.
    match queries::find_with_open(payment.id)? {
        Some((payment, open)) if !open.is_empty() => ask(&payment, &open, now),
        _ => Ok(Asked::Answered),
    }
}

/// Asks where the charge stands, because somebody says that there is news. No
/// call is made again: the one that the news are about may be under way.
pub(crate) fn refetch(payment: Id, now: Timestamp) -> Result<(), Problem> {
    if let Some((payment, open)) = queries::find_with_open(payment)? {
        ask(&payment, &open, now)?;
    }
    Ok(())
}

fn ask(payment: &Payment, open: &[Operation], now: Timestamp) -> Result<Asked, Problem> {
    let standing = match processor::status(payment) {
        Ok(standing) => standing,
        Err(Trouble::Permanent(why) | Trouble::Uncertain(why)) => {
            log::warn("processor", &format!("{} is not known: {why}", payment.id));
            return Ok(Asked::InVain(payment.processor.clone()));
        }
    };
    let is_late = |operation: &Operation| now >= operation.created.plus(REPEATABLE);
    let (refunds, others): (Vec<_>, Vec<_>) = open
        .iter()
        .partition(|operation| operation.intent.kind == Kind::Refund);
    let operation = others.first().copied();
    let Some(standing) = standing else {
        // Searched for long enough: it never arrived.
        for operation in others.into_iter().filter(|operation| is_late(operation)) {
            if let standing::Result::Found(finding) = standing::of_mistake(operation) {
                act::settle(payment.id, Some(operation), &finding, now)?;
            }
        }
        // A refund of a charge that is not there: whatever that is, it is not
        // for us to say that no money has moved.
        for operation in refunds.into_iter().filter(|operation| is_late(operation)) {
            log::error("payment", &format!("{} cannot be found", operation.key));
        }
        rest(payment.id)?;
        return Ok(Asked::Answered);
    };
    let is_operation_late = operation.is_some_and(is_late);
    let found = standing::of_standing(payment, operation, is_operation_late, &standing);
    match (found, operation) {
        (Some(finding), Some(operation)) => {
            act::settle(payment.id, Some(operation), &finding, now)?;
        }
        // Somebody was faster. It is due again: then it is asked anew.
        (Some(finding), None) if !act::note(payment, &finding, now)? => {
            return Ok(Asked::Answered);
        }
        _ => {}
    }
    for operation in refunds {
        if let Some(ending) = standing::of_refund(operation, is_late(operation), &standing) {
            act::settle_refund(operation, &ending, now)?;
        }
    }
    for (refund, code) in standing::failed_refunds(&standing) {
        act::take_back(payment.id, refund, code, now)?;
    }
    rest(payment.id)?;
    Ok(Asked::Answered)
}

/// Lets a payment rest that waits for nobody.
fn rest(payment: Id) -> Result<(), Problem> {
    match queries::find(payment)? {
        Some(payment) if !standing::is_awaited(payment.state) => queries::rest(&payment),
        _ => Ok(()),
    }
}
