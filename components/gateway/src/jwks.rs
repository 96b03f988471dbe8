//! The keys that verify access tokens, for whoever wants to verify them, too
//! (RFC 7517, section 5).

use stoa_kit::{Problem, Response, Timestamp, keyvalue, log};
use stoa_tokens::{Jwks, KeyRecord};

use crate::lookup::KEYS;

/// The keys as a JWK set. Clients may keep it for a minute: a new key is here
/// before it signs.
///
/// Errors: `unavailable` (503).
pub fn show() -> Result<Response, Problem> {
    document(&keyvalue::list(KEYS)?, Timestamp::now())
}

/// A record that cannot be read is left out, so that the others are there.
fn document(entries: &[keyvalue::Entry], now: Timestamp) -> Result<Response, Problem> {
    let records = entries.iter().filter_map(|entry| {
        KeyRecord::from_json(&entry.value)
            .inspect_err(|error| log::error("jwks", &format!("record of {}: {error}", entry.key)))
            .ok()
    });
    let body = serde_json::to_string(&Jwks::of(records, now))
        .map_err(|error| Problem::internal(format!("keys are not JSON: {error}")))?;
    let response = Response {
        body,
        ..Response::empty(200)
    };
    Ok(response
        .header("content-type", "application/jwk-set+json")
        .header("cache-control", "public, max-age=60")
        .etag_of_body())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::fixtures::{NOW, Session};

    fn entries(values: &[&str]) -> Vec<keyvalue::Entry> {
        let entry = |value: &&str| keyvalue::Entry {
            key: format!("{KEYS}a"),
            value: (*value).to_owned(),
            revision: 1,
        };
        values.iter().map(entry).collect()
    }

    #[test]
    fn the_keys_that_verify_are_published_and_may_be_kept_for_a_minute() {
        let session = Session::new();
        let record = session.table().into_values().next().unwrap();
        let response = document(&entries(&[&record]), NOW).unwrap();
        assert_eq!(response.status, 200);
        for (name, value) in [
            ("content-type", "application/jwk-set+json"),
            ("cache-control", "public, max-age=60"),
        ] {
            assert_eq!(response.get_header(name), Some(value));
        }
        let body: serde_json::Value = serde_json::from_str(&response.body).unwrap();
        assert_eq!(body["keys"][0]["kid"], session.kid());
        assert!(body["keys"][0].get("d").is_none());

        let later = NOW.plus(24 * 3_600_000);
        let none = document(&entries(&[&record]), later).unwrap();
        assert_eq!(none.body, r#"{"keys":[]}"#);
        assert_ne!(none.get_header("etag"), response.get_header("etag"));
    }

    #[test]
    fn a_record_that_cannot_be_read_does_not_hide_the_others() {
        let record = Session::new().table().into_values().next().unwrap();
        let whole = document(&entries(&[&record]), NOW).unwrap();
        let partly = document(&entries(&["{", &record]), NOW).unwrap();
        assert_eq!(partly, whole);
    }
}
