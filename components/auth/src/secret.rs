//! What refresh tokens and one-time tokens are made with: 32 random bytes that
//! never leave the service's database.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use stoa_kit::Problem;
use zeroize::Zeroizing;

/// The service's own secret. It is wiped when it is dropped, and has no
/// `Debug`.
pub(crate) struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// A new secret.
    ///
    /// Errors: `internal` (500) when there is no randomness.
    pub(crate) fn new() -> Result<Self, Problem> {
        random().map(Self)
    }

    /// A secret as it is stored; `None` for anything else.
    pub(crate) fn stored(text: &str) -> Option<Self> {
        decode(text).map(Zeroizing::new).map(Self)
    }

    /// The secret as it is stored.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(encode(&*self.0))
    }

    /// HMAC-SHA-256 (RFC 2104) of parts, the first of which says what it is
    /// for. All but the last have a fixed length for each purpose.
    pub(crate) fn derive(&self, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        // HMAC itself fills a short key up to a block with zeros.
        let mut block = Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(&*self.0);
        let mut hmac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
        for part in parts {
            hmac.update(part);
        }
        Zeroizing::new(hmac.finalize().into_bytes().into())
    }
}

/// 32 bytes fit for secrets.
///
/// Errors: `internal` (500) when there is no randomness.
pub(crate) fn random() -> Result<Zeroizing<[u8; 32]>, Problem> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes)
        .map_err(|error| Problem::internal(format!("no random bytes: {error}")))?;
    Ok(bytes)
}

/// The SHA-256 of a token's bytes, as it is stored. A plain hash is enough for
/// what nobody can guess.
pub(crate) fn digest(bytes: &[u8]) -> String {
    encode(&Sha256::digest(bytes))
}

/// Base64url without padding (RFC 4648, section 5).
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What was encoded, if it is so many bytes, in the one way to write them.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    // Nothing longer is looked into.
    if text.len() != N.checked_mul(4)?.div_ceil(3) {
        return None;
    }
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_derived_is_hmac_sha_256() {
        // RFC 4231, section 4.3, with its key filled up by zeros, as HMAC does.
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let secret = Secret::stored(&encode(&key)).unwrap();
        let derived = secret.derive(&[b"what do ya want ", b"for nothing?"]);
        let hex: String = derived.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_secret_survives_storage_and_is_never_the_same() {
        let secret = Secret::new().unwrap();
        let stored = Secret::stored(&secret.to_text()).unwrap();
        assert_eq!(secret.derive(&[b"a"]), stored.derive(&[b"a"]));
        assert_ne!(*secret.to_text(), *Secret::new().unwrap().to_text());
    }

    #[test]
    fn only_the_one_way_to_write_bytes_is_read() {
        let text = encode(&[0xff; 32]);
        assert_eq!(decode(&text), Some([0xff; 32]));
        for bad in [
            &text[1..],
            &format!("{text}="),
            &text.replace('_', "/"),
            &format!("{}9", &text[..42]),
            "",
        ] {
            assert_eq!(decode::<32>(bad), None, "{bad}");
        }
    }
}
