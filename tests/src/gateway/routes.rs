//! Which paths there are, and which methods they take.

use crate::shared;

use super::by_hand;

/// A path of every route, and the methods it takes.
const PATHS: [(&str, &str); 7] = [
    ("/health/live", "GET, HEAD, OPTIONS"),
    ("/health/ready", "GET, HEAD, OPTIONS"),
    ("/openapi.yaml", "GET, HEAD, OPTIONS"),
    ("/products", "GET, HEAD, POST, OPTIONS"),
    ("/products/1", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
    ("/services", "GET, HEAD, POST, OPTIONS"),
    ("/services/product", "GET, HEAD, DELETE, OPTIONS"),
];

pub(crate) fn what_is_not_listed_is_not_there() {
    for path in [
        "/",
        "//",
        "/index.html",
        "/favicon.ico",
        "/.env",
        "/admin",
        "/gateway",
        "/product",
        "/product/products",
        "/registry",
        "/registry/services",
        "/Products",
        "/products/",
        "/products//",
        "//products",
        "/products/1/",
        "/products/1/images",
        "/products;v=1",
        "/services/",
        "/services/product/instances",
        "/health",
        "/health/",
        "/health/live/now",
        "/openapi.json",
        "/openapi.yaml/",
        "/no-such-service",
        "/no-such-service/a/b",
    ] {
        for client in [shared().anonymous(), shared().admin()] {
            for method in ["GET", "POST", "DELETE", "OPTIONS", "BREW"] {
                let answer = client.request(method, path).send();
                answer.problem(404, "no_route");
            }
        }
        // Nothing is said about the token: there is nothing to ask it for.
        let stranger = shared().anonymous().get(path);
        let answer = stranger.header("authorization", "Bearer nonsense").send();
        answer.problem(404, "no_route");
    }
}

pub(crate) fn a_method_that_a_path_does_not_take_is_405_with_those_it_takes() {
    for (path, allow) in PATHS {
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW", "get", "PROPFIND",
        ] {
            if allow.split(", ").any(|allowed| allowed == method) {
                continue;
            }
            // Also for who may not use the path at all.
            for client in [shared().anonymous(), shared().admin()] {
                let answer = client.request(method, path).send();
                let answer = answer.problem(405, "method_not_allowed");
                assert_eq!(answer.header("allow"), allow, "{method} {path}");
            }
        }
    }
}

pub(crate) fn options_says_what_a_path_takes() {
    for (path, allow) in PATHS {
        let answer = shared().anonymous().request("OPTIONS", path).send();
        let answer = answer.expect(204);
        assert_eq!(answer.header("allow"), allow, "{path}");
        assert_eq!(answer.text, "");
        assert_eq!(answer.header("content-length"), "");
        assert_eq!(answer.header("access-control-allow-methods"), "");
    }
}

pub(crate) fn head_is_get_without_the_body() {
    let product = crate::products::stored("HEAD", &serde_json::json!({}));
    let product = crate::products::path(&product);
    for path in [
        "/health/live",
        "/openapi.yaml",
        "/products?q=head&limit=1",
        &product,
        // Problems have headers and no body, too.
        "/products/1",
        "/products?limit=0",
        "/services",
        "/nowhere",
        "/%",
    ] {
        let get = by_hand(&format!("GET {path}"), &["X-Request-Id: head"]);
        let mut wire = shared().wire();
        wire.send(format!(
            "HEAD {path} HTTP/1.1\r\nHost: stoa\r\nX-Request-Id: head\r\n\r\n"
        ));
        let (status, mut headers) = wire.head().expect("an answer");
        let mut expected = get.headers.clone();
        for headers in [&mut headers, &mut expected] {
            headers.remove("date");
        }
        assert_eq!((status, headers), (get.status, expected), "{path}");
        // Had there been a body, it would be taken for the next answer.
        wire.send("GET /health/live HTTP/1.1\r\nHost: stoa\r\n\r\n");
        wire.answer().expect("an answer").expect(200);
    }
    let current = by_hand(&format!("HEAD {product}"), &["If-None-Match: \"1\""]);
    current.expect(304);
}

pub(crate) fn other_forms_of_a_request_target_mean_the_same_or_nothing() {
    let absolute = by_hand("GET http://elsewhere/health/live", &[""; 0]);
    assert_eq!(absolute.expect(200).body["status"], "live");
    by_hand("GET http://elsewhere", &[""; 0]).problem(404, "no_route");
    by_hand("OPTIONS *", &[""; 0]).problem(400, "invalid_path");
    by_hand("GET /health/live#fragment", &[""; 0]).expect(200);
}
