//! What other services are told: an event for each thing that an order or a
//! customer waits for, stored in the transaction of the change.

use serde_json::json;
use stoa_kit::Service as _;
use stoa_outbox::Event;

use crate::payment::Payment;

/// `payment.succeeded`, `payment.failed`, `payment.refunded` or
/// `payment.canceled`: about so many minor units, and why.
pub(crate) fn event(
    kind: &'static str,
    payment: &Payment,
    amount: i64,
    reason: Option<&str>,
) -> Event {
    let data = json!({
        "payment": payment.id,
        "account": payment.account,
        "email": null,
        "processor": payment.processor,
        "reference": payment.reference,
        "amount": {"amount": amount, "currency": payment.amount.currency()},
        "reason": reason,
    });
    Event::new(kind, payment.id, data)
}

/// Says that there is something to relay. To be called when it is stored.
pub(crate) fn nudge() {
    stoa_outbox::nudge(crate::Payments::ID);
}
