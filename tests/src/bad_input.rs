//! What no good client sends. Whatever comes, the answer is a problem of the
//! client's, nothing is stored, and the next request is answered as ever.
//!
//! Some of it never gets to the gateway. The HTTP server refuses what is not
//! HTTP with a bare status, and hangs up on a request without a usable `Host`.

use serde_json::json;

use crate::gateway::{authorization, by_hand, said_to};
use crate::products::{at_once, count, draft, path, shown, stored};
use crate::shared;

/// Checks that nothing broke: requests are answered, and nothing in the log
/// tells of a crash.
fn nothing_broke() {
    shared()
        .anonymous()
        .get("/products?limit=1")
        .send()
        .expect(200);
    let log = shared().log();
    let crash = log.lines().find(|line| {
        // The engine ends a call that got lost by an interrupt.
        line.contains("panicked")
            || line.contains("wasm trap") && !line.contains("wasm trap: interrupt")
    });
    assert_eq!(crash, None);
}

/// Checks that the HTTP server refuses these bytes itself, with a status and
/// nothing else. It hangs up then; who is still sending may not get to read it.
#[track_caller]
fn refused_by_the_server(bytes: impl AsRef<[u8]>, status: u16) {
    match said_to(&bytes) {
        Some(answer) => assert_eq!((answer.status, answer.text.as_str()), (status, "")),
        None => assert!(bytes.as_ref().len() > 400_000, "no answer"),
    }
}

/// A POST of JSON to `/products` with other headers and a body.
fn post(headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let head = format!(
        "POST /products HTTP/1.1\r\nHost: stoa\r\n{}\r\nContent-Type: application/json\r\n\
         {headers}\r\n\r\n",
        authorization()
    );
    [head.as_bytes(), body.as_ref()].concat()
}

pub(crate) fn what_is_not_json_is_refused() {
    let product = stored("BAD-JSON", &json!({}));
    let product_path = path(&product);
    for (method, path) in [
        ("POST", "/products"),
        ("PUT", &product_path),
        ("PATCH", &product_path),
        ("POST", "/services"),
    ] {
        for body in [
            "",
            " ",
            "{",
            "}",
            "nope",
            "'a'",
            "{'sku': 'a'}",
            "{\"sku\": }",
            "{\"sku\": \"BAD-JSON-2\",}",
            "{\"sku\" \"BAD-JSON-2\"}",
            "{\"stock\": 01}",
            "{\"stock\": 0x1}",
            "{\"stock\": NaN}",
            "{\"stock\": Infinity}",
            "{\"stock\": 1e400}",
            "{\"stock\": 1} {\"stock\": 2}",
            "{\"name\": \"\\ud800\"}",
            "{\"name\": \"\\udc00\\ud800\"}",
            "{\"name\": \"\\x41\"}",
            "{\"name\": \"a\nb\"}",
            "{\"name\": \"\u{0}\"}",
            "\u{feff}{}",
            "/* a */ {}",
            "sku=BAD-JSON-2&name=a",
            "<product/>",
        ] {
            let request = shared().admin().request(method, path);
            let request = request.header("content-type", "application/json");
            let answer = request.body(body).send();
            let answer = answer.problem(400, "malformed_json");
            assert_eq!(answer.field_errors(), [], "{body}");
        }
    }
    assert_eq!(shown(&product_path).body, product);
    assert_eq!(count("BAD-JSON-2"), 0);
    nothing_broke();
}

pub(crate) fn json_of_any_depth_and_size_is_refused() {
    let nested = |open: &str, close: &str, depth: usize| {
        let (open, close) = (open.repeat(depth), close.repeat(depth));
        format!("{{\"attributes\": {open}1{close}}}")
    };
    let numbers = vec!["0"; 500_000].join(",");
    let fields: Vec<_> = (0..60_000).map(|field| format!("\"f{field}\":1")).collect();
    for body in [
        nested("[", "]", 10_000),
        nested("{\"a\":", "}", 10_000),
        nested("[{\"a\":", "}]", 10_000),
        "[".repeat(1 << 20),
        "{\"a\":".repeat(200_000),
        format!("{{\"stock\": {}}}", "9".repeat(1_000_000)),
        format!(
            "{{\"stock\": 0.{}e-{}}}",
            "1".repeat(100_000),
            "9".repeat(1_000)
        ),
        format!("\"{}\"", "\\u0041".repeat(170_000)),
        format!("{{\"attributes\": {{\"a\": [{numbers}]}}}}"),
        format!("{{{}}}", fields.join(",")),
        format!("{{\"{}\": 1}}", "k".repeat(1_000_000)),
    ] {
        let request = shared().admin().request("POST", "/products");
        let request = request.header("content-type", "application/json");
        let start = body[..40].to_owned();
        let answer = request.body(body).send();
        let code = answer.body["code"].as_str().unwrap_or_default().to_owned();
        let expected = [(400, "malformed_json"), (422, "invalid")];
        assert!(
            expected.contains(&(answer.status, &code)),
            "{start}: {} {code}",
            answer.status
        );
    }
    nothing_broke();
}

pub(crate) fn no_field_takes_a_value_of_another_type() {
    let values = [
        json!(true),
        json!(-1.5),
        json!(u64::MAX),
        json!("\u{0}"),
        json!([[[]]]),
        json!({"a": 1}),
    ];
    for field in [
        "sku",
        "slug",
        "name",
        "description",
        "status",
        "price",
        "stock",
        "images",
        "attributes",
    ] {
        for value in &values {
            if (field, value) == ("attributes", &json!({"a": 1})) {
                continue;
            }
            let given = draft("BAD-TYPES", &json!({ field: value }));
            let answer = shared().admin().post("/products", &given).send();
            let answer = answer.problem(422, "invalid");
            for (pointer, _) in answer.field_errors() {
                assert!(pointer.starts_with(&format!("/{field}")), "{}", answer.text);
            }
        }
    }
    assert_eq!(count("BAD-TYPES"), 0);
    nothing_broke();
}

pub(crate) fn text_is_stored_as_it_came_whatever_it_would_mean_elsewhere() {
    for (number, text) in [
        "'; DROP TABLE products; --",
        "\" OR \"\"=\"",
        "<script>alert(1)</script>",
        "{{7*7}} ${7*7} %s%n",
        "../../etc/passwd",
        "\u{202e}evil\u{200b}\u{feff}",
        "\u{fffe}\u{10ffff}",
        "e\u{301}\u{327} ﷽ 👩‍👩‍👧‍👦",
        "NULL",
        "\\u0000 \\\" \\",
    ]
    .into_iter()
    .enumerate()
    {
        let sku = format!("BAD-TEXT-{number}");
        let fields = json!({"name": text, "description": text, "attributes": {text: [text]}});
        let product = stored(&sku, &fields);
        for field in ["name", "description", "attributes"] {
            assert_eq!(product[field], fields[field]);
        }
        assert_eq!(shown(&path(&product)).body, product);
    }
    nothing_broke();
}

pub(crate) fn a_request_target_that_is_none_is_refused_by_the_server() {
    for (target, status) in [
        (b"/products/\xff".as_slice(), 400),
        (b"/products?q=\xff", 400),
        (b"/products/\xed\xa0\x80", 400),
        (b"/products/\x00", 400),
        (b"/products/a\tb", 400),
        (b"/products/a b", 400),
        (b"/products/<\">", 400),
        (&b"/".repeat(70_000), 414),
        (&b"/".repeat(1_000_000), 431),
    ] {
        let request = [
            b"GET ".as_slice(),
            target,
            b" HTTP/1.1\r\nHost: stoa\r\n\r\n",
        ];
        refused_by_the_server(request.concat(), status);
    }
    nothing_broke();
}

pub(crate) fn too_many_or_too_large_headers_are_refused_by_the_server() {
    let get = |headers: &str| format!("GET /products HTTP/1.1\r\nHost: stoa\r\n{headers}\r\n");
    let many = |number: usize| "X-A: a\r\n".repeat(number);
    said_to(get(&many(99))).expect("an answer").expect(200);
    for number in [100, 1_000, 100_000] {
        refused_by_the_server(get(&many(number)), 431);
    }
    let large = |length: usize| format!("X-A: {}\r\n", "a".repeat(length));
    said_to(get(&large(100_000)))
        .expect("an answer")
        .expect(200);
    for length in [1_000_000, 10_000_000] {
        refused_by_the_server(get(&large(length)), 431);
    }
    refused_by_the_server(get(&format!("{}: a\r\n", "X".repeat(70_000))), 431);
    nothing_broke();
}

pub(crate) fn what_is_not_http_is_refused_by_the_server() {
    for bytes in [
        b"\r\n\r\nnonsense\r\n\r\n".as_slice(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /products\r\n\r\n",
        b"GET /products HTTP/9.9\r\nHost: stoa\r\n\r\n",
        b"G(T /products HTTP/1.1\r\nHost: stoa\r\n\r\n",
        b"GET /products HTTP/1.1\r\nHost: stoa\r\nX A: b\r\n\r\n",
        b"GET /products HTTP/1.1\r\nHost: stoa\r\nX-A : b\r\n\r\n",
        b"GET /products HTTP/1.1\r\nHost: stoa\r\nX-A: b\r\n folded\r\n\r\n",
        b"GET /products HTTP/1.1\r\nHost: stoa\r\nX-A: \x01\r\n\r\n",
        b"GET /products HTTP/1.1\r\nHost: stoa\r\n: a\r\n\r\n",
    ] {
        refused_by_the_server(bytes, 400);
    }
    nothing_broke();
}

pub(crate) fn a_length_that_can_be_understood_in_two_ways_is_refused_by_the_server() {
    for headers in [
        "Content-Length: 2\r\nContent-Length: 3",
        "Content-Length: -1",
        "Content-Length: +2",
        "Content-Length: 0x2",
        "Content-Length: 2, 3",
        "Content-Length: 99999999999999999999999",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked, gzip",
    ] {
        refused_by_the_server(post(headers, "{}"), 400);
    }
    // Chunked wins over a length (RFC 9112, section 6.3): what follows the
    // last chunk is no part of the body, and no request that was smuggled in.
    let smuggled = "2\r\n{}\r\n0\r\n\r\nGET /health/live HTTP/1.1\r\nHost: stoa\r\n\r\n";
    let headers = format!(
        "Content-Length: {}\r\nTransfer-Encoding: chunked",
        smuggled.len()
    );
    let answer = said_to(post(&headers, smuggled)).expect("an answer");
    answer.problem(422, "invalid");
    nothing_broke();
}

pub(crate) fn a_request_without_a_usable_host_is_refused() {
    for request in [
        b"GET /products HTTP/1.1\r\n\r\n".as_slice(),
        b"GET /products HTTP/1.0\r\n\r\n",
        b"GET /products HTTP/1.1\r\nHost: \r\n\r\n",
        b"GET /products HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET /products HTTP/1.1\r\nHost: a/b\r\n\r\n",
        b"GET /products HTTP/1.1\r\nHost: \xff\r\n\r\n",
        b"CONNECT stoa:80 HTTP/1.1\r\nHost: stoa:80\r\n\r\n",
    ] {
        let answer = said_to(request).expect("an answer");
        assert_eq!(answer.status, 400, "{request:?}");
        assert_eq!(answer.body["code"], "bad_request");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(
            answer.body["request_id"],
            answer.headers["x-request-id"].to_str().expect("text")
        );
    }
    nothing_broke();
}

pub(crate) fn headers_with_any_bytes_do_no_harm() {
    for name in [
        "Accept",
        "Accept-Language",
        "Content-Type",
        "Idempotency-Key",
        "If-Match",
        "If-None-Match",
        "Origin",
        "Traceparent",
        "User-Agent",
        "X-Request-Id",
        "Cookie",
        "Range",
        "Upgrade",
        "TE",
        "Access-Control-Request-Method",
    ] {
        for value in [
            b"\xff\xfe".as_slice(),
            "é, \"".as_bytes(),
            b"",
            b",,,",
            &[b'a'; 10_000],
        ] {
            let header = [name.as_bytes(), b": ", value].concat();
            by_hand("GET /products?limit=1", &[&header]).expect(200);
            let options = by_hand("OPTIONS /products", &[&header]);
            options.expect(204);
        }
    }
    nothing_broke();
}

pub(crate) fn an_if_match_that_is_none_changes_nothing() {
    let product = stored("BAD-MATCH", &json!({}));
    let delete = format!("DELETE {}", path(&product));
    for tag in [
        "",
        "1",
        "\"",
        "\"\"",
        "\"1",
        "1\"",
        "W/\"1\"",
        "\"1\", \"1\"",
        "**",
        "\"01x\"",
        "\"9223372036854775808\"",
        "\"1e0\"",
        "\" 1\"",
        "\"é\"",
    ] {
        let answer = by_hand(&delete, &[authorization(), format!("If-Match: {tag}")]);
        let answer = answer.problem(400, "invalid_header");
        answer.names(&[("if-match", "format")]);
    }
    let twice = [
        authorization(),
        "If-Match: \"1\"".into(),
        "If-Match: \"1\"".into(),
    ];
    by_hand(&delete, &twice).problem(400, "invalid_header");
    assert_eq!(shown(&path(&product)).body, product);
    nothing_broke();
}

pub(crate) fn clients_that_hang_up_leave_nothing_behind() {
    let draft = draft("BAD-GONE", &json!({})).to_string();
    let cut = &draft[..draft.len() - 1];
    let length = format!("Content-Length: {}", draft.len());
    let beginnings = [
        b"G".to_vec(),
        b"GET /products HTTP/1.1\r\nHo".to_vec(),
        post(&length, ""),
        post(&length, cut),
        post(
            "Transfer-Encoding: chunked",
            format!("{:x}\r\n{cut}", draft.len()),
        ),
        post(
            "Transfer-Encoding: chunked",
            format!("{:x}\r\n{draft}\r\n", draft.len()),
        ),
    ];
    for _ in 0..20 {
        for beginning in &beginnings {
            shared().wire().send(beginning);
        }
    }
    assert_eq!(count("BAD-GONE"), 0);
    nothing_broke();
}

pub(crate) fn bad_input_from_many_keeps_no_good_client_waiting() {
    let deep = format!("{{\"attributes\": {}}}", "[".repeat(10_000));
    let length = |body: &str| format!("Content-Length: {}", body.len());
    let bad = [
        post(&length("{"), "{"),
        post(&length(&deep), &deep),
        post("Content-Length: 2000000\r\nExpect: 100-continue", ""),
        post("Content-Length: 1", b"\xff"),
        b"GET /products/%2e%2e HTTP/1.1\r\nHost: stoa\r\n\r\n".to_vec(),
        b"nonsense\r\n\r\n".to_vec(),
    ];
    let attack = |_| {
        let bad = &bad;
        move || {
            for bytes in bad.iter().cycle().take(60) {
                let answer = said_to(bytes).expect("an answer");
                assert!((400..500).contains(&answer.status), "{answer:?}");
            }
        }
    };
    let good = || {
        for _ in 0..60 {
            let page = shared().anonymous().get("/products?limit=1").send();
            page.expect(200);
        }
    };
    let mut all: Vec<Box<dyn FnOnce() + Send>> = vec![Box::new(good)];
    for attack in (0..4).map(attack) {
        all.push(Box::new(attack));
    }
    at_once(all);
    nothing_broke();
}

pub(crate) fn a_cursor_made_by_hand_finds_nothing_but_products() {
    // The cursor of a list is JSON in base64; whoever writes one only asks
    // for another page of what may be seen anyway.
    stored("BAD-CURSOR", &json!({"status": "draft"}));
    for cursor in [
        // {"order":{"key":"created","descending":true},"filters":{},"after":{"created":0}}
        "eyJvcmRlciI6eyJrZXkiOiJjcmVhdGVkIiwiZGVzY2VuZGluZyI6dHJ1ZX0sImZpbHRlcnMiOnt9LCJhZnRlciI6eyJjcmVhdGVkIjowfX0",
        // [[[[
        "W1tbWw",
    ] {
        let answer = shared()
            .anonymous()
            .get(&format!("/products?cursor={cursor}"))
            .send();
        let answer = answer.problem(400, "invalid_query");
        answer.names(&[("cursor", "value")]);
    }
    nothing_broke();
}
