//! Signatures of webhooks: `t=1492774577,v1=5257a869...`, where `v1` is the
//! HMAC-SHA-256 (RFC 2104), in hex, of `<t>.<body>`.
//!
//! It is the scheme of Stripe's `Stripe-Signature`, which the sandbox's
//! `Stoa-Signature` follows. A signature is over the bytes as they came: parsed
//! and written again they would be others. Several `v1` and several secrets are
//! what lets a secret be changed without losing a webhook.

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// How far a signature's time may be from ours, in seconds.
pub const TOLERANCE: i64 = 300;

/// The longest header that is read, in bytes, and the most signatures in it.
const MAX_LENGTH: usize = 4096;
const MAX_SIGNATURES: usize = 16;

/// Why a signature is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is none, or it is not of this scheme.
    #[error("there is no signature that can be read")]
    Malformed,
    /// It was made too long ago, or is from the future.
    #[error("the signature is not of these minutes")]
    Time,
    /// It is not the body's, with any of the secrets.
    #[error("the signature is not the body's")]
    Mismatch,
}

/// Signs a body, at a time in seconds since the Unix epoch.
pub fn sign(secret: &str, time: i64, body: &str) -> String {
    let code = mac(secret, time, body).finalize().into_bytes();
    let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={time},v1={hex}")
}

/// Checks that one of the signatures in a header is the body's, with one of the
/// secrets. Comparisons take constant time.
pub fn verify(header: &str, secrets: &[&str], body: &str, now: i64) -> Result<(), Refusal> {
    let (time, signatures) = parse(header).ok_or(Refusal::Malformed)?;
    if now
        .checked_sub(time)
        .is_none_or(|age| age.abs() > TOLERANCE)
    {
        return Err(Refusal::Time);
    }
    let is_of = |secret: &&str| {
        let mac = mac(secret, time, body);
        signatures
            .iter()
            .any(|signature| mac.clone().verify_slice(signature).is_ok())
    };
    // An empty secret is none: everybody knows it.
    let mut secrets = secrets.iter().filter(|secret| !secret.is_empty());
    if secrets.any(is_of) {
        Ok(())
    } else {
        Err(Refusal::Mismatch)
    }
}

/// The time and the signatures. What is not known is left to later versions of
/// the scheme.
fn parse(header: &str) -> Option<(i64, Vec<[u8; 32]>)> {
    if header.len() > MAX_LENGTH {
        return None;
    }
    let mut time = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        let (name, value) = part.trim().split_once('=')?;
        match name {
            "t" if time.is_some() => return None,
            "t" => time = Some(value.parse().ok().filter(|time| *time >= 0)?),
            "v1" if signatures.len() < MAX_SIGNATURES => signatures.extend(decode(value)),
            _ => {}
        }
    }
    Some((time?, signatures)).filter(|(_, signatures)| !signatures.is_empty())
}

fn decode(hex: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    if hex.len() != 64 {
        return None;
    }
    let bytes: Option<Vec<u8>> = hex
        .as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect();
    bytes?.try_into().ok()
}

/// HMAC hashes a key that is longer than a block, and fills up a shorter one
/// with zeros.
fn mac(secret: &str, time: i64, body: &str) -> Hmac<Sha256> {
    let mut block = [0; 64];
    if let Some(start) = block.get_mut(..secret.len()) {
        start.copy_from_slice(secret.as_bytes());
    } else {
        use sha2::Digest as _;
        block[..32].copy_from_slice(&Sha256::digest(secret));
    }
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    mac.update(time.to_string().as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_test";
    const BODY: &str = "{\"id\": \"evt_1\"}";
    const NOW: i64 = 1_800_000_000;

    fn check(header: &str) -> Result<(), Refusal> {
        verify(header, &[SECRET], BODY, NOW)
    }

    #[test]
    fn what_was_signed_is_accepted_and_nothing_else() {
        let header = sign(SECRET, NOW, BODY);
        assert_eq!(check(&header), Ok(()));
        assert_eq!(
            verify(&header, &[SECRET], "{}", NOW),
            Err(Refusal::Mismatch)
        );
        assert_eq!(
            verify(&header, &["other"], BODY, NOW),
            Err(Refusal::Mismatch)
        );
        assert_eq!(verify(&header, &[], BODY, NOW), Err(Refusal::Mismatch));
        let moved = header.replace(&format!("t={NOW}"), &format!("t={}", NOW + 1));
        assert_eq!(check(&moved), Err(Refusal::Mismatch));
    }

    #[test]
    fn it_is_the_hmac_that_others_compute() {
        // Computed with OpenSSL: printf '1.x' | openssl dgst -sha256 -hmac key
        assert_eq!(
            sign("key", 1, "x"),
            "t=1,v1=fc4913c41a7bf793267e2a384f3261c9436ec2cd097bd745e7b0d99113f510ec"
        );
        assert_eq!(
            sign(&"k".repeat(100), 1, "x"),
            "t=1,v1=8dc72019a8a249d8f2d36e36fac06f4497511f4f50cfee8600a5d97fb8a91da5"
        );
    }

    #[test]
    fn an_empty_secret_is_none() {
        let header = sign("", NOW, BODY);
        assert_eq!(verify(&header, &[""], BODY, NOW), Err(Refusal::Mismatch));
    }

    #[test]
    fn a_secret_can_be_changed_while_webhooks_come() {
        let old = sign("old", NOW, BODY);
        assert_eq!(verify(&old, &["new", "old"], BODY, NOW), Ok(()));
        let new = sign("new", NOW, BODY);
        let both = format!("{old},{}", new.split_once(',').unwrap().1);
        assert_eq!(verify(&both, &["new"], BODY, NOW), Ok(()));
        assert_eq!(verify(&both, &["old"], BODY, NOW), Ok(()));
    }

    #[test]
    fn a_signature_is_good_for_five_minutes() {
        for (age, answer) in [
            (TOLERANCE, Ok(())),
            (-TOLERANCE, Ok(())),
            (TOLERANCE + 1, Err(Refusal::Time)),
            (-TOLERANCE - 1, Err(Refusal::Time)),
        ] {
            assert_eq!(check(&sign(SECRET, NOW - age, BODY)), answer, "{age}");
        }
    }

    #[test]
    fn what_is_unknown_is_left_alone_and_what_is_wrong_is_refused() {
        let header = sign(SECRET, NOW, BODY);
        assert_eq!(check(&format!("{header},v0=abc,v2=x")), Ok(()));
        assert_eq!(check(&header.replace(',', ", ")), Ok(()));
        let v1 = header.split_once(',').unwrap().1;
        for bad in [
            "",
            "t=1",
            v1,
            &format!("t=x,{v1}"),
            &format!("t=-1,{v1}"),
            &format!("t={NOW},t={NOW},{v1}"),
            &format!("t={NOW},v1=abc"),
            &format!("t={NOW},v1={}", "g".repeat(64)),
            &format!("t={NOW},v0{}", &v1[2..]),
            &format!("{header},{}", "v1=0,".repeat(1000)),
            &header[..header.len() - 1],
            "garbage",
        ] {
            assert_eq!(check(bad), Err(Refusal::Malformed), "{bad}");
        }
    }
}
