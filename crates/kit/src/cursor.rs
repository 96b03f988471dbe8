//! Keyset cursors: where the next page begins, opaque to clients.
//!
//! A cursor is the JSON of a value in URL-safe base64. It carries no secret
//! and no authority: a forged one only asks for another page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, de::DeserializeOwned};

/// The longest cursor that is read, in bytes.
const MAX_LENGTH: usize = 2048;

/// The cursor for a position.
pub fn encode(position: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).unwrap_or_default())
}

/// The position of a cursor, `None` when it is not one of ours.
pub fn decode<T: DeserializeOwned>(cursor: &str) -> Option<T> {
    if cursor.len() > MAX_LENGTH {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_trip_and_rubbish_is_none() {
        let cursor = encode(&("name", 7_i64));
        assert_eq!(decode::<(String, i64)>(&cursor), Some(("name".into(), 7)));
        for bad in ["", "%", "bm90IGpzb24", &"A".repeat(3000)] {
            assert_eq!(decode::<(String, i64)>(bad), None);
        }
    }
}
