//! What a processor is asked to do: written down before it is asked, so that
//! a crash in between is only a question that has to be asked again.

use stoa_kit::{Id, Timestamp};

use crate::state::State;

/// For how long a call may be repeated with its key, in milliseconds: 23
/// hours. Processors keep keys for 24; a later call could be a second one.
pub(crate) const REPEATABLE: i64 = 23 * 60 * 60 * 1_000;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To hold or take the money.
    Authorize,
    /// To take what is held.
    Capture,
    /// To give it up.
    Cancel,
    /// To give it back.
    Refund,
}

impl Kind {
    /// As it is stored, and part of keys.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Capture => "capture",
            Self::Cancel => "cancel",
            Self::Refund => "refund",
        }
    }

    /// The kind with this name.
    pub(crate) fn stored(name: &str) -> Option<Self> {
        [Self::Authorize, Self::Capture, Self::Cancel, Self::Refund]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// An operation before it has a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Intent {
    pub(crate) kind: Kind,
    /// In minor units of the payment's currency.
    pub(crate) amount: i64,
    /// The means of payment, of an authorization.
    pub(crate) method: Option<String>,
    /// The refund, of a refund.
    pub(crate) refund: Option<Id>,
    pub(crate) reason: Option<String>,
}

/// An operation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Operation {
    /// The idempotency key of the call: `<payment>:<kind>:<number>`.
    pub(crate) key: String,
    pub(crate) payment: Id,
    pub(crate) intent: Intent,
    /// Where the payment was before.
    pub(crate) previous: State,
    /// Whether the processor is known to be at it.
    pub(crate) is_acknowledged: bool,
    pub(crate) is_open: bool,
    pub(crate) created: Timestamp,
}

impl Operation {
    /// Whether the call may be made once more: nobody knows yet whether it
    /// arrived, and its key is still known.
    pub(crate) fn is_repeatable(&self, now: Timestamp) -> bool {
        !self.is_acknowledged && now < self.created.plus(REPEATABLE)
    }
}
