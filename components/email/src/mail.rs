//! A mail: where it is on its way, and how it is shown.

use serde::{Serialize, Serializer};
use serde_json::Value;
use stoa_kit::{Id, Problem, Timestamp};

use crate::template::Template;

/// Where a mail is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It was not tried yet.
    Queued,
    /// Somebody is sending it, or has died over it: then it is taken up again.
    Sending,
    /// A server has accepted it.
    Sent,
    /// It did not work out, and will be tried again.
    Failed,
    /// It will not be tried any more.
    Abandoned,
}

/// Why a mail was abandoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The recipient had too many mails in the last hour.
    TooMany,
    /// The address is on the suppression list.
    Suppressed,
    /// The one-time token was used or has expired.
    TokenGone,
    /// Nobody knows where it should go: the account is not there any more.
    NoRecipient,
    /// The event that asked for it cannot be read.
    Unreadable,
    /// The template cannot be filled in.
    Unrenderable,
    /// The server refuses it.
    Refused,
    /// It was tried often enough.
    OutOfTries,
}

impl Status {
    const ALL: [Self; 5] = [
        Self::Queued,
        Self::Sending,
        Self::Sent,
        Self::Failed,
        Self::Abandoned,
    ];

    /// As it is stored and shown.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }

    /// The status with this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

impl Reason {
    /// As it is stored and shown.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TooMany => "too_many",
            Self::Suppressed => "suppressed",
            Self::TokenGone => "token_gone",
            Self::NoRecipient => "no_recipient",
            Self::Unreadable => "unreadable",
            Self::Unrenderable => "unrenderable",
            Self::Refused => "refused",
            Self::OutOfTries => "out_of_tries",
        }
    }

    /// For people, where no other words are at hand.
    pub(crate) fn explain(self) -> &'static str {
        match self {
            Self::TooMany => "too many mails to this address in the last hour",
            Self::Suppressed => "the address is on the suppression list",
            Self::TokenGone => "the token was used or has expired",
            Self::NoRecipient => "there is no address to send it to",
            Self::Unreadable => "the event cannot be read",
            Self::Unrenderable => "the template cannot be filled in",
            Self::Refused => "the server refuses it",
            Self::OutOfTries => "it was tried often enough",
        }
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A mail as administrators see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Mail {
    pub(crate) id: Id,
    pub(crate) template: Template,
    pub(crate) status: Status,
    /// Why it was abandoned: the name of a [`Reason`].
    pub(crate) reason: Option<String>,
    /// What the last try failed with.
    pub(crate) error: Option<String>,
    /// Where it goes; `None` also where that was forgotten.
    pub(crate) recipient: Option<String>,
    /// The account that it is about.
    pub(crate) account: Option<String>,
    /// The event that asked for it.
    pub(crate) event: String,
    pub(crate) tries: i64,
    /// When it is tried next; while it is being sent, when it is taken for
    /// lost.
    pub(crate) next_try: Option<Timestamp>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

/// One try at sending a mail.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Try {
    pub(crate) started: Timestamp,
    /// `None` while it lasts, and for one that was lost.
    pub(crate) ended: Option<Timestamp>,
    /// `sent`, `failed` or `abandoned`.
    pub(crate) outcome: Option<String>,
    /// The server's answer, or what went wrong.
    pub(crate) detail: Option<String>,
}

/// A mail with all that is known of it, but for its data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Whole {
    #[serde(flatten)]
    pub(crate) mail: Mail,
    /// Oldest first.
    pub(crate) history: Vec<Try>,
    /// `None` where it cannot be filled in any more.
    pub(crate) subject: Option<String>,
    pub(crate) text: Option<String>,
}

/// A mail with the data of its template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored {
    pub(crate) mail: Mail,
    /// The id of its one-time token.
    pub(crate) token: Option<String>,
    pub(crate) data: Value,
}

/// The id in a path.
///
/// Errors: `not_found` (404) for anything that is no UUID.
pub(crate) fn parse_id(id: &str) -> Result<Id, Problem> {
    Id::parse(id, "mail")
}

/// 404, in the words of [`parse_id`].
pub(crate) fn not_found() -> Problem {
    Problem::not_found("There is no mail with this id.")
}
