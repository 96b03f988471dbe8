//! A refund as it is stored and shown.

use serde::{Serialize, Serializer};
use stoa_domain::Money;
use stoa_kit::{Id, Timestamp};

/// What became of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It is under way.
    Pending,
    /// The customer has it.
    Succeeded,
    /// The shop has it still.
    Failed,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn stored(name: &str) -> Option<Self> {
        [Self::Pending, Self::Succeeded, Self::Failed]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A refund, with its fields in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Refund {
    pub(crate) id: Id,
    pub(crate) payment: Id,
    pub(crate) status: Status,
    pub(crate) amount: Money,
    pub(crate) reason: Option<String>,
    pub(crate) failure_code: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}
