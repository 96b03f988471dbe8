//! Keys and values that the broker will take.

use bytes::Bytes;

/// The most keys one call may name.
pub const MAX_KEYS: usize = 1000;
const MAX_KEY_BYTES: usize = 1024;
const MAX_VALUE_BYTES: usize = 512 * 1024;

/// Why a key, a value or a list of them is not acceptable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

/// A key as NATS defines it (ADR-8): `[-/_=.a-zA-Z0-9]+`, a subject made of
/// tokens that are separated by dots, none of them empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(String);

impl Key {
    /// Takes a key that is acceptable.
    pub fn parse(key: String) -> Result<Self, Invalid> {
        let allowed = |c: u8| c.is_ascii_alphanumeric() || b"-/_=.".contains(&c);
        let problem = if key.is_empty() {
            "a key is not empty".to_owned()
        } else if key.len() > MAX_KEY_BYTES {
            format!("a key has at most {MAX_KEY_BYTES} bytes")
        } else if !key.bytes().all(allowed) {
            "a key has only the characters A-Z a-z 0-9 - / _ = .".to_owned()
        } else if key.split('.').any(str::is_empty) {
            "a key has no dot at its start or end, nor two in a row".to_owned()
        } else {
            return Ok(Self(key));
        };
        Err(Invalid(problem))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Bounds what one call may name.
pub fn at_most_max_keys(count: usize) -> Result<(), Invalid> {
    if count > MAX_KEYS {
        return Err(Invalid(format!("a call names at most {MAX_KEYS} keys")));
    }
    Ok(())
}

/// Lets a value through that is not too large.
pub fn fitting(value: Bytes) -> Result<Bytes, Invalid> {
    if value.len() > MAX_VALUE_BYTES {
        return Err(Invalid(format!(
            "a value has at most {MAX_VALUE_BYTES} bytes"
        )));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_nats_alphabet_are_taken() {
        for key in ["a", "services/product", "lease.product.1", "-_=/", "A.9"] {
            assert_eq!(Key::parse(key.to_owned()).unwrap().as_str(), key);
        }
    }

    #[test]
    fn keys_that_are_no_subject_or_match_many_are_refused() {
        let long = "k".repeat(MAX_KEY_BYTES + 1);
        for key in [
            "", ".", ".a", "a.", "a..b", "a b", "a*", "a.>", "ä", "a\n", &long,
        ] {
            assert!(Key::parse(key.to_owned()).is_err(), "{key:?}");
        }
    }

    #[test]
    fn a_call_names_at_most_1000_keys() {
        assert!(at_most_max_keys(MAX_KEYS).is_ok());
        assert!(at_most_max_keys(MAX_KEYS + 1).is_err());
    }

    #[test]
    fn a_value_has_at_most_512_kib() {
        assert!(fitting(vec![0; MAX_VALUE_BYTES].into()).is_ok());
        assert!(fitting(vec![0; MAX_VALUE_BYTES + 1].into()).is_err());
    }
}
