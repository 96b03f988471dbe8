//! Keys as they are kept and published.

use serde::{Deserialize, Serialize};
use stoa_kit::Timestamp;

use crate::{LEEWAY_SECONDS, LIFETIME_SECONDS, VerifyingKey};

/// What the auth service keeps in key-value, under the key's id, for the
/// gateway. A key that does not sign any more goes on verifying until the last
/// token that it signed has ended.
///
/// In JSON `{"key": <JWK>, "until": <milliseconds>}`. Members that this version
/// does not know are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// The public key.
    pub key: VerifyingKey,
    /// Until when it verifies, in milliseconds since the Unix epoch.
    pub until: i64,
}

impl KeyRecord {
    /// The record of a key that may sign until `signs_until`: it verifies for
    /// a token's lifetime more, with leeway for the clocks of whoever signs and
    /// whoever verifies.
    pub fn new(key: VerifyingKey, signs_until: Timestamp) -> Self {
        let tail = (LIFETIME_SECONDS + 2 * LEEWAY_SECONDS).cast_signed() * 1_000;
        Self {
            key,
            until: signs_until.plus(tail).0,
        }
    }

    /// Whether the key verifies at this time.
    pub fn verifies_at(&self, now: Timestamp) -> bool {
        now.0 < self.until
    }

    /// Reads a stored record.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The record as it is stored.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// The document at `/.well-known/jwks.json` (RFC 7517, section 5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwks {
    /// The keys that verify, in the order they were given.
    pub keys: Vec<VerifyingKey>,
}

impl Jwks {
    /// The keys of these records that verify at this time.
    pub fn of(records: impl IntoIterator<Item = KeyRecord>, now: Timestamp) -> Self {
        let live = records.into_iter().filter(|r| r.verifies_at(now));
        Self {
            keys: live.map(|record| record.key).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;
    use crate::fixtures::{NOW, key};

    #[test]
    fn a_record_survives_storage() {
        let record = KeyRecord::new(key().verifying_key().clone(), NOW);
        let json = record.to_json().unwrap();
        assert!(json.ends_with(r#""alg":"EdDSA"},"until":1772367010000}"#));
        assert_eq!(KeyRecord::from_json(&json).unwrap(), record);
        let newer = json.replacen('{', r#"{"note":1,"#, 1);
        assert_eq!(KeyRecord::from_json(&newer).unwrap(), record);
    }

    #[test]
    fn a_record_with_a_bad_key_is_no_record() {
        let record = KeyRecord::new(key().verifying_key().clone(), NOW);
        let json = record.to_json().unwrap();
        for (good, bad) in [("EdDSA", "HS256"), ("OKP", "oct"), (":1772", ":\"1772")] {
            assert!(KeyRecord::from_json(&json.replace(good, bad)).is_err());
        }
    }

    #[test]
    fn published_are_the_keys_that_verify() {
        let old = SigningKey::from_seed(&[1; 32]).verifying_key().clone();
        let new = key().verifying_key().clone();
        let records = [
            KeyRecord::new(old, NOW.plus(-610_000)),
            KeyRecord::new(new.clone(), NOW),
        ];
        let published = |now| Jwks::of(records.clone(), now).keys;
        assert_eq!(published(NOW.plus(-1)).len(), 2);
        assert_eq!(published(NOW), [new]);
        assert_eq!(published(NOW.plus(610_000)), []);
        let json = serde_json::to_string(&Jwks::of(records, NOW)).unwrap();
        assert!(json.starts_with(r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":""#));
    }
}
