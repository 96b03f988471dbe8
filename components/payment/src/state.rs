//! The states of a payment, as those of Stripe's `PaymentIntent`, and every
//! step from one to another. What is not in the table does not happen.

use serde::{Serialize, Serializer};

/// Where a payment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It has no means of payment, or the last one was refused.
    RequiresPaymentMethod,
    /// It has one, and waits for the go-ahead.
    RequiresConfirmation,
    /// The customer has to do something.
    RequiresAction,
    /// The processor was asked, and has not answered for good.
    Processing,
    /// The money is held.
    RequiresCapture,
    /// The money was taken. This is final.
    Succeeded,
    /// This is final, too.
    Canceled,
}

/// What moves a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Somebody wants the processor to be asked for the money.
    Confirm,
    /// ... to take what is held.
    Capture,
    /// ... to give it up.
    Cancel,
    /// The processor wants something of the customer.
    Act,
    /// The processor holds the money.
    Hold,
    /// The processor took the money.
    Pay,
    /// The means of payment was refused.
    Decline,
    /// It is given up.
    Void,
}

use State::{
    Canceled, Processing, RequiresAction, RequiresCapture, RequiresConfirmation,
    RequiresPaymentMethod, Succeeded,
};

/// Every state, with the name that clients and the database know.
pub(crate) const STATES: [(State, &str); 7] = [
    (RequiresPaymentMethod, "requires_payment_method"),
    (RequiresConfirmation, "requires_confirmation"),
    (RequiresAction, "requires_action"),
    (Processing, "processing"),
    (RequiresCapture, "requires_capture"),
    (Succeeded, "succeeded"),
    (Canceled, "canceled"),
];

impl State {
    /// Where a step leads from here; `None` where it is not possible.
    pub(crate) fn after(self, step: Step) -> Option<Self> {
        match (step, self) {
            (Step::Confirm, RequiresPaymentMethod | RequiresConfirmation)
            | (Step::Capture, RequiresCapture)
            | (
                Step::Cancel,
                RequiresPaymentMethod | RequiresConfirmation | RequiresAction | RequiresCapture,
            ) => Some(Processing),
            (Step::Act, Processing) => Some(RequiresAction),
            // A customer may have paid after all what was refused before.
            (Step::Hold, Processing | RequiresAction | RequiresPaymentMethod) => {
                Some(RequiresCapture)
            }
            (Step::Pay, Processing | RequiresAction | RequiresPaymentMethod | RequiresCapture) => {
                Some(Succeeded)
            }
            (Step::Decline, Processing | RequiresAction) => Some(RequiresPaymentMethod),
            (
                Step::Void,
                RequiresPaymentMethod
                | RequiresConfirmation
                | RequiresAction
                | Processing
                | RequiresCapture,
            ) => Some(Canceled),
            _ => None,
        }
    }

    /// As clients and the database know it.
    pub(crate) fn name(self) -> &'static str {
        STATES
            .iter()
            .find(|(state, _)| *state == self)
            .map_or("", |(_, name)| name)
    }

    /// The state with this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        STATES
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(state, _)| *state)
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_state_and_step_is_decided() {
        // Columns: the states in their order. Letters: where the step leads.
        let letter = |state: Option<State>| match state {
            None => '.',
            Some(RequiresPaymentMethod) => 'M',
            Some(RequiresConfirmation) => 'C',
            Some(RequiresAction) => 'A',
            Some(Processing) => 'P',
            Some(RequiresCapture) => 'H',
            Some(Succeeded) => 'S',
            Some(Canceled) => 'X',
        };
        for (step, expected) in [
            //               MCAPHSX
            (Step::Confirm, "PP....."),
            (Step::Capture, "....P.."),
            (Step::Cancel, "PPP.P.."),
            (Step::Act, "...A..."),
            (Step::Hold, "H.HH..."),
            (Step::Pay, "S.SSS.."),
            (Step::Decline, "..MM..."),
            (Step::Void, "XXXXX.."),
        ] {
            let row: String = STATES
                .iter()
                .map(|(state, _)| letter(state.after(step)))
                .collect();
            assert_eq!(row, expected, "{step:?}");
        }
    }

    #[test]
    fn a_state_survives_its_name() {
        for (state, name) in STATES {
            assert_eq!((state.name(), State::parse(name)), (name, Some(state)));
        }
        assert_eq!(State::parse("paid"), None);
    }
}
