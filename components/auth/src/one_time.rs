//! One-time tokens: what mail carries to show that it arrived.
//!
//! A token is an HMAC of its row's id, so it can be made again for a mail that
//! is sent again, and neither events nor mails have to keep it. Stored is its
//! SHA-256.

use serde_json::Value;
use stoa_kit::form::{Errors, wrong_type};
use stoa_kit::{Field, Id, Problem, Timestamp};

use crate::bindings::exports::stoa::auth::one_time::{Error, Guest, RpcError};
use crate::queries::one_time as queries;
use crate::secret::{Secret, decode, digest, encode};
use crate::{keys, peers};

/// How long a token is good, in milliseconds from when it was last taken for a
/// mail: 10 minutes.
pub(crate) const LIFE: i64 = 10 * 60 * 1_000;
/// How long mail may take with it, in milliseconds from when it was asked for:
/// 4 days, for mail is tried for 3.
pub(crate) const DELIVERY: i64 = 4 * 24 * 60 * 60 * 1_000;
/// How many tokens for one purpose an account can have in an hour.
pub(crate) const PER_HOUR: i64 = 5;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Shows that mail to the account's address arrives.
    Verify,
    /// Shows the same, to set a new password.
    Reset,
    /// Shows that mail to another address arrives, which becomes the account's.
    Email,
}

impl Purpose {
    /// As it is stored.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
            Self::Email => "email",
        }
    }

    /// The purpose with this name.
    pub(crate) fn stored(name: &str) -> Option<Self> {
        [Self::Verify, Self::Reset, Self::Email]
            .into_iter()
            .find(|purpose| purpose.name() == name)
    }
}

/// The text of the token with this id: 43 characters.
pub(crate) fn token(id: Id, secret: &Secret) -> String {
    encode(&*secret.derive(&[b"one-time", &id.to_bytes()]))
}

/// What is stored of the token with this id.
pub(crate) fn digest_of(id: Id, secret: &Secret) -> String {
    digest(&*secret.derive(&[b"one-time", &id.to_bytes()]))
}

/// A token in a body: what would be stored of it. A text that cannot be one is
/// a token that nobody has.
pub(crate) struct Shown(pub(crate) String);

impl Field for Shown {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        let Value::String(text) = value else {
            return wrong_type(value, "a string", errors);
        };
        Some(Self(
            decode::<32>(text)
                .map(|bytes| digest(&bytes))
                .unwrap_or_default(),
        ))
    }
}

/// 400: the token was used or has expired, or there never was one.
pub(crate) fn refused() -> Problem {
    Problem::bad_request(
        "invalid_one_time_token",
        "The token was used, or has expired, or is not complete. Ask for another mail.",
    )
}

impl Guest for crate::Auth {
    fn token(id: String) -> Result<Result<Option<String>, Error>, RpcError> {
        let taken = take(&id, peers::now());
        Ok(taken.map_err(|problem| peers::unavailable(&problem)))
    }
}

/// The token for a mail that goes out now: from now on it is good for
/// [`LIFE`].
fn take(id: &str, now: Timestamp) -> Result<Option<String>, Problem> {
    let Ok(id) = Id::parse(id, "token") else {
        return Ok(None);
    };
    if !queries::take(id, now)? {
        return Ok(None);
    }
    Ok(Some(token(id, &keys::signer(now)?.secret)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_is_made_from_its_id_and_the_secret() {
        let (id, secret) = (Id::new(), Secret::new().unwrap());
        let text = token(id, &secret);
        assert_eq!(text.len(), 43);
        assert_eq!(text, token(id, &secret));
        assert_ne!(text, token(Id::new(), &secret));
        assert_ne!(text, token(id, &Secret::new().unwrap()));
        let shown = Shown::read(&json!(text), &mut Errors::default()).unwrap();
        assert_eq!(shown.0, digest_of(id, &secret));
    }

    #[test]
    fn what_cannot_be_a_token_is_one_that_nobody_has() {
        for text in ["", "a", &"a".repeat(42), &"a".repeat(44), &"!".repeat(43)] {
            let shown = Shown::read(&json!(text), &mut Errors::default()).unwrap();
            assert_eq!(shown.0, "", "{text}");
        }
        assert!(Shown::read(&json!(1), &mut Errors::default()).is_none());
    }
}
