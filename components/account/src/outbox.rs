//! What other services are told: an event for each change, stored in the
//! transaction of the change, so that there is none without the other.

use serde_json::json;
use stoa_kit::{Id, Service as _};
use stoa_outbox::Event;

use crate::account::{Account, Draft};

/// `account.created`, with address, name and roles of the new account.
pub(crate) fn created(id: Id, draft: &Draft) -> Event {
    let data = json!({"email": draft.email, "name": draft.name, "roles": draft.roles});
    Event::new("account.created", id, data)
}

/// `account.updated`, with the names of the fields that changed, and the address it had where
/// that is one of them: whoever can read mail there should hear of it.
pub(crate) fn updated(before: &Account, draft: &Draft) -> Event {
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
    Event::new("account.updated", before.id, data)
}

/// `account.deleted`, with the address it had, to which a farewell goes.
pub(crate) fn deleted(before: &Account) -> Event {
    let data = json!({"email": before.email});
    Event::new("account.deleted", before.id, data)
}

/// Says that there is something to relay. To be called when it is stored.
pub(crate) fn nudge() {
    stoa_outbox::nudge(crate::Account::ID);
}
