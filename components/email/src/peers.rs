//! The others: the directory of accounts, auth's one-time tokens, the mail
//! provider, the configuration and the clock. In tests they are what `fixtures`
//! has for them.

pub(crate) use crate::bindings::stoa::mail::sender::{Error as MailError, Message, Receipt};
pub(crate) use crate::bindings::stoa::mail::types::{Mailbox, Refusal};

#[cfg(test)]
pub(crate) use crate::fixtures::peers::{address_of, now, random, send, settings, token};
#[cfg(not(test))]
pub(crate) use host::{address_of, now, random, send, settings, token};

#[cfg(not(test))]
mod host {
    use stoa_kit::{Timestamp, config};

    use super::{MailError, Message, Receipt};
    use crate::bindings::stoa::accounts::directory;
    use crate::bindings::stoa::accounts::types::Error as DirectoryError;
    use crate::bindings::stoa::auth::one_time;
    use crate::bindings::stoa::auth::types::Error as AuthError;
    use crate::bindings::stoa::mail::sender;
    use crate::settings::Settings;

    /// The wall clock's time.
    pub(crate) fn now() -> Timestamp {
        Timestamp::now()
    }

    /// Some number. Nothing secret is made of it.
    pub(crate) fn random() -> u32 {
        getrandom::u32().unwrap_or_default()
    }

    /// The configuration, or what is wrong with it.
    pub(crate) fn settings() -> Result<Settings, String> {
        Settings::read(config::get)
    }

    /// The address of an account; see `wit/stoa-accounts`. The error says why
    /// there was no answer.
    pub(crate) fn address_of(account: &str) -> Result<Option<String>, String> {
        match directory::find(account) {
            Ok(Ok(found)) => Ok(found.map(|account| account.email)),
            Ok(Err(DirectoryError::EmailTaken)) => Err("the directory: email-taken".to_owned()),
            Ok(Err(DirectoryError::Invalid(why) | DirectoryError::Unavailable(why))) => {
                Err(format!("the directory: {why}"))
            }
            Err(error) => Err(format!("the directory: {}", error.to_debug_string())),
        }
    }

    /// The one-time token with this id; see `wit/stoa-auth`. The error says why
    /// there was no answer.
    pub(crate) fn token(id: &str) -> Result<Option<String>, String> {
        match one_time::token(id) {
            Ok(Ok(token)) => Ok(token),
            Ok(Err(AuthError::Invalid(why) | AuthError::Unavailable(why))) => {
                Err(format!("auth: {why}"))
            }
            Err(error) => Err(format!("auth: {}", error.to_debug_string())),
        }
    }

    /// Sends a message; see `wit/stoa-mail`.
    pub(crate) fn send(message: &Message) -> Result<Receipt, MailError> {
        sender::send(message)
            .unwrap_or_else(|error| Err(MailError::Uncertain(error.to_debug_string())))
    }
}
