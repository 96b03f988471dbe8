//! Requests from scripts of other origins.

use serde_json::json;
use stoa_harness::{Answer, Client, Lattice};

use crate::shared;

const SHOP: &str = "https://shop.example";

fn preflight(client: &Client, path: &str, origin: &str) -> Answer {
    let request = client.request("OPTIONS", path).header("origin", origin);
    let request = request.header("access-control-request-method", "PUT");
    let asked = "authorization, content-type, if-match";
    request
        .header("access-control-request-headers", asked)
        .send()
}

/// The names of the headers that grant something to scripts.
fn grants(answer: &Answer) -> Vec<&str> {
    let names = answer.headers.keys().map(AsRef::<str>::as_ref);
    names
        .filter(|name| name.starts_with("access-control-"))
        .collect()
}

fn varies_by_origin(answer: &Answer) -> bool {
    answer
        .headers
        .get_all("vary")
        .iter()
        .any(|value| value == "origin")
}

pub(crate) fn no_origin_is_granted_anything_unless_it_is_configured() {
    let anonymous = shared().anonymous();
    for origin in [SHOP, "null", "*", "", "http://127.0.0.1"] {
        for path in ["/products", "/products/1", "/services", "/nowhere", "/%"] {
            let plain = anonymous.get(path).header("origin", origin).send();
            let asked = preflight(&anonymous, path, origin);
            for answer in [plain, asked] {
                assert_eq!(grants(&answer), [""; 0], "{origin} {path}");
                assert!(varies_by_origin(&answer), "{origin} {path}");
            }
        }
        preflight(&anonymous, "/products", origin).expect(204);
    }
}

pub(crate) fn a_configured_origin_may_read_every_answer_and_no_other_may() {
    let lattice = Lattice::start_with(&[(
        "cors_origins: \"\"",
        "cors_origins: \"https://shop.example, http://localhost:3000\"",
    )]);
    let (anonymous, admin) = (lattice.anonymous(), lattice.admin());

    let asked = preflight(&anonymous, "/products/1", SHOP).expect(204);
    for (name, value) in [
        ("allow", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("access-control-allow-origin", SHOP),
        (
            "access-control-allow-methods",
            "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
        ),
        (
            "access-control-allow-headers",
            "accept, accept-language, authorization, content-type, idempotency-key, if-match, \
             if-none-match, traceparent, x-request-id",
        ),
        ("access-control-max-age", "600"),
    ] {
        assert_eq!(asked.header(name), value);
    }
    assert!(varies_by_origin(&asked));
    preflight(&anonymous, "/nowhere", SHOP).problem(404, "no_route");

    let from = |origin: &str| {
        let get = |client: &Client, path: &str| client.get(path).header("origin", origin).send();
        let post = admin.post("/products", &json!({})).header("origin", origin);
        [
            get(&anonymous, "/products").expect(200),
            get(&admin, "/services").expect(200),
            get(&anonymous, "/openapi.yaml").expect(200),
            get(&anonymous, "/services").problem(401, "unauthorized"),
            get(&anonymous, "/nowhere").problem(404, "no_route"),
            get(&anonymous, "/%").problem(400, "invalid_path"),
            post.send().problem(422, "invalid"),
        ]
    };
    for origin in [SHOP, "http://localhost:3000"] {
        for answer in from(origin) {
            assert_eq!(answer.header("access-control-allow-origin"), origin);
            assert_eq!(
                answer.header("access-control-expose-headers"),
                "x-request-id, etag, link, location, retry-after"
            );
            assert_eq!(grants(&answer).len(), 2);
            assert!(varies_by_origin(&answer));
        }
    }
    for origin in [
        "http://shop.example",
        "https://shop.example.evil",
        "null",
        "*",
    ] {
        for answer in from(origin) {
            assert_eq!(grants(&answer), [""; 0], "{origin}");
            assert!(varies_by_origin(&answer));
        }
        let asked = preflight(&anonymous, "/products/1", origin).expect(204);
        assert_eq!(grants(&asked), [""; 0], "{origin}");
    }
    // Without an origin nobody is granted anything; with one that asks for
    // nothing, OPTIONS is only OPTIONS.
    let plain = anonymous.get("/products").send();
    assert_eq!(grants(&plain), [""; 0]);
    let options = anonymous.request("OPTIONS", "/products");
    let options = options.header("origin", SHOP).send().expect(204);
    assert_eq!(options.header("access-control-allow-methods"), "");
}
