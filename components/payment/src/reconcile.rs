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

/// For how long payments are looked at in one tick, in milliseconds: a call
/// that begins then ends before the tick must.
const PATIENCE: i64 = 6_000;

/// Looks at the payments that are due.
pub(crate) fn run() -> Result<(), Problem> {
    let end = peers::now().plus(PATIENCE);
    loop {
        let now = peers::now();
        if now >= end {
            return Ok(());
        }
        let Some(payment) = queries::take_due(now)? else {
            return Ok(());
        };
        // One that cannot be settled must not keep the others waiting.
        if let Err(problem) = one(payment, now) {
            problem.log(&payment.to_string());
        }
    }
}

/// Makes the open calls of a payment again, where that is safe, and asks where
/// the charge stands for all others.
pub(crate) fn one(payment: Id, now: Timestamp) -> Result<(), Problem> {
    let Some((payment, open)) = queries::find_with_open(payment)? else {
        return Ok(());
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
        _ => Ok(()),
    }
}

/// Asks where the charge stands, because somebody says that there is news. No
/// call is made again: the one that the news are about may be under way.
pub(crate) fn refetch(payment: Id, now: Timestamp) -> Result<(), Problem> {
    match queries::find_with_open(payment)? {
        Some((payment, open)) => ask(&payment, &open, now),
        None => Ok(()),
    }
}

fn ask(payment: &Payment, open: &[Operation], now: Timestamp) -> Result<(), Problem> {
    let standing = match processor::status(payment) {
        Ok(standing) => standing,
        Err(Trouble::Permanent(why) | Trouble::Uncertain(why)) => {
            log::warn("processor", &format!("{} is not known: {why}", payment.id));
            return Ok(());
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
        return Ok(());
    };
    let is_operation_late = operation.is_some_and(is_late);
    let found = standing::of_standing(payment, operation, is_operation_late, &standing);
    if let Some(finding) = found {
        act::settle(payment.id, operation, &finding, now)?;
    }
    for operation in refunds {
        if let Some(ending) = standing::of_refund(operation, is_late(operation), &standing) {
            act::settle_refund(operation, &ending, now)?;
        }
    }
    match queries::find(payment.id)? {
        Some(payment) if !standing::is_awaited(payment.state) => queries::rest(&payment),
        _ => Ok(()),
    }
}
