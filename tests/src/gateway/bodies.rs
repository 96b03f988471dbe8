//! Bodies: how large, how long, and of which kind.

use serde_json::{Value, json};
use stoa_harness::{Answer, Wire};

use super::authorization;
use crate::products::{count, draft, path, stored};
use crate::shared;

const LIMIT: usize = 1 << 20;

/// Begins a POST of JSON to `/products`, up to its body.
fn begin(headers: &str) -> Wire {
    let mut wire = shared().wire();
    wire.send(format!(
        "POST /products HTTP/1.1\r\nHost: stoa\r\n{}\r\nContent-Type: application/json\r\n\
         {headers}\r\n\r\n",
        authorization()
    ));
    wire
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

fn answer(wire: &mut Wire) -> Answer {
    wire.answer().expect("an answer")
}

/// A draft made as long as it is asked for by spaces, which mean nothing.
fn padded(draft: &Value, length: usize) -> String {
    let text = draft.to_string();
    let spaces = " ".repeat(length - text.len());
    text + &spaces
}

pub(crate) fn a_body_has_up_to_1_mib() {
    let largest = padded(&draft("BODIES-LARGEST", &json!({})), LIMIT);
    let request = shared().admin().request("POST", "/products");
    let request = request.header("content-type", "application/json");
    request.body(largest).send().expect(201);
}

pub(crate) fn a_body_that_is_declared_too_large_is_refused() {
    let large = padded(&draft("BODIES-DECLARED", &json!({})), LIMIT + 1);
    let mut wire = begin(&format!("Content-Length: {}", large.len()));
    answer(wire.send(large)).problem(413, "body_too_large");

    // Far more than is ever read; and the answer comes all the same.
    let mut wire = begin("Content-Length: 100000000");
    answer(wire.send(vec![b' '; 100_000_000])).problem(413, "body_too_large");
    assert_eq!(count("BODIES-DECLARED"), 0);
}

pub(crate) fn a_body_that_grows_too_large_is_refused() {
    let large = padded(&draft("BODIES-CHUNKED", &json!({})), LIMIT + 1);
    for length in [1_000, 65_536, large.len()] {
        let mut wire = begin("Transfer-Encoding: chunked");
        let chunks = large.as_bytes().chunks(length);
        for part in chunks {
            wire.send(chunk(str::from_utf8(part).expect("text")));
        }
        answer(wire.send("0\r\n\r\n")).problem(413, "body_too_large");
    }
    // Also one that would never end.
    let mut wire = begin("Transfer-Encoding: chunked");
    for _ in 0..1_000 {
        wire.send(chunk(&" ".repeat(65_536)));
    }
    answer(&mut wire).problem(413, "body_too_large");
    assert_eq!(count("BODIES-CHUNKED"), 0);
}

pub(crate) fn a_body_may_come_in_pieces() {
    let text = draft("BODIES-PIECES", &json!({"name": "Größe"})).to_string();
    let mut wire = begin("Transfer-Encoding: chunked");
    // Between the bytes of a letter, too.
    for byte in text.as_bytes() {
        wire.send("1\r\n").send([*byte]).send("\r\n");
    }
    let created = answer(wire.send("0\r\n\r\n")).expect(201);
    assert_eq!(created.body["name"], "Größe");
    // The connection is good for more.
    wire.send("GET /health/live HTTP/1.1\r\nHost: stoa\r\n\r\n");
    answer(&mut wire).expect(200);
}

pub(crate) fn a_client_that_asks_before_it_sends_is_told() {
    let text = draft("BODIES-EXPECT", &json!({})).to_string();
    let mut wire = begin(&format!(
        "Content-Length: {}\r\nExpect: 100-continue",
        text.len()
    ));
    assert_eq!(answer(&mut wire).status, 100);
    answer(wire.send(text)).expect(201);

    let mut wire = begin("Content-Length: 2000000\r\nExpect: 100-continue");
    answer(&mut wire).problem(413, "body_too_large");
}

pub(crate) fn a_body_that_nobody_may_send_is_not_waited_for() {
    for (request, status, code) in [
        ("POST /products", 401, "unauthorized"),
        ("POST /nowhere", 404, "no_route"),
        ("POST /products/1", 405, "method_not_allowed"),
        ("POST /%", 400, "invalid_path"),
    ] {
        let mut wire = shared().wire();
        wire.send(format!(
            "{request} HTTP/1.1\r\nHost: stoa\r\nContent-Length: 1000\r\n\r\n"
        ));
        answer(&mut wire).problem(status, code);
    }
}

pub(crate) fn a_body_that_does_not_come_in_time_is_408() {
    let mut wire = begin("Content-Length: 100");
    answer(wire.send("{\"sku\":")).problem(408, "request_timeout");
    let mut wire = begin("Transfer-Encoding: chunked");
    answer(wire.send(chunk("{\"sku\":"))).problem(408, "request_timeout");
}

pub(crate) fn a_body_that_breaks_off_is_refused() {
    let text = draft("BODIES-BROKEN", &json!({})).to_string();
    let mut wire = begin(&format!("Content-Length: {}", text.len() + 1));
    answer(wire.send(&text).finish()).problem(400, "invalid_body");
    let mut wire = begin("Transfer-Encoding: chunked");
    answer(wire.send(chunk(&text)).finish()).problem(400, "invalid_body");
    let mut wire = begin("Transfer-Encoding: chunked");
    answer(wire.send(chunk(&text)).send("no length\r\n")).problem(400, "invalid_body");
    assert_eq!(count("BODIES-BROKEN"), 0);
}

pub(crate) fn a_body_that_is_not_utf8_is_refused() {
    let product = path(&stored("BODIES-BYTES", &json!({})));
    for (method, path) in [
        ("POST", "/products"),
        ("PUT", &product),
        ("PATCH", &product),
    ] {
        for bytes in [
            b"\xff".as_slice(),
            b"{\"sku\": \"\xc3\x28\"}",
            b"\xed\xa0\x80",
            b"\x1f\x8b\x08",
        ] {
            let request = shared().admin().request(method, path);
            let request = request.header("content-type", "application/json");
            request.body(bytes).send().problem(400, "invalid_body");
        }
    }
}

pub(crate) fn a_body_of_another_type_is_refused() {
    let product = path(&stored("BODIES-TYPE", &json!({})));
    let text = draft("BODIES-TYPE-2", &json!({})).to_string();
    for (method, path) in [
        ("POST", "/products"),
        ("PUT", &product),
        ("PATCH", &product),
    ] {
        let request = || shared().admin().request(method, path).body(text.as_str());
        request().send().problem(415, "unsupported_media_type");
        for other in [
            "text/plain",
            "text/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=a",
            "application/jsonp",
            "application/json, application/json",
            "json",
            "*/*",
            ";",
        ] {
            let answer = request().header("content-type", other).send();
            answer.problem(415, "unsupported_media_type");
        }
    }
    assert_eq!(count("BODIES-TYPE-2"), 0);
    for (number, good) in [
        "Application/JSON",
        "application/json;charset=utf-8",
        " application/json ; a=b",
    ]
    .into_iter()
    .enumerate()
    {
        let text = draft(&format!("BODIES-GOOD-{number}"), &json!({})).to_string();
        let request = shared().admin().request("POST", "/products").body(text);
        request.header("content-type", good).send().expect(201);
    }
}

pub(crate) fn a_body_where_none_is_needed_is_ignored() {
    let product = path(&stored("BODIES-NONE", &json!({})));
    for (method, path, status) in [
        ("GET", "/products?limit=1", 200),
        ("GET", "/health/live", 200),
        ("OPTIONS", "/products", 204),
        ("DELETE", &product, 204),
    ] {
        let request = shared().admin().request(method, path).body("no JSON");
        request.send().expect(status);
    }
}
