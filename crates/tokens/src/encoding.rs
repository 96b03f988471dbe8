//! Base64url and JSON as tokens have them: one text for one value.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;

/// Base64url without padding (RFC 7515, section 2).
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of a base64url text. `None` for one with padding, white space,
/// other characters, or bits set beyond the last byte.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The same for a text of exactly `N` bytes.
pub(crate) fn decode_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    decode(text)?.try_into().ok()
}

/// A JSON object read as a struct. An array is none, though serde would take
/// it for one; a name that comes twice is refused by the struct.
pub(crate) fn object<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    if json.first() != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_one_encoding() {
        assert_eq!(encode(&[0xfb, 0xff]), "-_8");
        assert_eq!(decode("-_8"), Some(vec![0xfb, 0xff]));
        for other in [
            "-_8=", "-_9", "+/8", "-_8 ", " -_8", "-_\n8", "-_8\0", "-", "-_8é",
        ] {
            assert_eq!(decode(other), None, "{other:?}");
        }
    }

    #[test]
    fn an_array_is_not_an_object() {
        #[derive(serde::Deserialize)]
        struct Pair {
            left: u8,
            right: u8,
        }
        let pair: Pair = object(br#"{"left":1,"right":2}"#).unwrap();
        assert_eq!((pair.left, pair.right), (1, 2));
        for bad in ["[1,2]", "", "{}", r#"{"left":1,"right":2}x"#] {
            assert!(object::<Pair>(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
