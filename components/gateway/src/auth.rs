//! Who asks: the bearer token of a request, verified.
//!
//! So far there is one token, the operator's bootstrap token. Configuration:
//! `admin_token_sha256`, the SHA-256 of the token in hex; without it every
//! token is refused.

use sha2::{Digest as _, Sha256};
use stoa_kit::{Identity, Principal, Problem, Role, config, log};

use crate::headers::Headers;
use crate::path::hex;

type Sha256Digest = [u8; 32];

/// The principal of a request: anonymous without credentials, and never so
/// with bad ones, also where a route is public.
///
/// Errors: `invalid_token` (401), `unauthorized` (401) for credentials of
/// another kind.
pub fn authenticate(headers: &Headers) -> Result<Principal, Problem> {
    let Some(token) = bearer(headers)? else {
        return Ok(Principal::Anonymous);
    };
    let expected = config::get("admin_token_sha256").and_then(|text| {
        let digest = parse_digest(&text);
        if digest.is_none() {
            log::error("auth", "admin_token_sha256 is not 64 hex digits");
        }
        digest
    });
    verify(token, expected.as_ref())
}

/// The token of `Authorization: Bearer <token>` (RFC 6750, section 2.1).
fn bearer(headers: &Headers) -> Result<Option<&str>, Problem> {
    let mut values = headers.all("authorization");
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Problem::invalid_token("Send one Authorization header."));
    }
    str::from_utf8(value)
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| Some(token.trim()))
        .ok_or_else(|| Problem::unauthorized("Send Authorization: Bearer and an access token."))
}

fn verify(token: &str, expected: Option<&Sha256Digest>) -> Result<Principal, Problem> {
    let digest: Sha256Digest = Sha256::digest(token).into();
    if !expected.is_some_and(|expected| equal(&digest, expected)) {
        return Err(Problem::invalid_token("The access token is not valid."));
    }
    Ok(Principal::Account(Identity {
        account_id: "bootstrap".to_owned(),
        session_id: None,
        roles: vec![Role::Admin],
    }))
}

/// Compares in a time that does not depend on where the first difference is.
fn equal(left: &Sha256Digest, right: &Sha256Digest) -> bool {
    let differences = left.iter().zip(right).fold(0, |all, (l, r)| all | (l ^ r));
    std::hint::black_box(differences) == 0
}

fn parse_digest(text: &str) -> Option<Sha256Digest> {
    let text = text.trim().as_bytes();
    let mut digest = [0; 32];
    if text.len() != 2 * digest.len() {
        return None;
    }
    for (byte, digits) in digest.iter_mut().zip(text.chunks_exact(2)) {
        *byte = (hex(digits[0])? << 4) | hex(digits[1])?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(values: &[&[u8]]) -> Headers {
        let entry = |value: &&[u8]| ("authorization".to_owned(), value.to_vec());
        Headers::new(values.iter().map(entry).collect())
    }

    /// The SHA-256 of `abc`: FIPS 180-2, appendix B.1.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn the_bootstrap_token_makes_an_administrator() {
        let expected = parse_digest(&ABC.to_uppercase());
        let Principal::Account(identity) = verify("abc", expected.as_ref()).unwrap() else {
            panic!("anonymous");
        };
        assert_eq!(identity.account_id, "bootstrap");
        assert_eq!(identity.session_id, None);
        assert_eq!(identity.roles, [Role::Admin]);
    }

    #[test]
    fn any_other_token_is_refused() {
        let expected = parse_digest(ABC);
        for token in ["", "ab", "abcd", "ABC", ABC] {
            assert_eq!(
                verify(token, expected.as_ref()).unwrap_err().code(),
                "invalid_token"
            );
        }
        let empty: Sha256Digest = Sha256::digest("").into();
        assert!(!equal(&empty, &expected.unwrap()));
    }

    #[test]
    fn without_configuration_every_token_is_refused() {
        for token in ["", "abc"] {
            let response = verify(token, None).unwrap_err().into_response("r");
            assert_eq!(response.status, 401);
            let challenge = response.get_header("www-authenticate").unwrap();
            assert!(challenge.contains("error=\"invalid_token\""));
        }
    }

    #[test]
    fn only_a_whole_digest_is_one() {
        for bad in [
            "",
            "abc",
            &ABC[1..],
            &format!("{ABC}0"),
            &ABC.replace('b', "g"),
        ] {
            assert_eq!(parse_digest(bad), None, "{bad}");
        }
        assert!(parse_digest(&format!(" {ABC}\n")).is_some());
    }

    #[test]
    fn a_token_is_read_from_one_bearer_header() {
        assert_eq!(bearer(&with(&[])).unwrap(), None);
        assert_eq!(bearer(&with(&[b"Bearer abc"])).unwrap(), Some("abc"));
        assert_eq!(bearer(&with(&[b"bEARER  abc "])).unwrap(), Some("abc"));
        assert_eq!(bearer(&with(&[b"Bearer "])).unwrap(), Some(""));
    }

    #[test]
    fn credentials_of_another_kind_are_refused_and_not_ignored() {
        for bad in [
            &[b"".as_slice()][..],
            &[b"Bearer"],
            &[b"Basic YTpi"],
            &[b"abc"],
            &[b"Bearerabc"],
            &[b"Bearer \xff"],
            &[b"Bearer abc", b"Bearer abc"],
            &[b"Basic YTpi", b"Bearer abc"],
        ] {
            assert_eq!(bearer(&with(bad)).unwrap_err().status(), 401, "{bad:?}");
        }
    }
}
