//! What comes of tokens, good and bad, with a table for a key-value store.

use stoa_kit::{Response, Role};
use stoa_tokens::{Claims, SigningKey};

use super::fixtures::{NOW, Session, authorization, realm};
use super::*;
use crate::lookup::Lookup;
use crate::lookup::table::Table;

/// Verifies what is sent as the gateway does.
fn ask(
    values: &[&[u8]],
    table: &Table,
    access: Access,
    now: Timestamp,
) -> Result<Principal, Problem> {
    let headers = authorization(values);
    let Some(token) = token(&headers, "req-1")? else {
        return Ok(Principal::Anonymous);
    };
    let service = None;
    let lookup = Lookup {
        service,
        token: Some(&token),
    };
    let found = lookup.fetch_of(table);
    verify(token, &found, access, &realm(), now, "req-1")
}

fn ask_with(token: &str, session: &Session) -> Result<Principal, Problem> {
    let value = format!("Bearer {token}");
    ask(&[value.as_bytes()], &session.table(), Access::Public, NOW)
}

/// The answer to a token that is refused.
#[track_caller]
fn refusal(outcome: Result<Principal, Problem>) -> Response {
    let response = outcome.unwrap_err().into_response("req-1");
    assert_eq!(response.status, 401);
    assert_eq!(
        response.get_header("www-authenticate"),
        Some("Bearer realm=\"stoa\", error=\"invalid_token\"")
    );
    assert!(response.body.contains("\"code\":\"invalid_token\""));
    response
}

#[track_caller]
fn is_not_valid(outcome: Result<Principal, Problem>) {
    let response = refusal(outcome);
    assert!(response.body.contains("The access token is not valid."));
}

#[test]
fn a_good_token_says_who_asks() {
    let session = Session::with(vec![Role::Customer, Role::Admin]);
    let Principal::Account(identity) = ask_with(&session.token(), &session).unwrap() else {
        panic!("anonymous");
    };
    assert_eq!(identity.account_id, session.claims.sub.to_string());
    assert_eq!(identity.session_id, session.id());
    assert_eq!(identity.roles, [Role::Customer, Role::Admin]);
}

#[test]
fn without_credentials_nobody_is_known() {
    let asked = ask(&[], &Table::new(), Access::Public, NOW);
    assert_eq!(asked.unwrap(), Principal::Anonymous);
}

#[test]
fn the_scheme_is_read_in_any_case_and_with_several_spaces() {
    let session = Session::new();
    let token = session.token();
    for value in [format!("bearer {token}"), format!("BEARER   {token} ")] {
        let asked = ask(&[value.as_bytes()], &session.table(), Access::User, NOW);
        assert!(matches!(asked, Ok(Principal::Account(_))), "{value}");
    }
}

#[test]
fn a_token_is_as_good_as_its_key() {
    let session = Session::new();
    let token = format!("Bearer {}", session.token());
    let at = |table: &Table, now| ask(&[token.as_bytes()], table, Access::User, now);
    is_not_valid(at(&Table::new(), NOW));
    let mut table = session.table();
    let (name, record) = table.pop_first().unwrap();
    let retired = |until| {
        let record = KeyRecord {
            until,
            ..KeyRecord::from_json(&record).unwrap()
        };
        Table::from([(name.clone(), record.to_json().unwrap())])
    };
    assert!(at(&retired(NOW.0 + 1), NOW).is_ok());
    is_not_valid(at(&retired(NOW.0), NOW));
    // Another key under the name of this one.
    let other = SigningKey::from_seed(&[7; 32]).verifying_key().clone();
    let other = KeyRecord::new(other, NOW.plus(1_000)).to_json().unwrap();
    is_not_valid(at(&Table::from([(name.clone(), other)]), NOW));
    // What is stored there is a mistake of ours.
    let broken = Table::from([(name, "{}".to_owned())]);
    assert_eq!(at(&broken, NOW).unwrap_err().status(), 500);
}

#[test]
fn a_token_that_has_expired_says_so_and_is_enough_to_sign_out() {
    let session = Session::new();
    let token = format!("Bearer {}", session.token());
    let late = NOW.plus(605_000);
    let asked = |access| ask(&[token.as_bytes()], &session.table(), access, late);
    for access in [Access::Public, Access::User, Access::Admin] {
        let response = refusal(asked(access));
        let detail = "The access token has expired. Get a new one at POST /token.";
        assert!(response.body.contains(detail), "{}", response.body);
    }
    assert!(matches!(
        asked(Access::Session),
        Ok(Principal::Account(identity)) if identity.session_id == session.id()
    ));
}

#[test]
fn a_revoked_session_is_refused_everywhere() {
    let session = Session::new();
    let token = format!("Bearer {}", session.token());
    let mut table = session.table();
    table.insert("auth/revoked/other".to_owned(), String::new());
    let asked = |table: &Table, access| ask(&[token.as_bytes()], table, access, NOW);
    assert!(asked(&table, Access::User).is_ok());
    table.insert(format!("auth/revoked/{}", session.id()), String::new());
    for access in [Access::Public, Access::Session, Access::User, Access::Admin] {
        is_not_valid(asked(&table, access));
    }
}

#[test]
fn a_token_of_another_realm_is_refused() {
    let session = Session::new();
    let signed = |change: fn(&mut Claims)| {
        let mut claims = session.claims.clone();
        change(&mut claims);
        session.key.sign(&claims)
    };
    is_not_valid(ask_with(&signed(|c| c.iss = "shop".into()), &session));
    is_not_valid(ask_with(&signed(|c| c.aud = "shop".into()), &session));
    is_not_valid(ask_with(&signed(|c| c.exp += 3600), &session));
    is_not_valid(ask_with(&signed(|c| c.nbf += 60), &session));
}

#[test]
fn a_forged_token_is_refused() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let session = Session::new();
    let token = session.token();
    let (header, rest) = token.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let kid = session.kid();
    let headers = [
        r#"{"alg":"none","typ":"at+jwt"}"#.to_owned(),
        format!(r#"{{"alg":"none","kid":"{kid}","typ":"at+jwt"}}"#),
        format!(r#"{{"alg":"HS256","kid":"{kid}","typ":"at+jwt"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"JWT"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"at+jwt","jku":"https://a"}}"#),
        r#"{"alg":"EdDSA","kid":"../revoked/x","typ":"at+jwt"}"#.to_owned(),
    ];
    for forged in headers {
        let header = encode(&forged);
        for signature in ["", signature] {
            is_not_valid(ask_with(
                &format!("{header}.{payload}.{signature}"),
                &session,
            ));
        }
    }
    let admin = Claims {
        roles: vec![Role::Admin],
        ..session.claims.clone()
    };
    let forger = SigningKey::from_seed(&[7; 32]);
    let promoted = forger.sign(&admin);
    let promoted = promoted.split('.').nth(1).unwrap();
    for forged in [
        forger.sign(&admin),
        format!("{header}.{promoted}.{signature}"),
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        format!("{token}="),
        format!("{token}.{signature}"),
        format!("{token},{token}"),
        format!("{token} {token}"),
        format!("\t{token}"),
        format!("{token}\t"),
        format!("\"{token}\""),
        token.to_uppercase(),
        token.replace('.', ". "),
        token[1..].to_owned(),
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "null".to_owned(),
        "a".repeat(5 << 10),
        format!("{token}{}", "A".repeat(5 << 10)),
    ] {
        is_not_valid(ask_with(&forged, &session));
    }
}

#[test]
fn credentials_of_another_kind_are_refused_and_not_ignored() {
    let session = Session::new();
    let token = session.token();
    let values = |text: &str| text.replace("TOKEN", &token).into_bytes();
    for bad in [
        &[""][..],
        &["Bearer"],
        &["TOKEN"],
        &["BearerTOKEN"],
        &["Bearer\tTOKEN"],
        &[" Bearer TOKEN"],
        &["Bearer: TOKEN"],
        &["Basic YTpi"],
        &["DPoP TOKEN"],
        &["Token TOKEN"],
        &["Bearer TOKEN", "Bearer TOKEN"],
        &["Bearer TOKEN", ""],
        &["Basic YTpi", "Bearer TOKEN"],
    ] {
        let sent: Vec<_> = bad.iter().map(|text| values(text)).collect();
        let sent: Vec<_> = sent.iter().map(Vec::as_slice).collect();
        let asked = ask(&sent, &session.table(), Access::Public, NOW);
        assert_eq!(asked.unwrap_err().status(), 401, "{bad:?}");
    }
    let bytes = ask(&[b"Bearer \xff"], &Table::new(), Access::Public, NOW);
    assert_eq!(bytes.unwrap_err().status(), 401);
}

#[test]
fn why_a_token_is_refused_is_said_without_the_token() {
    let session = Session::new();
    let token = session.token();
    for why in [Reason::Token(Refusal::Signature), Reason::Revoked] {
        let response = refused(&why, "req-1").into_response("req-1");
        assert!(!response.body.contains(&why.to_string()));
        assert!(!response.body.contains(&token[..8]));
    }
}
