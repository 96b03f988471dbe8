//! What a processor's answers say about a payment.
//!
//! The answer to a call is about that call. A charge's standing may be from
//! before it: then only what cannot be undone counts, until it is known that
//! the call has arrived.

use stoa_kit::Id;

use crate::bindings::stoa::payments::types::{
    Action as Asked, ChargeState, Decline, NextStep, Outcome, RefundStanding, RefundState, Standing,
};
use crate::change::Finding;
use crate::fields::CaptureMethod;
use crate::operation::{Kind, Operation};
use crate::payment::{Action, Failure, Payment};
use crate::state::State;

/// What became of a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Result {
    /// It says something about the payment.
    Found(Finding),
    /// The refund has ended.
    Refund(Ending),
    /// The processor is at it; its id of the charge.
    Pending(Option<String>),
}

/// How a refund has ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ending {
    /// The customer has it.
    Succeeded,
    /// The shop has it still; why.
    Failed(String),
}

impl Ending {
    /// Why it failed, if it did.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Succeeded => None,
            Self::Failed(code) => Some(code),
        }
    }
}

/// What the answer to a call says.
pub(crate) fn of_outcome(payment: &Payment, operation: &Operation, outcome: Outcome) -> Result {
    let kind = operation.intent.kind;
    match (kind, outcome) {
        (Kind::Refund, Outcome::Approved(_)) => Result::Refund(Ending::Succeeded),
        (Kind::Refund, Outcome::Declined(decline)) => Result::Refund(Ending::Failed(decline.code)),
        (Kind::Refund, Outcome::Pending(_) | Outcome::RequiresAction(_)) => Result::Pending(None),
        (Kind::Authorize, Outcome::Approved(charge)) => {
            let amount = operation.intent.amount;
            Result::Found(match payment.capture {
                CaptureMethod::Automatic => Finding::Paid { charge, amount },
                CaptureMethod::Manual => Finding::Held { charge, amount },
            })
        }
        (Kind::Capture, Outcome::Approved(charge)) => Result::Found(Finding::Paid {
            charge,
            amount: operation.intent.amount,
        }),
        (Kind::Cancel, Outcome::Approved(_)) => Result::Found(Finding::Canceled { reason: None }),
        (Kind::Authorize, Outcome::Declined(decline)) => Result::Found(declined(decline)),
        (Kind::Capture | Kind::Cancel, Outcome::Declined(decline)) => {
            Result::Found(Finding::Kept(failure(decline)))
        }
        (Kind::Authorize, Outcome::RequiresAction(asked)) => Result::Found(action(asked)),
        (_, Outcome::Pending(charge)) => Result::Pending(Some(charge)),
        (_, Outcome::RequiresAction(asked)) => Result::Pending(Some(asked.charge)),
    }
}

/// What the mistake behind a call that will never be done says. It is ours, so
/// the client is not told what it was.
pub(crate) fn of_mistake(operation: &Operation) -> Result {
    let failure = Failure {
        code: "processor_error".to_owned(),
        message: "The processor did not accept the request.".to_owned(),
    };
    match operation.intent.kind {
        Kind::Authorize => Result::Found(Finding::Declined {
            charge: None,
            failure,
        }),
        Kind::Capture | Kind::Cancel => Result::Found(Finding::Kept(failure)),
        Kind::Refund => Result::Refund(Ending::Failed(failure.code)),
    }
}

/// What a charge's standing says about the payment. `operation` is the one
/// that is open, if any; `is_late` says that its call can have arrived only
/// long ago, so that what is not done will not be.
pub(crate) fn of_standing(
    payment: &Payment,
    operation: Option<&Operation>,
    is_late: bool,
    standing: &Standing,
) -> Option<Finding> {
    let is_settled = operation.is_none_or(|operation| operation.is_acknowledged) || is_late;
    let kind = operation.map(|operation| operation.intent.kind);
    let charge = standing.charge.clone();
    match standing.state {
        ChargeState::Captured => Some(Finding::Paid {
            charge,
            amount: standing.captured,
        }),
        ChargeState::Canceled => Some(Finding::Canceled { reason: None }),
        ChargeState::Pending => None,
        // What the charge was before it was to be captured or canceled.
        _ if matches!(kind, Some(Kind::Capture | Kind::Cancel)) => is_late.then(|| {
            Finding::Kept(Failure {
                code: "processor_error".to_owned(),
                message: "The processor did not do it.".to_owned(),
            })
        }),
        ChargeState::Authorized => (payment.balances.held == 0).then_some(Finding::Held {
            charge,
            amount: standing.authorized,
        }),
        // Of the first try it can only be what has come of it.
        ChargeState::RequiresAction if is_settled || payment.charge.is_none() => {
            standing.action.clone().map(action)
        }
        ChargeState::Unpaid if is_settled => {
            Some(declined(standing.decline.clone().unwrap_or(Decline {
                charge: Some(charge),
                code: "not_paid".to_owned(),
                message: "It was not paid.".to_owned(),
            })))
        }
        ChargeState::RequiresAction | ChargeState::Unpaid => None,
    }
}

/// How a refund has ended, if it has.
pub(crate) fn of_refund(
    operation: &Operation,
    is_late: bool,
    standing: &Standing,
) -> Option<Ending> {
    let id = operation.intent.refund.map(|refund| refund.to_string());
    let mut refunds = standing.refunds.iter();
    match refunds.find(|refund| id.is_some() && refund.refund == id) {
        Some(refund) => match refund.state {
            RefundState::Succeeded => Some(Ending::Succeeded),
            RefundState::Failed => {
                let code = refund.code.as_deref().unwrap_or("refund_failed");
                Some(Ending::Failed(code.to_owned()))
            }
            RefundState::Pending => None,
        },
        None => is_late.then(|| Ending::Failed("processor_error".to_owned())),
    }
}

/// The refunds of ours that failed, and why.
pub(crate) fn failed_refunds(standing: &Standing) -> impl Iterator<Item = (Id, &str)> {
    let failed = |refund: &&RefundStanding| refund.state == RefundState::Failed;
    standing.refunds.iter().filter(failed).filter_map(|refund| {
        let id = Id::parse(refund.refund.as_deref()?, "refund").ok()?;
        Some((id, refund.code.as_deref().unwrap_or("refund_failed")))
    })
}

/// Whether the processor has to be asked about a payment in this state that
/// nobody has asked it anything else about.
pub(crate) fn is_awaited(state: State) -> bool {
    matches!(state, State::Processing | State::RequiresAction)
}

fn declined(decline: Decline) -> Finding {
    Finding::Declined {
        charge: decline.charge.clone(),
        failure: failure(decline),
    }
}

fn failure(decline: Decline) -> Failure {
    Failure {
        code: decline.code,
        message: decline.message,
    }
}

fn action(asked: Asked) -> Finding {
    Finding::Action {
        charge: asked.charge,
        action: match asked.next {
            NextStep::Url(url) => Action::Url { url },
            NextStep::Data(data) => Action::Data { data },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{operation, payment, standing};

    #[test]
    fn a_standing_from_before_the_call_does_not_fail_it() {
        let mut asked = operation(Kind::Authorize, State::RequiresPaymentMethod);
        let payment = payment(State::Processing);
        let unpaid = standing(ChargeState::Unpaid);
        assert_eq!(of_standing(&payment, Some(&asked), false, &unpaid), None);
        let late = of_standing(&payment, Some(&asked), true, &unpaid);
        assert!(matches!(late, Some(Finding::Declined { .. })));
        asked.is_acknowledged = true;
        let arrived = of_standing(&payment, Some(&asked), false, &unpaid);
        assert!(matches!(arrived, Some(Finding::Declined { .. })));
    }

    #[test]
    fn what_cannot_be_undone_counts_whatever_was_asked() {
        let payment = payment(State::Processing);
        for kind in [Kind::Authorize, Kind::Capture, Kind::Cancel] {
            let asked = operation(kind, State::RequiresCapture);
            let found = |state| of_standing(&payment, Some(&asked), false, &standing(state));
            assert!(matches!(
                found(ChargeState::Captured),
                Some(Finding::Paid { .. })
            ));
            assert_eq!(
                found(ChargeState::Canceled),
                Some(Finding::Canceled { reason: None })
            );
            assert_eq!(found(ChargeState::Pending), None);
        }
    }

    #[test]
    fn a_charge_that_is_still_held_is_kept_only_when_nothing_will_come_any_more() {
        let mut payment = payment(State::Processing);
        payment.balances.held = 1999;
        let held = standing(ChargeState::Authorized);
        for kind in [Kind::Capture, Kind::Cancel] {
            let asked = operation(kind, State::RequiresCapture);
            assert_eq!(of_standing(&payment, Some(&asked), false, &held), None);
            let late = of_standing(&payment, Some(&asked), true, &held);
            assert!(matches!(late, Some(Finding::Kept(_))));
        }
    }
}
