//! Who asks: tokens, and what is said without a good one.

use serde_json::json;
use stoa_harness::Answer;

use super::{authorization, by_hand};
use crate::products::{count, draft, path, shown, stored};
use crate::shared;

const CHALLENGE: &str = "Bearer realm=\"stoa\"";
const REFUSAL: &str = "Bearer realm=\"stoa\", error=\"invalid_token\"";

/// The answer to a GET with this `Authorization`.
fn with(path: &str, authorization: &str) -> Answer {
    let request = shared().anonymous().get(path);
    request.header("authorization", authorization).send()
}

pub(crate) fn every_route_for_administrators_asks_for_a_token() {
    let product = stored("AUTH-ROUTES", &json!({}));
    let path = path(&product);
    for (method, path) in [
        ("POST", "/products"),
        ("PUT", &path),
        ("PATCH", &path),
        ("DELETE", &path),
        ("GET", "/accounts"),
        ("POST", "/accounts"),
        ("GET", "/services"),
        ("HEAD", "/services"),
        ("POST", "/services"),
        ("GET", "/services/product"),
        ("DELETE", "/services/product"),
    ] {
        let request = || shared().anonymous().request(method, path);
        let answer = request().send().expect(401);
        assert_eq!(answer.header("www-authenticate"), CHALLENGE);
        if method != "HEAD" {
            answer.problem(401, "unauthorized");
            let wrong = request().header("authorization", "Bearer wrong").send();
            let wrong = wrong.problem(401, "invalid_token");
            assert_eq!(wrong.header("www-authenticate"), REFUSAL);
        }
    }
    assert_eq!(shown(&path).body, product);
}

pub(crate) fn a_wrong_token_is_refused_also_where_none_is_needed() {
    let token = shared().token();
    let (upper, longer) = (token.to_uppercase(), format!("{token}0"));
    let (shorter, inside) = (&token[1..], format!("x {token}"));
    for wrong in [
        "wrong",
        "null",
        &upper,
        &longer,
        shorter,
        &inside,
        &"a".repeat(10_000),
    ] {
        for path in [
            "/products",
            "/products/1",
            "/health/live",
            "/health/ready",
            "/openapi.yaml",
        ] {
            let answer = with(path, &format!("Bearer {wrong}"));
            let answer = answer.problem(401, "invalid_token");
            assert_eq!(answer.header("www-authenticate"), REFUSAL);
            assert!(
                !answer.text.contains(wrong),
                "a token is repeated to nobody"
            );
        }
    }
}

pub(crate) fn other_credentials_are_no_tokens() {
    let token = shared().token();
    for other in [
        "Basic YWRtaW46YWRtaW4=",
        &format!("Basic {token}"),
        &format!("Token {token}"),
        &format!("Bearer:{token}"),
        &token,
        "Bearer",
        "",
    ] {
        for path in ["/services", "/products"] {
            let answer = with(path, other).problem(401, "unauthorized");
            assert_eq!(answer.header("www-authenticate"), CHALLENGE);
        }
    }
    let bytes = [b"Authorization: Bearer \xff\xfe".as_slice()];
    by_hand("GET /services", &bytes).problem(401, "unauthorized");
}

pub(crate) fn the_schemes_name_may_be_written_in_any_case() {
    for scheme in ["Bearer", "bearer", "BEARER", "Bearer  "] {
        with("/services", &format!("{scheme} {}", shared().token())).expect(200);
    }
}

pub(crate) fn two_authorization_headers_are_refused_even_if_both_are_right() {
    let right = authorization();
    let wrong = "Authorization: Bearer wrong".to_owned();
    for headers in [[&right, &right], [&right, &wrong], [&wrong, &right]] {
        let answer = by_hand("GET /services", &headers);
        let answer = answer.problem(401, "invalid_token");
        assert_eq!(answer.header("www-authenticate"), REFUSAL);
    }
}

pub(crate) fn nothing_but_the_token_makes_an_administrator() {
    let token = shared().token();
    let given = draft("AUTH-CLAIMS", &json!({}));
    for (name, value) in [
        ("x-account-id", "admin"),
        ("x-stoa-roles", "admin"),
        ("x-forwarded-user", "admin"),
        ("x-original-url", "/health/live"),
        ("x-http-method-override", "GET"),
        ("proxy-authorization", &format!("Bearer {token}")),
        ("x-authorization", &format!("Bearer {token}")),
        (
            "cookie",
            &format!("token={token}; authorization=Bearer {token}"),
        ),
    ] {
        let request = shared().anonymous().post("/products", &given);
        let answer = request.header(name, value).send();
        answer.problem(401, "unauthorized");
    }
    let by_query = format!("/services?access_token={token}");
    let answer = shared().anonymous().get(&by_query).send();
    answer.problem(401, "unauthorized");
    assert_eq!(count("AUTH-CLAIMS"), 0);
}

pub(crate) fn the_token_is_in_no_log() {
    shared().admin().get("/services").send().expect(200);
    by_hand("GET /services", &[authorization(), authorization()]).expect(401);
    assert!(!shared().log().contains(&shared().token()));
}
