//! What follows for a payment from what was found out about it: its next
//! state, the ledger's entries, and the event. Nothing here asks anybody.

use stoa_outbox::Event;

use crate::ledger::{Entry, Kind};
use crate::operation::Operation;
use crate::outbox;
use crate::payment::{Action, Failure, Payment};
use crate::refund::Refund;
use crate::state::{State, Step};

/// What was found out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Finding {
    /// So much was taken in all.
    Paid { charge: String, amount: i64 },
    /// So much is held.
    Held { charge: String, amount: i64 },
    /// The customer has to do something.
    Action { charge: String, action: Action },
    /// The means of payment was refused.
    Declined {
        charge: Option<String>,
        failure: Failure,
    },
    /// It is given up, for a reason if that is known here.
    Canceled { reason: Option<String> },
    /// What was asked for was refused; the payment is what it was before.
    Kept(Failure),
}

impl Finding {
    /// Whether money was taken or is held.
    pub(crate) fn brings_money(&self) -> bool {
        matches!(self, Self::Paid { .. } | Self::Held { .. })
    }
}

/// A payment as it is afterwards, and what has to be written with it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) payment: Payment,
    pub(crate) entries: Vec<Entry>,
    pub(crate) event: Option<Event>,
    /// Why the refund failed, where it is one that did.
    pub(crate) failed: Option<String>,
}

/// What a finding changes; `None` where it is no news, or not possible.
/// `operation` is the one that it settles.
pub(crate) fn apply(
    payment: &Payment,
    operation: Option<&Operation>,
    finding: &Finding,
) -> Option<Change> {
    let mut next = payment.clone();
    match finding {
        Finding::Paid { charge, amount } => {
            next.state = payment.state.after(Step::Pay)?;
            next.charge = Some(charge.clone());
            next.clear();
            let held = payment.balances.held;
            let mut entries = Vec::new();
            if *amount > held {
                entries.push(Entry::new(Kind::Authorized, amount - held));
            }
            entries.push(Entry::new(Kind::Captured, *amount));
            if held > *amount {
                entries.push(Entry::new(Kind::Released, held - amount));
            }
            next.balances.held = 0;
            next.balances.captured += amount;
            let event = outbox::event("payment.succeeded", &next, *amount, None);
            Some(Change::new(next, entries, Some(event)))
        }
        Finding::Held { charge, amount } => {
            next.state = payment.state.after(Step::Hold)?;
            next.charge = Some(charge.clone());
            next.clear();
            next.balances.held += amount;
            let entries = vec![Entry::new(Kind::Authorized, *amount)];
            Some(Change::new(next, entries, None))
        }
        Finding::Action { charge, action } => {
            next.state = payment.state.after(Step::Act)?;
            next.clear();
            next.charge = Some(charge.clone());
            next.action = Some(action.clone());
            Some(Change::new(next, Vec::new(), None))
        }
        Finding::Declined { charge, failure } => {
            next.state = payment.state.after(Step::Decline)?;
            next.clear();
            next.charge = charge.clone().or(next.charge);
            next.failure = Some(failure.clone());
            let code = failure.code.as_str();
            let entries = vec![Entry::note(Kind::Failed, Some(code))];
            let event = outbox::event("payment.failed", &next, next.amount.amount(), Some(code));
            Some(Change::new(next, entries, Some(event)))
        }
        Finding::Canceled { reason } => {
            next.state = payment.state.after(Step::Void)?;
            next.clear();
            let asked = operation.and_then(|operation| operation.intent.reason.clone());
            next.reason = reason.clone().or(asked);
            let mut entries = Vec::new();
            if payment.balances.held > 0 {
                entries.push(Entry::new(Kind::Released, payment.balances.held));
            }
            entries.push(Entry::note(Kind::Canceled, None));
            next.balances.held = 0;
            let amount = next.amount.amount();
            let event = outbox::event("payment.canceled", &next, amount, next.reason.as_deref());
            Some(Change::new(next, entries, Some(event)))
        }
        Finding::Kept(failure) => {
            let operation = operation.filter(|_| payment.state == State::Processing)?;
            next.state = operation.previous;
            next.failure = Some(failure.clone());
            let entries = vec![Entry::note(Kind::Failed, Some(&failure.code))];
            Some(Change::new(next, entries, None))
        }
    }
}

/// What a refund that has ended changes: it is back with the customer, or it
/// failed with a code.
pub(crate) fn refund(payment: &Payment, operation: &Operation, failed: Option<&str>) -> Change {
    let amount = operation.intent.amount;
    let mut next = payment.clone();
    next.balances.refunding -= amount;
    let (kind, event) = if failed.is_some() {
        (Kind::RefundFailed, None)
    } else {
        next.balances.refunded += amount;
        let reason = operation.intent.reason.as_deref();
        let event = outbox::event("payment.refunded", payment, amount, reason);
        (Kind::Refunded, Some(event))
    };
    let mut entry = Entry::new(kind, amount);
    entry.refund = operation.intent.refund;
    entry.code = failed.map(str::to_owned);
    Change {
        failed: failed.map(str::to_owned),
        ..Change::new(next, vec![entry], event)
    }
}

/// What a refund changes that the customer's bank sends back, days after it was
/// done.
pub(crate) fn returned(payment: &Payment, refund: &Refund, code: &str) -> Change {
    let amount = refund.amount.amount();
    let mut next = payment.clone();
    next.balances.refunded -= amount;
    let mut entry = Entry::new(Kind::RefundReturned, amount).of_refund(refund.id);
    entry.code = Some(code.to_owned());
    Change::new(next, vec![entry], None)
}

impl Change {
    fn new(payment: Payment, entries: Vec<Entry>, event: Option<Event>) -> Self {
        Self {
            payment,
            entries,
            event,
            failed: None,
        }
    }
}

impl Payment {
    /// Forgets what the last try left.
    fn clear(&mut self) {
        self.failure = None;
        self.action = None;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixtures::{operation, payment};
    use crate::operation::Kind as Asked;
    use crate::payment::Balances;

    fn paid(amount: i64) -> Finding {
        Finding::Paid {
            charge: "ch".into(),
            amount,
        }
    }

    fn moved(change: &Change) -> Vec<(Kind, i64)> {
        change
            .entries
            .iter()
            .map(|entry| (entry.kind, entry.amount))
            .collect()
    }

    #[test]
    fn what_is_taken_at_once_was_held_for_a_moment() {
        let change = apply(&payment(State::Processing), None, &paid(1999)).unwrap();
        assert_eq!(
            moved(&change),
            [(Kind::Authorized, 1999), (Kind::Captured, 1999)]
        );
        assert_eq!(change.payment.state, State::Succeeded);
        assert_eq!(change.payment.charge.as_deref(), Some("ch"));
        let event = change.event.unwrap();
        assert_eq!(event.kind, "payment.succeeded");
        let data = json!({
            "payment": change.payment.id, "account": "ann", "email": null,
            "processor": "sandbox", "reference": "order 1",
            "amount": {"amount": 1999, "currency": "EUR"}, "reason": null,
        });
        assert_eq!(event.data, data);
    }

    #[test]
    fn what_is_not_captured_is_released() {
        let mut held = payment(State::Processing);
        held.balances.held = 1999;
        let change = apply(&held, None, &paid(1500)).unwrap();
        assert_eq!(
            moved(&change),
            [(Kind::Captured, 1500), (Kind::Released, 499)]
        );
        let expected = Balances {
            captured: 1500,
            ..Balances::default()
        };
        assert_eq!(change.payment.balances, expected);
    }

    #[test]
    fn what_has_ended_is_not_changed_by_anything() {
        let failure = Failure {
            code: "c".into(),
            message: "m".into(),
        };
        for state in [State::Succeeded, State::Canceled] {
            for finding in [
                paid(1999),
                Finding::Held {
                    charge: "ch".into(),
                    amount: 1999,
                },
                Finding::Declined {
                    charge: None,
                    failure: failure.clone(),
                },
                Finding::Canceled { reason: None },
                Finding::Kept(failure.clone()),
            ] {
                let asked = operation(Asked::Capture, State::RequiresCapture);
                assert_eq!(apply(&payment(state), Some(&asked), &finding), None);
            }
        }
    }

    #[test]
    fn what_was_refused_leaves_the_payment_as_it_was_before() {
        let mut held = payment(State::Processing);
        held.balances.held = 1999;
        let asked = operation(Asked::Capture, State::RequiresCapture);
        let failure = Failure {
            code: "expired".into(),
            message: "Too late.".into(),
        };
        let change = apply(&held, Some(&asked), &Finding::Kept(failure)).unwrap();
        assert_eq!(change.payment.state, State::RequiresCapture);
        assert_eq!(change.payment.balances, held.balances);
        assert_eq!(moved(&change), [(Kind::Failed, 0)]);
        assert_eq!(change.event, None);
    }

    #[test]
    fn a_canceled_payment_releases_what_was_held_and_says_why() {
        let mut held = payment(State::Processing);
        held.balances.held = 1999;
        let mut asked = operation(Asked::Cancel, State::RequiresCapture);
        asked.intent.reason = Some("duplicate".into());
        let change = apply(&held, Some(&asked), &Finding::Canceled { reason: None }).unwrap();
        assert_eq!(
            moved(&change),
            [(Kind::Released, 1999), (Kind::Canceled, 0)]
        );
        assert_eq!(change.payment.balances, Balances::default());
        assert_eq!(change.event.unwrap().data["reason"], "duplicate");
    }

    #[test]
    fn a_refund_goes_back_to_the_customer_or_to_the_shop() {
        let mut paid = payment(State::Succeeded);
        paid.balances.captured = 1999;
        paid.balances.refunding = 700;
        let mut asked = operation(Asked::Refund, State::Succeeded);
        asked.intent.amount = 500;
        let done = refund(&paid, &asked, None);
        assert_eq!(moved(&done), [(Kind::Refunded, 500)]);
        assert_eq!(
            (
                done.payment.balances.refunding,
                done.payment.balances.refunded
            ),
            (200, 500)
        );
        assert_eq!(done.event.unwrap().data["amount"]["amount"], 500);
        let failed = refund(&paid, &asked, Some("expired"));
        assert_eq!(moved(&failed), [(Kind::RefundFailed, 500)]);
        assert_eq!(failed.payment.balances.refundable(), 1799);
        assert_eq!(failed.event, None);
    }
}
