//! What other services are told: an event for each thing that people get a
//! mail about, stored in the transaction of the change.

use serde_json::{Value, json};
use stoa_kit::Id;

use crate::peers::Account;

/// Something that happened to an account.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// The event's own id, a UUIDv7: who gets it twice knows it again by it.
    pub(crate) id: Id,
    pub(crate) kind: &'static str,
    /// The account's id.
    pub(crate) subject: String,
    pub(crate) data: Value,
}

impl Event {
    fn new(kind: &'static str, account: &str, data: Value) -> Self {
        Self {
            id: Id::new(),
            kind,
            subject: account.to_owned(),
            data,
        }
    }

    /// That a mail with a token is asked for, to `email`. The token itself is
    /// asked for by `token_id`, when the mail is made.
    pub(crate) fn mail(
        kind: &'static str,
        account: Option<&Account>,
        email: &str,
        token: Id,
    ) -> Self {
        let (id, name) = account.map_or(("", ""), |account| (&account.id, &account.name));
        Self::new(
            kind,
            id,
            json!({"email": email, "name": name, "token_id": token}),
        )
    }

    /// That there is another password.
    pub(crate) fn password_changed(account: &Account) -> Self {
        let data = json!({"email": account.email, "name": account.name});
        Self::new("password.changed", &account.id, data)
    }
}
