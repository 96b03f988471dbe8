//! What other services are told: an event for each thing that people get a
//! mail about, stored in the transaction of the change.

use serde_json::json;
use stoa_kit::{Id, Problem, Service as _};
use stoa_outbox::Event;

use crate::peers::Account;

/// That a mail with a token is asked for, to `email`. The token itself is
/// asked for by `token_id`, when the mail is made.
pub(crate) fn mail(
    kind: &'static str,
    account: &Account,
    email: &str,
    token: Id,
) -> Result<Event, Problem> {
    let data = json!({"email": email, "name": account.name, "token_id": token});
    Ok(Event::new(kind, subject(account)?, data))
}

/// That there is another password.
pub(crate) fn password_changed(account: &Account) -> Result<Event, Problem> {
    let data = json!({"email": account.email, "name": account.name});
    Ok(Event::new("password.changed", subject(account)?, data))
}

/// Says that there is something to relay. To be called when it is stored.
pub(crate) fn nudge() {
    stoa_outbox::nudge(crate::Auth::ID);
}

fn subject(account: &Account) -> Result<Id, Problem> {
    Id::parse(&account.id, "account")
        .map_err(|_| Problem::internal("the id of an account is no UUID"))
}
