//! The headers of every answer.

use std::collections::BTreeSet;

use serde_json::json;
use stoa_harness::{Answer, Lattice};

use super::by_hand;
use crate::products::{draft, path, stored};
use crate::shared;

/// Answers of every kind: by the gateway and by services, good and bad.
/// Products for them get SKUs that begin with `sku`.
fn answers(sku: &str) -> Vec<Answer> {
    let (anonymous, admin) = (shared().anonymous(), shared().admin());
    let product = stored(sku, &json!({}));
    let path = path(&product);
    let doomed = stored(&format!("{sku}-DELETE"), &json!({}));
    let current = anonymous.get(&path).header("if-none-match", "\"1\"");
    let stale = admin.delete(&path).header("if-match", "\"9\"");
    let text = admin.request("POST", "/products").body("text");
    vec![
        anonymous.get("/health/live").send().expect(200),
        anonymous.get("/openapi.yaml").send().expect(200),
        anonymous.get("/products?limit=1").send().expect(200),
        anonymous.get(&path).send().expect(200),
        admin.get("/services").send().expect(200),
        admin
            .post("/products", &draft(&format!("{sku}-2"), &json!({})))
            .send()
            .expect(201),
        admin
            .delete(&crate::products::path(&doomed))
            .send()
            .expect(204),
        anonymous.request("OPTIONS", "/products").send().expect(204),
        current.send().expect(304),
        anonymous.get("/products?limit=0").send().expect(400),
        anonymous.get("/%").send().expect(400),
        anonymous.get("/services").send().expect(401),
        anonymous.get("/products/1").send().expect(404),
        anonymous.get("/nowhere").send().expect(404),
        anonymous.request("BREW", "/products").send().expect(405),
        admin
            .post("/products", &draft(sku, &json!({})))
            .send()
            .expect(409),
        stale.send().expect(412),
        admin
            .request("POST", "/products")
            .body(vec![b' '; (1 << 20) + 1])
            .send()
            .expect(413),
        anonymous
            .get(&format!("/{}", "a".repeat(2048)))
            .send()
            .expect(414),
        text.send().expect(415),
        admin.post("/products", &json!({})).send().expect(422),
    ]
}

pub(crate) fn every_answer_carries_the_security_headers_and_says_nothing_of_the_server() {
    for answer in answers("HEADERS-SECURITY") {
        for (name, value) in [
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(answer.header(name), value, "{answer:?}");
        }
        for name in [
            "server",
            "x-powered-by",
            "strict-transport-security",
            "set-cookie",
        ] {
            assert_eq!(answer.header(name), "", "{answer:?}");
        }
        assert_ne!(answer.header("cache-control"), "", "{answer:?}");
        if answer.status >= 400 {
            assert_eq!(answer.header("cache-control"), "no-store", "{answer:?}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
        for name in answer.headers.keys().filter(|name| *name != "vary") {
            let values = answer.headers.get_all(name).iter().count();
            assert_eq!(values, 1, "{name} of {answer:?}");
        }
    }
}

pub(crate) fn every_answer_has_a_request_id_of_its_own() {
    let answers = answers("HEADERS-ID");
    let ids: BTreeSet<_> = answers
        .iter()
        .map(|answer| answer.header("x-request-id"))
        .collect();
    assert_eq!(ids.len(), answers.len());
    for id in ids {
        // A UUIDv7.
        assert_eq!((id.len(), id.as_bytes()[14]), (36, b'7'), "{id}");
    }
}

pub(crate) fn a_usable_request_id_is_kept() {
    for id in ["a", "A-b_c.9", &"x".repeat(64)] {
        for path in [
            "/health/live",
            "/products",
            "/nowhere",
            "/products/1",
            "/services",
        ] {
            let request = shared().anonymous().get(path);
            let answer = request.header("x-request-id", id).send();
            assert_eq!(answer.header("x-request-id"), id);
            if answer.status >= 400 {
                assert_eq!(answer.body["request_id"], id);
            }
        }
    }
}

pub(crate) fn any_other_request_id_is_replaced() {
    let long = format!("X-Request-Id: {}", "x".repeat(65));
    for headers in [
        &[b"X-Request-Id: ".as_slice()][..],
        &[b"X-Request-Id: a b"],
        &[b"X-Request-Id: a\"b"],
        &[b"X-Request-Id: a,b"],
        &[b"X-Request-Id: ../a"],
        &[b"X-Request-Id: \xc3\xa9"],
        &[b"X-Request-Id: \xff"],
        &[long.as_bytes()],
        &[b"X-Request-Id: a", b"X-Request-Id: a"],
    ] {
        for path in ["/health/live", "/products/1", "/nowhere"] {
            let answer = by_hand(&format!("GET {path}"), headers);
            let id = answer.header("x-request-id");
            assert_eq!((id.len(), id.as_bytes()[14]), (36, b'7'), "{id}");
        }
    }
}

pub(crate) fn strict_transport_security_is_sent_where_it_is_configured() {
    let lattice = Lattice::start_with(&[(
        "cors_origins: \"\"",
        "cors_origins: \"\"\n              hsts: max-age=31536000",
    )]);
    for path in ["/products", "/nowhere", "/services", "/health/live"] {
        let answer = lattice.anonymous().get(path).send();
        assert_eq!(
            answer.header("strict-transport-security"),
            "max-age=31536000"
        );
    }
}
