//! The one key-value call of a request: where the service is, and what is known
//! of the key and the session that the access token names.
//!
//! Services are in the registry's bucket, which is the link's own. Keys and
//! revocations are in the auth service's bucket `auth`, which the link reads.

use stoa_kit::{Problem, keyvalue};
use stoa_tokens::Unverified;

/// Where the auth service keeps the keys that verify, by their id.
pub const KEYS: &str = "auth/key/";

/// Where it keeps the sessions that were revoked while an access token of
/// theirs may still live.
const REVOKED: &str = "auth/revoked/";

/// What there is to look up.
#[derive(Clone, Copy)]
pub struct Lookup<'a> {
    /// The service's id.
    pub service: Option<&'a str>,
    /// The token.
    pub token: Option<&'a Unverified<'a>>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The service's record.
    pub service: Option<keyvalue::Entry>,
    /// The record of the token's key.
    pub key: Option<keyvalue::Entry>,
    /// Whether the token's session is revoked.
    pub is_revoked: bool,
}

impl Lookup<'_> {
    /// Asks for all at once; for nothing, nobody is asked.
    ///
    /// Errors: `unavailable` (503).
    pub fn fetch(&self) -> Result<Found, Problem> {
        let keys = self.keys();
        if keys.is_empty() {
            return Ok(Found::default());
        }
        self.read(keyvalue::get_many(&keys)?)
    }

    fn keys(&self) -> Vec<String> {
        let mut keys: Vec<_> = self.service.map(str::to_owned).into_iter().collect();
        if let Some(token) = self.token {
            keys.push(format!("{KEYS}{}", token.kid()));
            keys.push(format!("{REVOKED}{}", token.session()));
        }
        keys
    }

    /// What the entries of [`Lookup::keys`] say. An answer of another length
    /// is none: a revocation might be what is missing.
    fn read(&self, entries: Vec<Option<keyvalue::Entry>>) -> Result<Found, Problem> {
        let mut entries = entries.into_iter();
        let mut next = || entries.next().ok_or_else(|| odd("too few"));
        let mut found = Found::default();
        if self.service.is_some() {
            found.service = next()?;
        }
        if self.token.is_some() {
            found.key = next()?;
            found.is_revoked = next()?.is_some();
        }
        match entries.next() {
            None => Ok(found),
            Some(_) => Err(odd("too many")),
        }
    }
}

fn odd(how: &str) -> Problem {
    Problem::internal(format!("the key-value store gave {how} entries"))
}

/// A key-value store to test with: a table.
#[cfg(test)]
pub(crate) mod table {
    use super::*;

    /// Keys and values.
    pub(crate) type Table = std::collections::BTreeMap<String, String>;

    impl Lookup<'_> {
        /// What [`Lookup::fetch`] finds in a table.
        pub(crate) fn fetch_of(&self, table: &Table) -> Found {
            let entry = |key: &String| {
                Some(keyvalue::Entry {
                    key: key.clone(),
                    value: table.get(key)?.clone(),
                    revision: 1,
                })
            };
            self.read(self.keys().iter().map(entry).collect()).unwrap()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::fixtures::Session;

    fn entry(key: &str) -> keyvalue::Entry {
        keyvalue::Entry {
            key: key.to_owned(),
            value: String::new(),
            revision: 1,
        }
    }

    #[test]
    fn service_key_and_revocation_are_asked_for_at_once() {
        let session = Session::new();
        let text = session.token();
        let token = Unverified::parse(&text).ok();
        let expected = [
            "product".to_owned(),
            format!("auth/key/{}", session.kid()),
            format!("auth/revoked/{}", session.id()),
        ];
        let keys = |service, token| Lookup { service, token }.keys();
        assert_eq!(keys(Some("product"), token.as_ref()), expected);
        assert_eq!(keys(None, token.as_ref()), expected[1..]);
        assert_eq!(keys(Some("product"), None), expected[..1]);
        assert_eq!(keys(None, None), [""; 0]);
    }

    #[test]
    fn an_answer_is_read_in_the_order_asked_for_and_whole_or_not_at_all() {
        let text = Session::new().token();
        let token = Unverified::parse(&text).ok();
        let lookup = Lookup {
            service: Some("product"),
            token: token.as_ref(),
        };
        let found = lookup.read(["s", "k", "r"].map(|key| Some(entry(key))).into());
        let found = found.unwrap();
        assert_eq!(found.service.unwrap().key, "s");
        assert_eq!(found.key.unwrap().key, "k");
        assert!(found.is_revoked);
        let found = lookup.read(vec![None, Some(entry("k")), None]).unwrap();
        assert!(found.service.is_none() && !found.is_revoked);
        for length in [0, 1, 2, 4] {
            let entries = vec![Some(entry("k")); length];
            assert_eq!(lookup.read(entries).unwrap_err().status(), 500);
        }
    }
}
