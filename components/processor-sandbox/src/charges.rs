//! Charges and refunds as they are stored.

use stoa_kit::Timestamp;

use crate::bindings::stoa::payments::types::{ChargeState, RefundState};

/// A charge.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) payment: String,
    pub(crate) method: String,
    pub(crate) currency: String,
    pub(crate) amount: i64,
    pub(crate) captures: bool,
    pub(crate) state: ChargeState,
    pub(crate) authorized: i64,
    pub(crate) captured: i64,
    /// Why it was refused.
    pub(crate) code: Option<String>,
    /// When what is under way comes to its end.
    pub(crate) ripe: Option<Timestamp>,
    pub(crate) created: Timestamp,
}

impl Charge {
    /// The money is held, and taken where it is to be taken at once.
    pub(crate) fn approve(&mut self) {
        self.code = None;
        self.ripe = None;
        if self.captures {
            self.state = ChargeState::Captured;
            self.captured = self.amount;
        } else {
            self.state = ChargeState::Authorized;
            self.authorized = self.amount;
        }
    }

    /// It is refused.
    pub(crate) fn decline(&mut self, code: &str) {
        self.state = ChargeState::Unpaid;
        self.code = Some(code.to_owned());
        self.ripe = None;
    }
}

/// A refund.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Back {
    pub(crate) id: String,
    /// The refund's id with the payment service.
    pub(crate) refund: String,
    pub(crate) charge: String,
    pub(crate) amount: i64,
    pub(crate) state: RefundState,
    pub(crate) code: Option<String>,
    pub(crate) ripe: Option<Timestamp>,
    pub(crate) created: Timestamp,
}

const CHARGE_STATES: [(ChargeState, &str); 6] = [
    (ChargeState::Unpaid, "unpaid"),
    (ChargeState::RequiresAction, "requires_action"),
    (ChargeState::Pending, "pending"),
    (ChargeState::Authorized, "authorized"),
    (ChargeState::Captured, "captured"),
    (ChargeState::Canceled, "canceled"),
];

const REFUND_STATES: [(RefundState, &str); 3] = [
    (RefundState::Pending, "pending"),
    (RefundState::Succeeded, "succeeded"),
    (RefundState::Failed, "failed"),
];

pub(crate) fn charge_state_name(state: ChargeState) -> &'static str {
    let found = CHARGE_STATES.iter().find(|(known, _)| *known == state);
    found.map_or("", |(_, name)| name)
}

pub(crate) fn parse_charge_state(name: &str) -> Option<ChargeState> {
    let found = CHARGE_STATES.iter().find(|(_, known)| *known == name);
    found.map(|(state, _)| *state)
}

pub(crate) fn refund_state_name(state: RefundState) -> &'static str {
    let found = REFUND_STATES.iter().find(|(known, _)| *known == state);
    found.map_or("", |(_, name)| name)
}

pub(crate) fn parse_refund_state(name: &str) -> Option<RefundState> {
    let found = REFUND_STATES.iter().find(|(_, known)| *known == name);
    found.map(|(state, _)| *state)
}
