//! What attackers send, and what must come of it.

use serde_json::{Value, json};
use stoa_kit::Timestamp;

use crate::encoding::{decode, encode};
use crate::fixtures::{NOW, claims, key, realm, verify, verify_at};
use crate::{KeyRecord, MAX_TOKEN_BYTES, Realm, Refusal, SigningKey, Unverified};

fn header() -> Value {
    json!({ "alg": "EdDSA", "kid": key().verifying_key().kid().as_str(), "typ": "at+jwt" })
}

fn payload() -> Value {
    serde_json::from_str(&claims().to_json()).unwrap()
}

fn with(mut object: Value, name: &str, value: impl Into<Value>) -> Value {
    object[name] = value.into();
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name).unwrap();
    object
}

/// Rightly signed, whatever the parts are.
fn signed(header: &Value, payload: &Value) -> String {
    key().sign_parts(&header.to_string(), &payload.to_string())
}

#[track_caller]
fn header_is_refused(header: &Value, why: Refusal) {
    assert_eq!(
        verify(&signed(header, &payload())),
        Err(why),
        "header {header}"
    );
}

#[track_caller]
fn claims_are_refused(payload: &Value, why: Refusal) {
    assert_eq!(
        verify(&signed(&header(), payload)),
        Err(why),
        "claims {payload}"
    );
}

#[test]
fn a_token_is_verified_and_its_claims_returned() {
    let claims = claims();
    let token = key().sign(&claims);
    assert!(token.len() < 750, "{}", token.len());
    let parsed = Unverified::parse(&token).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(parsed.session(), claims.sid);
    assert_eq!(parsed.kid(), key().verifying_key().kid());
    assert_eq!(verify(&token), Ok(claims));
}

#[test]
fn a_token_without_a_signature_algorithm_is_refused() {
    for alg in ["none", "None", "NONE", "nOnE", "noNe", ""] {
        let bad = with(header(), "alg", alg);
        header_is_refused(&bad, Refusal::Algorithm);
        let parts = signed(&bad, &payload());
        let (unsigned, _) = parts.rsplit_once('.').unwrap();
        assert_eq!(verify(unsigned), Err(Refusal::Form));
        assert_eq!(verify(&format!("{unsigned}.")), Err(Refusal::Form));
    }
}

#[test]
fn the_token_does_not_choose_the_algorithm() {
    for alg in [
        "HS256", "HS512", "RS256", "PS256", "ES256", "ES256K", "Ed448", "Ed25519", "eddsa",
        "EDDSA", "EdDSA ",
    ] {
        header_is_refused(&with(header(), "alg", alg), Refusal::Algorithm);
    }
}

#[test]
fn the_public_key_is_not_a_secret_of_hmac() {
    // HMAC-SHA-256 of the signed part with the public key as its secret, as 32
    // raw bytes and as the JWK's text, under a header that says so or not.
    let public = key().verifying_key().clone();
    let jwk = serde_json::to_string(&public).unwrap();
    let x = serde_json::to_value(&public).unwrap()["x"].clone();
    let raw = decode(x.as_str().unwrap()).unwrap();
    for secret in [
        raw.as_slice(),
        jwk.as_bytes(),
        x.as_str().unwrap().as_bytes(),
    ] {
        for (alg, why) in [("HS256", Refusal::Form), ("EdDSA", Refusal::Form)] {
            let token = signed(&with(header(), "alg", alg), &payload());
            let (text, _) = token.rsplit_once('.').unwrap();
            let mac = hmac_sha256(secret, text.as_bytes());
            assert_eq!(verify(&format!("{text}.{}", encode(&mac))), Err(why));
            // And twice, for the length of a signature.
            let forged = format!("{text}.{}", encode(&[mac, mac].concat()));
            assert!(verify(&forged).is_err());
        }
    }
}

/// RFC 2104.
fn hmac_sha256(secret: &[u8], text: &[u8]) -> [u8; 32] {
    use sha2::{Digest as _, Sha256};
    let mut block = [0; 64];
    if secret.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(secret));
    } else {
        block[..secret.len()].copy_from_slice(secret);
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36));
    let inner = inner.chain_update(text).finalize();
    let outer = Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c));
    outer.chain_update(inner).finalize().into()
}

#[test]
fn a_header_brings_neither_a_key_nor_a_place_of_keys() {
    let own = SigningKey::from_seed(&[66; 32]);
    let jwk = serde_json::to_value(own.verifying_key()).unwrap();
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/cert.pem")),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("AAAA")),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("cty", json!("JWT")),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("iss", json!("https://shop.example")),
        ("", json!("")),
    ] {
        let bad = with(header(), name, value);
        header_is_refused(&bad, Refusal::Header);
        let forged = own.sign_parts(&bad.to_string(), &payload().to_string());
        assert_eq!(verify(&forged), Err(Refusal::Header));
    }
}

#[test]
fn a_token_of_another_key_is_refused_under_either_id() {
    let own = SigningKey::from_seed(&[66; 32]);
    assert_eq!(verify(&own.sign(&claims())), Err(Refusal::UnknownKey));
    let forged = own.sign_parts(&header().to_string(), &payload().to_string());
    assert_eq!(verify(&forged), Err(Refusal::Signature));
}

#[test]
fn a_record_under_the_wrong_name_verifies_nothing() {
    let token = key().sign(&claims());
    let other = SigningKey::from_seed(&[66; 32]).verifying_key().clone();
    let record = KeyRecord::new(other, NOW);
    let parsed = Unverified::parse(&token).unwrap_or_else(|why| panic!("{why}"));
    let refused = parsed.verify(Some(&record), &realm(), NOW);
    assert_eq!(refused, Err(Refusal::UnknownKey));
}

#[test]
fn a_key_id_that_is_no_thumbprint_is_not_looked_up() {
    for kid in [
        "",
        "1",
        "../../../../dev/null",
        "/proc/sys/kernel/randomize_va_space",
        "' UNION SELECT 'secret' --",
        "x'; DROP TABLE keys; --",
        "keys.*",
        "\0",
        "é",
    ] {
        header_is_refused(&with(header(), "kid", kid), Refusal::KeyId);
    }
}

#[test]
fn a_token_of_another_type_is_refused() {
    for typ in [
        "JWT",
        "jwt",
        "rt+jwt",
        "id+jwt",
        "logout+jwt",
        "dpop+jwt",
        "AT+JWT",
        "application/at+jwt",
        "at+jwt ",
        "",
    ] {
        header_is_refused(&with(header(), "typ", typ), Refusal::Type);
    }
}

#[test]
fn a_header_has_each_member_once_and_as_text() {
    for name in ["alg", "kid", "typ"] {
        header_is_refused(&without(header(), name), Refusal::Header);
        for value in [
            json!(null),
            json!(1),
            json!(["EdDSA"]),
            json!({}),
            json!(true),
        ] {
            header_is_refused(&with(header(), name, value), Refusal::Header);
        }
    }
    let good = header().to_string();
    for bad in [
        good.replacen('{', r#"{"alg":"none","#, 1),
        good.replacen('{', r#"{"alg":"EdDSA","#, 1),
        good.replacen('{', r#"{"\u0061lg":"EdDSA","#, 1),
        good.replacen("alg", "Alg", 1),
        format!("[{good}]"),
        format!(" {good}"),
        format!("{good}{good}"),
        format!("\u{feff}{good}"),
        r#"["EdDSA","kid","at+jwt"]"#.to_owned(),
        "null".to_owned(),
        String::new(),
    ] {
        let token = key().sign_parts(&bad, &payload().to_string());
        assert_eq!(verify(&token), Err(Refusal::Header), "{bad}");
    }
}

#[test]
fn base64_has_one_form() {
    let token = key().sign(&claims());
    let parts: Vec<&str> = token.split('.').collect();
    for at in 0..3 {
        for bad in [
            format!("{}=", parts[at]),
            format!("{}==", parts[at]),
            format!(" {}", parts[at]),
            format!("{} ", parts[at]),
            format!("{}\n", parts[at]),
            format!("{}\r\n{}", &parts[at][..8], &parts[at][8..]),
            format!("{}\t{}", &parts[at][..8], &parts[at][8..]),
            format!("{}%3D", parts[at]),
            format!("{}\0", parts[at]),
            format!("{}é", parts[at]),
            format!("{}A", &parts[at][..1]),
            String::new(),
        ] {
            let mut parts = parts.clone();
            parts[at] = &bad;
            assert!(verify(&parts.join(".")).is_err(), "part {at}: {bad:?}");
        }
    }
}

#[test]
fn spare_bits_of_base64_are_zero() {
    // 64 bytes are 86 characters, of which the last has four bits to spare.
    let token = key().sign(&claims());
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (head, last) = token.split_at(token.len() - 1);
    for other in alphabet.chars().filter(|other| !last.contains(*other)) {
        assert!(verify(&format!("{head}{other}")).is_err(), "{other}");
    }
}

#[test]
fn a_token_is_three_parts_in_their_order() {
    let token = key().sign(&claims());
    let parts: Vec<&str> = token.split('.').collect();
    let (h, p, s) = (parts[0], parts[1], parts[2]);
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        h.to_owned(),
        format!("{h}.{p}"),
        format!("{h}.{p}."),
        format!("{h}..{s}"),
        format!(".{p}.{s}"),
        format!("{p}.{h}.{s}"),
        format!("{h}.{s}.{p}"),
        format!("{s}.{p}.{h}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{s}"),
        format!("{h}.{p}.{s}.{s}.{s}"),
        format!("{h}.{p}.null"),
        format!("{h}.{p}.{s}{s}"),
        format!("{h}.{p}.{}", encode(&[0; 64])),
        format!("{h}.{p}.{}", encode(&[0; 63])),
        format!("{h}.{p}.{}", encode(&[0; 65])),
        format!("Bearer {token}"),
        format!("{token}\n"),
        format!("{token}\0"),
        token.replace('.', "\u{3002}"),
        "é".repeat(40),
    ] {
        assert!(verify(&bad).is_err(), "{bad:?}");
    }
}

#[test]
fn the_json_serialisations_are_refused() {
    let token = key().sign(&claims());
    let parts: Vec<&str> = token.split('.').collect();
    let flat = json!({ "protected": parts[0], "payload": parts[1], "signature": parts[2] });
    let general = json!({
        "payload": parts[1],
        "signatures": [{ "protected": parts[0], "signature": parts[2] }],
    });
    for bad in [flat, general] {
        assert_eq!(verify(&bad.to_string()), Err(Refusal::Form));
    }
}

#[test]
fn a_huge_token_is_not_looked_into() {
    let huge = with(payload(), "iss", "x".repeat(MAX_TOKEN_BYTES));
    claims_are_refused(&huge, Refusal::Length);
    assert_eq!(verify(&"a".repeat(MAX_TOKEN_BYTES)), Err(Refusal::Form));
    for filler in ["a", ".", "{", "é", "\0"] {
        let bad = filler.repeat(1 << 20);
        assert_eq!(verify(&bad), Err(Refusal::Length));
    }
    // As deep as 4 KiB can be.
    let deep = encode("[".repeat(2_500).as_bytes());
    let token = signed(&header(), &payload());
    let parts: Vec<&str> = token.split('.').collect();
    let bad = format!("{}.{deep}.{}", parts[0], parts[2]);
    assert_eq!(verify(&bad), Err(Refusal::Claims));
    let member = format!("{{\"iss\":{}", "[".repeat(2_500));
    let bad = format!("{}.{}.{}", parts[0], encode(member.as_bytes()), parts[2]);
    assert_eq!(verify(&bad), Err(Refusal::Claims));
}

#[test]
fn every_claim_is_there_once_and_there_is_no_other() {
    let names: Vec<String> = payload().as_object().unwrap().keys().cloned().collect();
    assert_eq!(names.len(), 9);
    let text = payload().to_string();
    for name in &names {
        claims_are_refused(&without(payload(), name), Refusal::Claims);
        claims_are_refused(&with(payload(), name, json!(null)), Refusal::Claims);
        claims_are_refused(&with(payload(), name, json!({})), Refusal::Claims);
        let value = &payload()[name];
        let twice = text.replacen('{', &format!(r#"{{"{name}":{value},"#), 1);
        let token = key().sign_parts(&header().to_string(), &twice);
        assert_eq!(verify(&token), Err(Refusal::Claims), "{twice}");
    }
    for (name, value) in [
        ("admin", json!(true)),
        ("role", json!("admin")),
        ("", json!(1)),
    ] {
        claims_are_refused(&with(payload(), name, value), Refusal::Claims);
    }
    for bad in [
        "",
        "null",
        "[]",
        "{}",
        "1",
        "{",
        &format!("{text}x"),
        &format!(" {text}"),
    ] {
        let token = key().sign_parts(&header().to_string(), bad);
        assert_eq!(verify(&token), Err(Refusal::Claims), "{bad}");
    }
}

#[test]
fn account_session_and_token_are_uuids() {
    for name in ["sub", "sid", "jti"] {
        for bad in [
            "",
            "1",
            "bootstrap",
            "0190163d8694739baea5966c26f8ad91",
            "{0190163d-8694-739b-aea5-966c26f8ad91}",
            "urn:uuid:0190163d-8694-739b-aea5-966c26f8ad91",
            "0190163d-8694-739b-aea5-966c26f8ad9",
            "0190163d-8694-739b-aea5-966c26f8ad9g",
            "0190163d-8694-739b-aea5-966c26f8ad91 ",
            "../../../0190163d-8694-739b-aea5-966",
            "' OR ''='",
        ] {
            claims_are_refused(&with(payload(), name, bad), Refusal::Claims);
        }
        claims_are_refused(&with(payload(), name, 7), Refusal::Claims);
    }
}

#[test]
fn roles_are_of_a_closed_list() {
    for bad in [
        json!(["root"]),
        json!(["customer", "Admin"]),
        json!(["admin "]),
        json!("admin"),
        json!([0]),
        json!([null]),
        json!([["admin"]]),
        json!({"admin": true}),
    ] {
        claims_are_refused(&with(payload(), "roles", bad), Refusal::Claims);
    }
    let none = with(payload(), "roles", json!([]));
    assert_eq!(verify(&signed(&header(), &none)).unwrap().roles, []);
}

#[test]
fn times_are_whole_numbers_of_seconds() {
    for name in ["iat", "nbf", "exp"] {
        for bad in [
            json!(-1),
            json!(i64::MIN),
            json!(1_772_366_400.5),
            json!(1_772_366_400.0),
            json!(1e300),
            json!("1772366400"),
            json!("2026-03-01T12:00:00Z"),
            json!(true),
            json!([1_772_366_400]),
        ] {
            claims_are_refused(&with(payload(), name, bad), Refusal::Claims);
        }
        let text = payload().to_string();
        let good = format!(r#""{name}":{}"#, payload()[name]);
        for literal in [
            "1772366400e0",
            "1.772366400e9",
            "99999999999999999999",
            "-0",
            "NaN",
            "01",
        ] {
            let bad = text.replace(&good, &format!(r#""{name}":{literal}"#));
            assert_ne!(bad, text);
            let token = key().sign_parts(&header().to_string(), &bad);
            assert!(verify(&token).is_err(), "{bad}");
        }
    }
}

#[test]
fn a_token_begins_and_ends_with_five_seconds_of_leeway() {
    let token = key().sign(&claims());
    for (after, expected) in [
        (-5_001, Err(Refusal::Early)),
        (-5_000, Ok(())),
        (0, Ok(())),
        (604_999, Ok(())),
        (605_000, Err(Refusal::Expired)),
        (3_000_000, Err(Refusal::Expired)),
    ] {
        let verified = verify_at(&token, NOW.plus(after)).map(|_| ());
        assert_eq!(verified, expected, "{after} ms");
    }
    for odd in [Timestamp(0), Timestamp(i64::MIN)] {
        assert_eq!(verify_at(&token, odd), Err(Refusal::Early));
    }
}

#[test]
fn an_end_far_away_is_refused() {
    let issued = claims().iat;
    for exp in [issued + 601, issued + 606, issued + 31_536_000, u64::MAX] {
        claims_are_refused(&with(payload(), "exp", exp), Refusal::Lifetime);
    }
    claims_are_refused(&with(payload(), "exp", issued - 1), Refusal::Lifetime);
    claims_are_refused(&with(payload(), "exp", 0), Refusal::Lifetime);
    claims_are_refused(&with(payload(), "iat", issued - 1), Refusal::Lifetime);
    claims_are_refused(&with(payload(), "iat", issued + 6), Refusal::Early);
    claims_are_refused(&with(payload(), "nbf", issued + 6), Refusal::Early);
    let empty = with(with(payload(), "exp", issued + 1), "nbf", issued + 2);
    claims_are_refused(&empty, Refusal::Lifetime);
}

#[test]
fn a_token_of_another_realm_is_refused() {
    for bad in [
        "",
        "https://shop.example/",
        "https://SHOP.example",
        "https://evil.example",
    ] {
        claims_are_refused(&with(payload(), "iss", bad), Refusal::Issuer);
    }
    for bad in ["", "admin", "stoa ", "Stoa", "stoa,stoa"] {
        claims_are_refused(&with(payload(), "aud", bad), Refusal::Audience);
    }
    claims_are_refused(&with(payload(), "aud", json!(["stoa"])), Refusal::Claims);
    let elsewhere = Realm {
        issuer: "https://other.example".to_owned(),
        ..realm()
    };
    let token = key().sign(&claims());
    let record = KeyRecord::new(key().verifying_key().clone(), NOW);
    let parsed = Unverified::parse(&token).unwrap_or_else(|why| panic!("{why}"));
    let refused = parsed.verify(Some(&record), &elsewhere, NOW);
    assert_eq!(refused, Err(Refusal::Issuer));
}

#[test]
fn a_rotated_key_verifies_until_its_last_token_has_ended() {
    let record = KeyRecord::new(key().verifying_key().clone(), NOW);
    let last = key().sign(&claims());
    let at = |now| {
        let parsed = Unverified::parse(&last).unwrap_or_else(|why| panic!("{why}"));
        parsed.verify(Some(&record), &realm(), now).map(|_| ())
    };
    assert_eq!(at(NOW.plus(604_999)), Ok(()));
    assert_eq!(at(NOW.plus(605_000)), Err(Refusal::Expired));
    assert_eq!(at(NOW.plus(610_000)), Err(Refusal::RetiredKey));
}

#[test]
fn an_expired_token_can_still_end_its_session() {
    let record = KeyRecord::new(key().verifying_key().clone(), NOW.plus(86_400_000));
    let claims = claims();
    let token = key().sign(&claims);
    let expired = |token: &str, now| {
        Unverified::parse(token)
            .and_then(|token| token.verify_expired(Some(&record), &realm(), now))
    };
    assert_eq!(expired(&token, NOW.plus(3_600_000)), Ok(claims));
    assert_eq!(expired(&token, NOW.plus(-6_000)), Err(Refusal::Early));
    let forged =
        SigningKey::from_seed(&[66; 32]).sign_parts(&header().to_string(), &payload().to_string());
    assert_eq!(expired(&forged, NOW), Err(Refusal::Signature));
}

#[test]
fn every_flip_of_one_bit_is_refused() {
    let token = key().sign(&claims());
    let mut flips = 0;
    for at in 0..token.len() {
        for bit in 0..8 {
            let mut bytes = token.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            // What is not UTF-8 is no `str`, and does not get here.
            if let Ok(flipped) = String::from_utf8(bytes) {
                assert!(verify(&flipped).is_err(), "byte {at}, bit {bit}");
                flips += 1;
            }
        }
    }
    assert_eq!(flips, token.len() * 7);
}

#[test]
fn every_flip_of_one_bit_of_the_decoded_parts_is_refused() {
    let token = key().sign(&claims());
    let parts: Vec<Vec<u8>> = token.split('.').map(|part| decode(part).unwrap()).collect();
    for at in 0..3 {
        for bit in 0..parts[at].len() * 8 {
            let mut parts = parts.clone();
            parts[at][bit / 8] ^= 1 << (bit % 8);
            let flipped: Vec<String> = parts.iter().map(|part| encode(part)).collect();
            assert!(verify(&flipped.join(".")).is_err(), "part {at}, bit {bit}");
        }
    }
}

#[test]
fn a_refusal_says_nothing_of_the_token() {
    let secret = "sekrit";
    for token in [
        secret.to_owned(),
        signed(&with(header(), "kid", secret), &payload()),
        signed(&with(header(), "alg", secret), &payload()),
        signed(&header(), &with(payload(), "iss", secret)),
        signed(&header(), &with(payload(), "sub", secret)),
    ] {
        let why = verify(&token).unwrap_err();
        assert!(!format!("{why} {why:?}").contains(secret));
    }
}
