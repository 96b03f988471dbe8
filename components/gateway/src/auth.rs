//! Who asks: the access token of a request, verified.
//!
//! There are two steps, with the request's key-value call in between: [`token`]
//! reads the token, which then names its key and its session, and [`verify`]
//! checks it against what was found of them. Why a token is refused is only
//! logged, in words that have nothing of the token in them.

use stoa_kit::{Identity, Principal, Problem, Timestamp, log};
use stoa_tokens::{KeyRecord, Realm, Refusal, Unverified};

use crate::headers::Headers;
use crate::lookup::Found;
use crate::routes::Access;

/// Why a token is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Reason {
    #[error(transparent)]
    Token(#[from] Refusal),
    #[error("the session is revoked")]
    Revoked,
}

/// The access token of a request, not verified yet; `None` without
/// credentials.
///
/// Errors: `invalid_token` (401), `unauthorized` (401) for credentials of
/// another kind. They are not ignored where none are needed.
pub fn token<'a>(headers: &'a Headers, id: &str) -> Result<Option<Unverified<'a>>, Problem> {
    bearer(headers)?
        .map(Unverified::parse)
        .transpose()
        .map_err(|why| refused(&why.into(), id))
}

/// The principal of a token, by what was found of its key and its session.
///
/// Errors: `invalid_token` (401), also for one that has expired, unless the
/// session is enough; `internal` (500) for a key that cannot be read.
pub fn verify(
    token: Unverified<'_>,
    found: &Found,
    access: Access,
    realm: &Realm,
    now: Timestamp,
    id: &str,
) -> Result<Principal, Problem> {
    let key = match &found.key {
        None => None,
        Some(entry) => Some(
            KeyRecord::from_json(&entry.value)
                .map_err(|error| Problem::internal(format!("record of {}: {error}", entry.key)))?,
        ),
    };
    let verified = match access {
        Access::Session => token.verify_expired(key.as_ref(), realm, now),
        Access::Public | Access::User | Access::Admin => token.verify(key.as_ref(), realm, now),
    };
    match verified {
        Ok(_) if found.is_revoked => Err(refused(&Reason::Revoked, id)),
        Ok(claims) => Ok(Principal::Account(Identity::from(claims))),
        Err(why) => Err(refused(&why.into(), id)),
    }
}

/// The token of `Authorization: Bearer <token>` (RFC 6750, section 2.1).
fn bearer(headers: &Headers) -> Result<Option<&str>, Problem> {
    let mut values = headers.all("authorization");
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Problem::invalid_token("Send one Authorization header."));
    }
    str::from_utf8(value)
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| Some(token.trim_matches(' ')))
        .ok_or_else(|| Problem::unauthorized("Send Authorization: Bearer and an access token."))
}

fn refused(why: &Reason, id: &str) -> Problem {
    log::debug("auth", &format!("{id} {why}"));
    Problem::invalid_token(match why {
        Reason::Token(Refusal::Expired) => {
            "The access token has expired. Get a new one at POST /token."
        }
        Reason::Token(_) | Reason::Revoked => "The access token is not valid.",
    })
}

/// A key and a session to test with.
#[cfg(test)]
pub(crate) mod fixtures {
    use stoa_kit::{Id, Role};
    use stoa_tokens::{Claims, SigningKey};

    use super::*;
    use crate::lookup::table::Table;

    /// 2026-03-01T12:00:00Z.
    pub(crate) const NOW: Timestamp = Timestamp(1_772_366_400_000);

    pub(crate) fn realm() -> Realm {
        Realm::new(Realm::ISSUER)
    }

    /// Somebody who signed in at [`NOW`].
    pub(crate) struct Session {
        pub(crate) key: SigningKey,
        pub(crate) claims: Claims,
    }

    impl Session {
        pub(crate) fn new() -> Self {
            Self::with(vec![Role::Customer])
        }

        pub(crate) fn with(roles: Vec<Role>) -> Self {
            Self {
                key: SigningKey::from_seed(&[42; 32]),
                claims: Claims::new(&realm(), Id::new(), Id::new(), roles, NOW),
            }
        }

        pub(crate) fn id(&self) -> String {
            self.claims.sid.to_string()
        }

        pub(crate) fn kid(&self) -> String {
            self.key.verifying_key().kid().to_string()
        }

        pub(crate) fn token(&self) -> String {
            self.key.sign(&self.claims)
        }

        /// The store, with the key in it.
        pub(crate) fn table(&self) -> Table {
            let until = NOW.plus(3_600_000);
            let record = KeyRecord::new(self.key.verifying_key().clone(), until);
            let key = format!("auth/key/{}", self.kid());
            Table::from([(key, record.to_json().unwrap())])
        }
    }

    pub(crate) fn authorization(values: &[&[u8]]) -> Headers {
        let entry = |value: &&[u8]| ("authorization".to_owned(), value.to_vec());
        Headers::new(values.iter().map(entry).collect())
    }
}

#[cfg(test)]
mod tests;
