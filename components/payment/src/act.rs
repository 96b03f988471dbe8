//! How something is asked of a processor, so that it is done once.
//!
//! First it is written down, in the transaction that moves the payment to
//! `processing` (or takes a refund out of what can be given back). Then the
//! processor is asked, with a key from what was written. Then what came of it
//! is written, in one transaction that only one can make. Whoever dies in
//! between leaves an open operation, which is asked again with the same key.

use stoa_idempotency::Origin;
use stoa_kit::{Id, Problem, Timestamp, log};

use crate::caller::Caller;
use crate::change::{self, Change, Finding};
use crate::operation::{Intent, Operation};
use crate::payment::Payment;
use crate::peers::{Call, Trouble, processor};
use crate::queries::payments::{self as queries, Stored};
use crate::queries::refunds;
use crate::refund::{Refund, Status};
use crate::standing::{self, Ending, Result as Answer};
use crate::state::State;

/// How often a write is tried again that somebody else's write came before.
const ATTEMPTS: u32 = 8;

/// What a client's request comes down to, for a payment as it is now.
pub(crate) enum Plan {
    /// The processor has to be asked.
    Ask(Intent),
    /// Nobody has to be asked: the processor knows nothing of it.
    Write(Intent, Finding),
}

/// Does what a client asks for, or goes on with what an earlier try of the same
/// request has begun. Returns the payment as it is then.
///
/// Errors: `not_found` (404), those of `plan`.
pub(crate) fn run(
    id: Id,
    caller: &Caller,
    origin: Origin,
    now: Timestamp,
    plan: impl Fn(&Payment) -> Result<Plan, Problem>,
) -> Result<Payment, Problem> {
    for _ in 0..ATTEMPTS {
        let (payment, begun) = queries::find_with_origin(id, origin)?.unzip();
        let payment = caller.admit(payment)?;
        if let Some(operation) = begun.flatten() {
            return go_on(payment, &operation, now);
        }
        match plan(&payment)? {
            Plan::Ask(intent) => {
                if let Some((payment, operation)) = queries::begin(&payment, &intent, origin, now)?
                {
                    return carry_out(payment, &operation, now);
                }
            }
            Plan::Write(intent, finding) => {
                let change = change::apply(&payment, None, &finding)
                    .ok_or_else(|| Problem::internal("a plan was not possible"))?;
                let done = queries::done(&payment, &intent, origin, now);
                if let Stored::Done(payment) = queries::store(&change, None, vec![done], now)? {
                    return Ok(*payment);
                }
            }
        }
    }
    Err(busy())
}

/// Goes on with what was begun before.
pub(crate) fn go_on(
    payment: Payment,
    operation: &Operation,
    now: Timestamp,
) -> Result<Payment, Problem> {
    if operation.is_open && operation.is_repeatable(now) {
        carry_out(payment, operation, now)
    } else {
        Ok(payment)
    }
}

/// Asks the processor and writes what came of it. Without an answer, the
/// payment stays as it is until somebody asks again.
pub(crate) fn carry_out(
    payment: Payment,
    operation: &Operation,
    now: Timestamp,
) -> Result<Payment, Problem> {
    let answer = match processor::call(&payment.processor, &Call::of(&payment, operation)) {
        Ok(outcome) => standing::of_outcome(&payment, operation, outcome),
        Err(Trouble::Permanent(why)) => {
            log::error(
                "processor",
                &format!("{} was refused: {why}", operation.key),
            );
            standing::of_mistake(operation)
        }
        Err(Trouble::Uncertain(why)) => {
            log::warn(
                "processor",
                &format!("{} is uncertain: {why}", operation.key),
            );
            queries::hasten(payment.id, now)?;
            return Ok(payment);
        }
    };
    match answer {
        Answer::Found(finding) => settle(payment.id, Some(operation), &finding, now),
        Answer::Refund(ending) => settle_refund(operation, &ending, now),
        Answer::Pending(charge) => {
            queries::acknowledge(operation, charge.as_deref(), now)?;
            current(payment.id)
        }
    }
}

/// Writes what was found out about a payment, and settles the operation that it
/// comes from. Returns the payment as it is then.
pub(crate) fn settle(
    id: Id,
    operation: Option<&Operation>,
    finding: &Finding,
    now: Timestamp,
) -> Result<Payment, Problem> {
    write(id, operation, finding.brings_money(), now, |payment| {
        change::apply(payment, operation, finding)
    })
}

/// Writes what was found out about a payment that nobody had asked anything
/// of, unless it is not what it was when the question was put: then the answer
/// may be about an earlier try. Whether it was written, or is no news.
pub(crate) fn note(before: &Payment, finding: &Finding, now: Timestamp) -> Result<bool, Problem> {
    let Some(change) = change::apply(before, None, finding) else {
        report(before, finding.brings_money());
        return Ok(true);
    };
    let stored = queries::store(&change, None, Vec::new(), now)?;
    Ok(matches!(stored, Stored::Done(_)))
}

/// Writes how a refund has ended.
pub(crate) fn settle_refund(
    operation: &Operation,
    ending: &Ending,
    now: Timestamp,
) -> Result<Payment, Problem> {
    let failed = ending.code();
    write(operation.payment, Some(operation), false, now, |payment| {
        Some(change::refund(payment, operation, failed))
    })
}

/// Takes a refund back that had reached the customer, if it is one of this
/// payment.
pub(crate) fn take_back(
    payment: Id,
    refund: Id,
    code: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    let is_done = |refund: &Refund| refund.payment == payment && refund.status == Status::Succeeded;
    for _ in 0..ATTEMPTS {
        let Some(refund) = refunds::find(refund)?.filter(is_done) else {
            return Ok(());
        };
        let change = change::returned(&current(payment)?, &refund, code);
        let more = vec![refunds::take_back(&refund, code, now)];
        if let Stored::Done(_) = queries::store(&change, None, more, now)? {
            return Ok(());
        }
    }
    Err(busy())
}

fn write(
    id: Id,
    operation: Option<&Operation>,
    brings_money: bool,
    now: Timestamp,
    decide: impl Fn(&Payment) -> Option<Change>,
) -> Result<Payment, Problem> {
    for _ in 0..ATTEMPTS {
        let payment = current(id)?;
        let Some(change) = decide(&payment) else {
            report(&payment, brings_money);
            if let Some(operation) = operation.filter(|_| payment.is_settled()) {
                // Nothing can come of it any more: nobody is to ask again.
                queries::close(operation, now)?;
            }
            return Ok(payment);
        };
        match queries::store(&change, operation, Vec::new(), now)? {
            Stored::Done(payment) => return Ok(*payment),
            Stored::Changed => {}
            Stored::Settled => return current(id),
        }
    }
    Err(busy())
}

/// Money of a payment that was given up has to be looked at by somebody.
fn report(payment: &Payment, brings_money: bool) {
    if payment.state == State::Canceled && brings_money {
        let charge = payment.charge.as_deref().unwrap_or("unknown");
        let why = format!("{} is canceled, and charged: {charge}", payment.id);
        log::error("payment", &why);
    }
}

/// The payment as it is now.
fn current(id: Id) -> Result<Payment, Problem> {
    queries::find(id)?.ok_or_else(|| Problem::internal("a payment is gone"))
}

fn busy() -> Problem {
    Problem::unavailable(
        "The payment is being changed. Try again.",
        "others were faster every time",
    )
}
