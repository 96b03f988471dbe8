//! Services outside the lattice, behind the gateway.

mod server;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::gateway::is_the_gateways;
use crate::shared;
use server::Server;

/// Registers a service at a base URL.
fn register(id: &str, instance: &str, url: &str) {
    let body = json!({"id": id, "instance": instance, "url": url});
    let answer = shared().admin().post("/services", &body).send();
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
}

/// A service that answers every request with `answer`, as it is.
fn serving(id: &str, answer: &'static str) -> Server {
    let server = Server::start(move |_| answer.to_owned());
    register(id, "default", &server.url());
    server
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

pub(crate) fn a_request_arrives_whole_and_without_an_identity() {
    let server = Server::start(|_| OK.to_owned());
    register("whole", "default", &format!("{}/base/", server.url()));
    let answer = shared()
        .admin()
        .request("POST", "/whole/a%20b/caf%C3%A9;v=1?q=a+b%26c&empty&q=2")
        .header("accept", "text/plain")
        .header("accept-language", "de")
        .header("content-type", "text/plain; charset=utf-8")
        .header("cookie", "session=secret")
        .header("forwarded", "for=192.0.2.1")
        .header("idempotency-key", "key-1")
        .header("if-match", "\"1\"")
        .header("if-none-match", "\"2\"")
        .header(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )
        .header("user-agent", "tests")
        .header("x-account-id", "somebody")
        .header("x-forwarded-for", "192.0.2.1")
        .header("x-roles", "admin")
        .header("x-user-id", "somebody")
        .body("Grüße, \"quoted\"\r\n")
        .send()
        .expect(200);
    assert_eq!(answer.text, "ok");
    let [request] = &server.requests()[..] else {
        panic!("one request, not {:?}", server.requests());
    };
    assert_eq!(request.method, "POST");
    assert_eq!(
        request.target,
        "/base/whole/a%20b/caf%C3%A9%3Bv%3D1?q=a%20b%26c&empty=&q=2"
    );
    assert_eq!(request.body, "Grüße, \"quoted\"\r\n");
    for (name, value) in [
        ("accept", "text/plain"),
        ("accept-language", "de"),
        ("content-type", "text/plain; charset=utf-8"),
        ("idempotency-key", "key-1"),
        ("if-match", "\"1\""),
        ("if-none-match", "\"2\""),
        (
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
        ("user-agent", "tests"),
        ("x-request-id", answer.header("x-request-id")),
        ("host", server.authority()),
        ("content-length", "19"),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    let known = [
        "accept",
        "accept-language",
        "content-length",
        "content-type",
        "host",
        "idempotency-key",
        "if-match",
        "if-none-match",
        "traceparent",
        "user-agent",
        "x-request-id",
    ];
    let unknown = request.headers.iter();
    let unknown: Vec<_> = unknown.filter(|(n, _)| !known.contains(&&n[..])).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

pub(crate) fn every_method_arrives_and_head_as_get() {
    let server = serving("methods", OK);
    let admin = shared().admin();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        admin.request(method, "/methods/x").send().expect(200);
    }
    let head = admin.request("HEAD", "/methods/x").send().expect(200);
    assert_eq!(head.text, "");
    let requests = server.requests();
    let methods: Vec<_> = requests.iter().map(|r| r.method.as_str()).collect();
    assert_eq!(methods, ["GET", "POST", "PUT", "PATCH", "DELETE", "GET"]);
    let post = &requests[1];
    assert_eq!(post.header("content-length"), Some("0"));
}

pub(crate) fn the_answer_comes_back_and_speaks_of_our_paths() {
    let server = Server::start(|request| {
        let host = request.header("host").unwrap_or_default();
        let body = "{\"name\": \"caf\u{e9}\"}";
        format!(
            "HTTP/1.1 201 Created\r\n\
             Content-Type: application/json\r\n\
             ETag: \"7\"\r\n\
             Cache-Control: max-age=5\r\n\
             Location: http://{host}/base/answers/7\r\n\
             Link: <http://{host}/base/answers?page=2>; rel=\"next\"\r\n\
             Retry-After: 3\r\n\
             Vary: accept\r\n\
             Set-Cookie: a=b\r\n\
             Server: secret/1\r\n\
             X-Powered-By: secret\r\n\
             X-Internal: secret\r\n\
             X-Request-Id: theirs\r\n\
             Access-Control-Allow-Origin: *\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    });
    register("answers", "default", &format!("{}/base", server.url()));
    let answer = shared().admin().post("/answers", &json!({})).send();
    let answer = answer.expect(201);
    assert_eq!(answer.body["name"], "café");
    for (name, value) in [
        ("content-type", "application/json"),
        ("etag", "\"7\""),
        ("cache-control", "max-age=5"),
        ("location", "/answers/7"),
        ("link", "</answers?page=2>; rel=\"next\""),
        ("retry-after", "3"),
        ("vary", "accept"),
        ("x-content-type-options", "nosniff"),
        ("set-cookie", ""),
        ("server", ""),
        ("x-powered-by", ""),
        ("x-internal", ""),
        ("access-control-allow-origin", ""),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    assert_ne!(answer.header("x-request-id"), "theirs");
}

pub(crate) fn the_answer_may_be_of_any_status_and_bytes() {
    let admin = shared().admin();
    for status in [200, 204, 304, 400, 404, 418, 500, 503] {
        let id = format!("status-{status}");
        let server = Server::start(move |_| {
            let length = if matches!(status, 204 | 304) {
                ""
            } else {
                "content-length: 0\r\n"
            };
            format!("HTTP/1.1 {status} Whatever\r\n{length}\r\n")
        });
        register(&id, "default", &server.url());
        let answer = admin.get(&format!("/{id}")).send().expect(status);
        assert_eq!(answer.text, "");
    }
}

pub(crate) fn a_redirect_is_passed_on_and_not_followed() {
    let server = Server::start(|request| {
        let target = if request.target.ends_with("away") {
            "http://192.0.2.1/away".to_owned()
        } else {
            format!(
                "http://{}/redirect/there",
                request.header("host").unwrap_or_default()
            )
        };
        format!("HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n")
    });
    register("redirect", "default", &server.url());
    let admin = shared().admin();
    let here = admin.get("/redirect/here").send().expect(302);
    assert_eq!(here.header("location"), "/redirect/there");
    let away = admin.get("/redirect/away").send().expect(302);
    assert_eq!(away.header("location"), "", "not an address of this API");
    assert_eq!(server.requests().len(), 2);
}

pub(crate) fn requests_are_spread_over_the_live_instances() {
    let (one, two) = (
        Server::start(|_| OK.to_owned()),
        Server::start(|_| OK.to_owned()),
    );
    register("several", "one", &one.url());
    register("several", "two", &two.url());
    let admin = shared().admin();
    // Each goes to one of the two by lot: sixty in a row to the same one do
    // not happen.
    for _ in 0..60 {
        admin.get("/several/x").send().expect(200);
    }
    let (first, second) = (one.requests().len(), two.requests().len());
    assert_eq!(first + second, 60);
    assert!(first > 0 && second > 0, "{first} and {second}");
}

pub(crate) fn a_service_that_is_down_is_503() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    register("down", "default", &format!("http://{address}"));
    let answer = shared().admin().get("/down/x").send();
    let answer = answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    assert!(
        !answer.text.contains(&address.to_string()),
        "{}",
        answer.text
    );
}

pub(crate) fn a_broken_answer_is_502() {
    for (id, answer) in [
        ("broken-noise", "this is not HTTP\r\n\r\n"),
        ("broken-early", "HTTP/1.1 200 OK\r\ncontent-le"),
        (
            "broken-body",
            "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort",
        ),
        (
            "broken-status",
            "HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n",
        ),
        ("broken-silence", ""),
    ] {
        let _server = serving(id, answer);
        let answer = shared().admin().get(&format!("/{id}")).send();
        answer.problem(502, "bad_gateway");
    }
}

pub(crate) fn an_answer_has_up_to_8_mib() {
    for (id, length, status) in [("large", 8 << 20, 200), ("too-large", (8 << 20) + 1, 502)] {
        let server = Server::start(move |_| {
            let body = "x".repeat(length);
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}")
        });
        register(id, "default", &server.url());
        let answer = shared()
            .admin()
            .get(&format!("/{id}"))
            .send()
            .expect(status);
        assert_eq!(answer.text.len() == length, status == 200);
    }
}

pub(crate) fn a_service_that_does_not_answer_is_504() {
    // Connections are taken in and never served.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    register("slow", "default", &format!("http://{address}"));
    let asked = Instant::now();
    let answer = shared().admin().get("/slow/x").send();
    let answer = answer.problem(504, "gateway_timeout");
    // Not before its time. And it was the gateway that gave up, or the answer
    // would be the server's, who waits longer for the gateway itself.
    assert!(asked.elapsed() > Duration::from_secs(9));
    assert!(is_the_gateways(&answer), "{answer:?}");
}

pub(crate) fn who_is_not_signed_in_gets_no_further_than_the_gateway() {
    let server = serving("closed", OK);
    for method in ["GET", "POST", "DELETE"] {
        let answer = shared().anonymous().request(method, "/closed/x").send();
        let answer = answer.problem(401, "unauthorized");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
    assert_eq!(server.requests().len(), 0);
    // Where there is no such service there is nothing to sign in for.
    for client in [shared().anonymous(), shared().admin()] {
        client
            .get("/never-heard-of")
            .send()
            .problem(404, "no_route");
    }
}

pub(crate) fn a_service_that_was_removed_is_not_called() {
    let server = serving("left", OK);
    let admin = shared().admin();
    admin.get("/left/x").send().expect(200);
    admin.delete("/services/left").send().expect(200);
    admin.get("/left/x").send().problem(503, "unavailable");
    assert_eq!(server.requests().len(), 1);
}

pub(crate) fn no_service_takes_over_a_path_of_the_api() {
    let server = Server::start(|_| OK.to_owned());
    let admin = shared().admin();
    for id in ["products", "services", "health"] {
        register(id, "default", &server.url());
    }
    let products = admin.get("/products").send().expect(200);
    assert!(products.body["data"].is_array(), "{}", products.text);
    let services = admin.get("/services").send().expect(200);
    assert!(services.body["data"].is_array(), "{}", services.text);
    admin.get("/health/live").send().expect(200);
    admin.get("/health/x").send().problem(404, "no_route");
    admin.get("/health").send().problem(404, "no_route");
    admin.get("/services/a/b").send().problem(404, "no_route");
    // A service of the table is reached by its own paths only.
    for path in ["/product", "/product/x", "/registry/x", "/gateway/x"] {
        admin.get(path).send().problem(404, "no_route");
    }
    let file = json!({"id": "openapi.yaml", "url": server.url()});
    admin
        .post("/services", &file)
        .send()
        .problem(422, "invalid");
    assert_eq!(server.requests().len(), 0);
    for id in ["products", "services", "health"] {
        admin.delete(&format!("/services/{id}")).send().expect(200);
    }
}
