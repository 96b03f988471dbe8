//! What other services are told: an event for each thing that an order or a
//! customer waits for, stored in the transaction of the change.

use serde_json::{Value, json};
use stoa_kit::Id;

use crate::payment::Payment;

/// Something that happened to a payment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// The event's own id, a UUIDv7: who gets it twice knows it again by it.
    pub(crate) id: Id,
    /// `payment.succeeded`, `payment.failed`, `payment.refunded` or
    /// `payment.canceled`.
    pub(crate) kind: &'static str,
    /// The payment's id.
    pub(crate) subject: Id,
    pub(crate) data: Value,
}

impl Event {
    /// About so many minor units, and why.
    pub(crate) fn new(
        kind: &'static str,
        payment: &Payment,
        amount: i64,
        reason: Option<&str>,
    ) -> Self {
        let data = json!({
            "payment": payment.id,
            "account": payment.account,
            "email": null,
            "reference": payment.reference,
            "amount": {"amount": amount, "currency": payment.amount.currency()},
            "reason": reason,
        });
        Self {
            id: Id::new(),
            kind,
            subject: payment.id,
            data,
        }
    }
}
