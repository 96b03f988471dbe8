//! What other services are told: an event for each change, stored in the
//! transaction of the change, so that there is none without the other.

use serde_json::{Value, json};
use stoa_kit::Id;

use crate::account::{Account, Draft};

/// Something that happened to an account.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// The event's own id, a UUIDv7: who gets it twice knows it again by it.
    pub(crate) id: Id,
    /// `account.created`, `account.updated` or `account.deleted`.
    pub(crate) kind: &'static str,
    /// The account's id.
    pub(crate) subject: Id,
    pub(crate) data: Value,
}

impl Event {
    fn new(kind: &'static str, subject: Id, data: Value) -> Self {
        Self {
            id: Id::new(),
            kind,
            subject,
            data,
        }
    }

    /// With address, name and roles of the new account.
    pub(crate) fn created(id: Id, draft: &Draft) -> Self {
        let data = json!({"email": draft.email, "name": draft.name, "roles": draft.roles});
        Self::new("account.created", id, data)
    }

    /// With the names of the fields that changed, and the address it had where
    /// that is one of them: whoever can read mail there should hear of it.
    pub(crate) fn updated(before: &Account, draft: &Draft) -> Self {
        let fields: Vec<_> = [
            ("email", before.email != draft.email),
            (
                "email_verified",
                before.email_verified != draft.email_verified,
            ),
            ("name", before.name != draft.name),
            ("roles", before.roles != draft.roles),
            ("metadata", before.metadata != draft.metadata),
        ]
        .into_iter()
        .filter_map(|(name, changed)| changed.then_some(name))
        .collect();
        let mut data = json!({ "fields": fields });
        if before.email != draft.email {
            data["previous_email"] = json!(before.email);
        }
        Self::new("account.updated", before.id, data)
    }

    /// With the address it had, to which a farewell goes.
    pub(crate) fn deleted(before: &Account) -> Self {
        let data = json!({"email": before.email});
        Self::new("account.deleted", before.id, data)
    }
}
