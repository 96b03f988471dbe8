//! Paths and queries: decoded once, and refused where they are ambiguous.

use serde_json::json;

use super::by_hand;
use crate::products::{path, stored};
use crate::shared;

pub(crate) fn an_escape_means_the_character_it_stands_for() {
    let product = stored("PATHS-ESCAPE", &json!({}));
    let id = product["id"].as_str().expect("an id");
    let escaped: String = id.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let anonymous = shared().anonymous();
    for path in [
        format!("/%70roduct%73/{id}"),
        format!("/products/{escaped}"),
    ] {
        assert_eq!(anonymous.get(&path).send().expect(200).body, product);
    }
    // Once, and not twice.
    let twice = anonymous.get("/%2570roducts").send();
    twice.problem(404, "no_route");
}

pub(crate) fn a_path_that_can_be_understood_in_two_ways_is_refused() {
    let product = path(&stored("PATHS-AMBIGUOUS", &json!({})));
    for path in [
        "/products/../services",
        "/products/./1",
        "/products/..",
        "/../etc/passwd",
        "/products/%2e%2e/services",
        "/products/.%2E/services",
        "/products/%2e",
        "/products%2F1",
        "/products%2f1",
        "/products%5c1",
        "/products\\1",
        "/products/1%00",
        "/products/%00",
        "/products/a%0d%0aSet-Cookie:%20a=b",
        "/products/%7f",
        "/products/%1b[31m",
        "/products/%c2%85",
        "/products/%",
        "/products/%4",
        "/products/%zz",
        "/products/%u0041",
        "/products/%ff",
        "/products/%c3%28",
        "/products/%c0%af",
        "/products/%c0%ae%c0%ae",
        "/products/%ed%a0%80",
        "/products/%f5%80%80%80",
        &format!("{product}%00"),
        &format!("{product}/.."),
    ] {
        for method in ["GET", "DELETE", "OPTIONS"] {
            let answer = by_hand(&format!("{method} {path}"), &[super::authorization()]);
            let answer = answer.problem(400, "invalid_path");
            assert_eq!(answer.field_errors(), [], "{path}");
        }
    }
    shared().anonymous().get(&product).send().expect(200);
}

pub(crate) fn a_query_that_cannot_be_read_is_refused() {
    for query in [
        "q=%",
        "q=%4",
        "q=%zz",
        "%zz=1",
        "q=%ff",
        "q=%c3",
        "q=%ed%a0%80",
        "q=%00",
        "a%00b=1",
    ] {
        for path in [
            "/products",
            "/products/1",
            "/health/live",
            "/openapi.yaml",
            "/services",
        ] {
            let answer = by_hand(&format!("GET {path}?{query}"), &[""; 0]);
            answer.problem(400, "invalid_query");
        }
    }
}

pub(crate) fn a_query_is_read_as_forms_write_it() {
    stored("PATHS-FORM", &json!({"name": "Päths form one"}));
    let anonymous = shared().anonymous();
    for query in [
        "q=p%C3%A4ths+form+one",
        "&q=p%c3%a4ths%20form%20one&",
        "%71=päths+form+one",
    ] {
        let page = by_hand(&format!("GET /products?{query}"), &[""; 0]).expect(200);
        assert_eq!(page.body["data"][0]["sku"], "PATHS-FORM", "{query}");
    }
    anonymous.get("/products?").send().expect(200);
    let answer = anonymous.get("/products?limit").send();
    let answer = answer.problem(400, "invalid_query");
    answer.names(&[("limit", "value")]);
}

pub(crate) fn paths_and_queries_have_a_longest_length() {
    let anonymous = shared().anonymous();
    let path = |length: usize| format!("/{}", "a".repeat(length - 1));
    anonymous.get(&path(2048)).send().problem(404, "no_route");
    for length in [2049, 8192, 60_000] {
        let answer = anonymous.get(&path(length)).send();
        answer.problem(414, "uri_too_long");
    }
    let query = |length: usize| format!("/products?q={}", "a".repeat(length - 2));
    let answer = anonymous.get(&query(8192)).send();
    let answer = answer.problem(400, "invalid_query");
    answer.names(&[("q", "value")]);
    for length in [8193, 60_000] {
        let answer = anonymous.get(&query(length)).send();
        answer.problem(414, "uri_too_long");
    }
    // Escapes count as they are sent.
    let answer = anonymous.get(&format!("/{}", "%61".repeat(683))).send();
    answer.problem(414, "uri_too_long");
}

pub(crate) fn text_that_is_not_escaped_is_read_as_utf8() {
    by_hand("GET /products/é", &[""; 0]).problem(404, "not_found");
    by_hand("GET /продукты", &[""; 0]).problem(404, "no_route");
    by_hand("GET /products?q=é🍵", &[""; 0]).expect(200);
}
