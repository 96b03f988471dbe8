//! The name of a key: its thumbprint.

use sha2::{Digest as _, Sha256};

use crate::encoding::{decode_array, encode};

/// A `kid`: the SHA-256 thumbprint of the public key's JWK (RFC 7638; its form
/// for Ed25519 is RFC 8037, appendix A.3), 43 characters of base64url. Two
/// keys never share one, and it is safe in a key of the key-value store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The text as a key id; `None` for any text that is no thumbprint.
    pub fn parse(text: &str) -> Option<Self> {
        decode_array::<32>(text)?;
        Some(Self(text.to_owned()))
    }

    /// The thumbprint of an Ed25519 key, `x` in base64url.
    pub(crate) fn of(x: &str) -> Self {
        let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        Self(encode(&Sha256::digest(jwk)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_rfc_8037() {
        // RFC 8037, appendix A.3.
        let kid = KeyId::of("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(kid.as_str(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(KeyId::parse(kid.as_str()), Some(kid));
    }

    #[test]
    fn what_is_no_thumbprint_is_no_key_id() {
        let good = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        for bad in [
            "",
            "1",
            "../../../../etc/passwd",
            "' OR 1=1 --",
            "stoa.keys.>",
            &good[1..],
            &format!("{good}A"),
            &format!("{good}="),
            &good.replace('_', "/"),
            &good.replace('_', "."),
            &good.replace("S4k", "S4l"),
        ] {
            assert_eq!(KeyId::parse(bad), None, "{bad}");
        }
    }
}
