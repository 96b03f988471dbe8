//! Ed25519 keys (RFC 8032): the private one signs, the public one verifies.

use ed25519_dalek::{Signature, Signer as _};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::encoding::{decode_array, encode};
use crate::{Claims, KeyId};

/// Why something is not a key. Never says what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Not 32 bytes in base64url without padding.
    #[error("the key is not 32 bytes in base64url")]
    Encoding,
    /// Not a point of the curve, not in its one form, or of small order.
    #[error("the key is not a point that can verify a signature")]
    Point,
    /// A JWK of another type, curve, algorithm or use.
    #[error("the JWK is not an Ed25519 key for signatures")]
    Kind,
    /// The `kid` is not the key's thumbprint.
    #[error("the JWK's kid is not its thumbprint")]
    Id,
}

/// A private key. `Debug` shows its id only, and its bytes are wiped when it
/// is dropped.
///
/// Stored as its seed, 32 bytes, in base64url without padding: what a JWK has
/// in `d` (RFC 8037, section 2).
pub struct SigningKey {
    key: ed25519_dalek::SigningKey,
    public: VerifyingKey,
}

impl SigningKey {
    /// The key of a seed: 32 bytes from a generator fit for secrets.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let public = VerifyingKey::new(key.verifying_key());
        Self { key, public }
    }

    /// The key of a stored seed.
    ///
    /// Errors: [`BadKey::Encoding`].
    pub fn from_text(text: &str) -> Result<Self, BadKey> {
        let seed = Zeroizing::new(decode_array(text).ok_or(BadKey::Encoding)?);
        Ok(Self::from_seed(&seed))
    }

    /// The seed as it is stored.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(encode(self.key.as_bytes()))
    }

    /// The public half.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.public
    }

    /// The token of these claims: a JWS in compact form with a header of
    /// `alg`, `kid` and `typ`.
    pub fn sign(&self, claims: &Claims) -> String {
        let kid = self.public.kid();
        let header = format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"at+jwt"}}"#);
        self.sign_parts(&header, &claims.to_json())
    }

    pub(crate) fn sign_parts(&self, header: &str, payload: &str) -> String {
        let signed = format!(
            "{}.{}",
            encode(header.as_bytes()),
            encode(payload.as_bytes())
        );
        let signature = self.key.sign(signed.as_bytes());
        format!("{signed}.{}", encode(&signature.to_bytes()))
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "SigningKey({})", self.public.kid())
    }
}

/// A public key. In JSON it is a JWK (RFC 7517, RFC 8037) with exactly the
/// members `kty`, `crv`, `x`, `kid`, `use` and `alg`, and it is read only if
/// each of them is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Jwk", into = "Jwk")]
pub struct VerifyingKey {
    key: ed25519_dalek::VerifyingKey,
    kid: KeyId,
}

impl VerifyingKey {
    fn new(key: ed25519_dalek::VerifyingKey) -> Self {
        let kid = KeyId::of(&encode(key.as_bytes()));
        Self { key, kid }
    }

    /// The key of 32 bytes as RFC 8032, section 5.1.2 writes them.
    ///
    /// Errors: [`BadKey::Point`], also for an encoding other than the one that
    /// RFC 8032 writes, and for a point of small order, with which anybody
    /// could make signatures.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, BadKey> {
        if !is_reduced(bytes) {
            return Err(BadKey::Point);
        }
        ed25519_dalek::VerifyingKey::from_bytes(bytes)
            .ok()
            .filter(|key| !key.is_weak())
            .map(Self::new)
            .ok_or(BadKey::Point)
    }

    /// The key's thumbprint.
    pub fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// Whether this key made the signature. A signature has one form: RFC
    /// 8032, section 5.1.7, with `S` below the order of the group, and the
    /// point `R` compared as it is written and not of small order.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

/// Whether the y coordinate, in 255 bits with the lowest byte first, is below
/// the field's prime 2^255 - 19.
fn is_reduced(bytes: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = bytes;
    *first < 0xed || last & 0x7f != 0x7f || middle.iter().any(|&byte| byte != 0xff)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    kid: String,
    #[serde(rename = "use")]
    purpose: String,
    alg: String,
}

impl From<VerifyingKey> for Jwk {
    fn from(key: VerifyingKey) -> Self {
        Self {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: encode(key.key.as_bytes()),
            kid: key.kid.to_string(),
            purpose: "sig".to_owned(),
            alg: "EdDSA".to_owned(),
        }
    }
}

impl TryFrom<Jwk> for VerifyingKey {
    type Error = BadKey;

    fn try_from(jwk: Jwk) -> Result<Self, BadKey> {
        let kind = [&*jwk.kty, &*jwk.crv, &*jwk.purpose, &*jwk.alg];
        if kind != ["OKP", "Ed25519", "sig", "EdDSA"] {
            return Err(BadKey::Kind);
        }
        let bytes = decode_array(&jwk.x).ok_or(BadKey::Encoding)?;
        let key = Self::from_bytes(&bytes)?;
        if key.kid.as_str() != jwk.kid {
            return Err(BadKey::Id);
        }
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A.1: the key of RFC 8032, section 7.1, test 1.
    const D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn rfc_8037() -> SigningKey {
        SigningKey::from_text(D).unwrap()
    }

    fn jwk(change: &[(&str, &str)]) -> Result<VerifyingKey, serde_json::Error> {
        let mut jwk = serde_json::to_value(rfc_8037().verifying_key()).unwrap();
        for (name, value) in change {
            jwk[name] = (*value).into();
        }
        serde_json::from_value(jwk)
    }

    #[test]
    fn a_signature_is_that_of_rfc_8037() {
        // RFC 8037, appendix A.4.
        let token = rfc_8037().sign_parts(r#"{"alg":"EdDSA"}"#, "Example of Ed25519 signing");
        assert_eq!(
            token,
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
             hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
    }

    #[test]
    fn a_public_key_is_a_jwk_with_its_thumbprint() {
        let json = serde_json::to_string(rfc_8037().verifying_key()).unwrap();
        assert_eq!(
            json,
            format!(
                r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}","kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","use":"sig","alg":"EdDSA"}}"#
            )
        );
        let read: VerifyingKey = serde_json::from_str(&json).unwrap();
        assert_eq!(&read, rfc_8037().verifying_key());
    }

    #[test]
    fn a_jwk_of_another_kind_is_refused() {
        assert!(jwk(&[]).is_ok());
        for (name, value) in [
            ("kty", "EC"),
            ("kty", "oct"),
            ("crv", "X25519"),
            ("crv", "Ed448"),
            ("alg", "HS256"),
            ("alg", "none"),
            ("use", "enc"),
            ("x", ""),
            ("x", &X[1..]),
            ("x", &format!("{X}=")),
            ("kid", "1"),
            ("kid", X),
            ("d", D),
        ] {
            assert!(jwk(&[(name, value)]).is_err(), "{name}: {value}");
        }
    }

    #[test]
    fn a_jwk_says_each_thing_once() {
        let json = serde_json::to_string(rfc_8037().verifying_key()).unwrap();
        let twice = json.replacen('{', r#"{"kty":"OKP","#, 1);
        assert!(serde_json::from_str::<VerifyingKey>(&twice).is_err());
    }

    #[test]
    fn a_private_key_survives_storage_and_does_not_show() {
        let key = SigningKey::from_seed(&[7; 32]);
        let text = key.to_text();
        let read = SigningKey::from_text(&text).unwrap();
        assert_eq!(read.verifying_key(), key.verifying_key());
        let debug = format!("{key:?} {read:#?}");
        assert!(!debug.contains(&text[..6]), "{debug}");
        assert!(!debug.contains("7, 7"), "{debug}");
        for bad in ["", "BwcH", &format!("{}=", *text), &format!("{} ", *text)] {
            assert_eq!(SigningKey::from_text(bad).unwrap_err(), BadKey::Encoding);
        }
    }

    #[test]
    fn a_key_of_small_order_is_refused() {
        // The points of order 1, 2, 4 and 8: y = 1, -1, 0 and the roots of
        // d y^4 + 2 y^2 = 1, each with both signs.
        let eight: [u8; 32] = [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef,
            0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88,
            0x6d, 0x53, 0xfc, 0x05,
        ];
        let negated = |y: &[u8; 32]| {
            // p - y, byte by byte.
            let mut p = [0xff; 32];
            (p[0], p[31]) = (0xed, 0x7f);
            let mut borrow = 0;
            for (p, y) in p.iter_mut().zip(y) {
                let difference = i16::from(*p) - i16::from(*y) - borrow;
                borrow = i16::from(difference < 0);
                *p = u8::try_from(difference.rem_euclid(256)).unwrap();
            }
            p
        };
        let mut one = [0; 32];
        one[0] = 1;
        for y in [one, negated(&one), [0; 32], eight, negated(&eight)] {
            for sign in [0, 0x80] {
                let mut bytes = y;
                bytes[31] |= sign;
                assert_eq!(VerifyingKey::from_bytes(&bytes), Err(BadKey::Point));
            }
        }
    }

    #[test]
    fn a_key_has_one_encoding() {
        // y and y + p are the same point, for every y below 19.
        for low in 0xed..=0xff {
            let mut bytes = [0xff; 32];
            bytes[0] = low;
            for last in [0x7f, 0xff] {
                bytes[31] = last;
                assert_eq!(VerifyingKey::from_bytes(&bytes), Err(BadKey::Point));
            }
        }
        let mut below = [0xff; 32];
        (below[0], below[31]) = (0xec, 0x7f);
        assert!(is_reduced(&below));
    }

    #[test]
    fn a_signature_has_one_form() {
        let key = rfc_8037();
        let signature = key.key.sign(b"text").to_bytes();
        let public = key.verifying_key();
        assert!(public.verifies(b"text", &signature));
        assert!(!public.verifies(b"test", &signature));
        assert!(!public.verifies(b"text", &signature[..63]));
        assert!(!public.verifies(b"text", &[&signature[..], &[0]].concat()));
        // S + L is S to whoever does not compare it with L, the group's order.
        let order: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9,
            0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let mut malleable = signature;
        let mut carry = 0;
        for (byte, add) in malleable[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            [*byte, _] = sum.to_le_bytes();
            carry = sum >> 8;
        }
        assert_eq!(carry, 0);
        assert!(!public.verifies(b"text", &malleable));
        // R = the neutral point, S = 0: good under a key of small order.
        let mut forged = [0; 64];
        forged[0] = 1;
        assert!(!public.verifies(b"text", &forged));
    }
}
