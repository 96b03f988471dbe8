//! `PUT /products/{id}`

use serde_json::json;

use super::{at_once, draft, path, shown, stored};
use crate::shared;

pub(crate) fn what_is_left_out_takes_its_default_and_the_slug_stays() {
    let product = stored(
        "REPLACE-ALL",
        &json!({"name": "Replace all", "description": "Old.", "stock": 3,
            "images": [{"url": "https://a.example/"}], "attributes": {"a": 1}}),
    );
    let given = json!({"sku": "REPLACE-ALL-2", "name": "Something else",
        "price": {"amount": 5, "currency": "USD"}});
    let replaced = shared().admin().put(&path(&product), &given).send();
    let replaced = replaced.expect(200);
    assert_eq!(replaced.header("etag"), "\"2\"");
    assert_eq!(replaced.header("cache-control"), "private, no-store");
    let expected = json!({
        "id": product["id"], "sku": "REPLACE-ALL-2", "slug": "replace-all",
        "name": "Something else", "description": "", "status": "draft",
        "price": {"amount": 5, "currency": "USD"}, "stock": 0, "images": [],
        "attributes": {}, "created": product["created"],
        "updated": replaced.body["updated"], "version": 2,
    });
    assert_eq!(replaced.body, expected);
    assert_eq!(shown(&path(&product)).body, expected);
    // It is a draft now.
    let public = shared().anonymous().get(&path(&product)).send();
    public.problem(404, "not_found");
}

pub(crate) fn only_the_version_that_is_meant_is_replaced() {
    let product = stored("REPLACE-MATCH", &json!({}));
    let put = |tag: &str, stock| {
        let given = draft("REPLACE-MATCH", &json!({ "stock": stock }));
        let request = shared().admin().put(&path(&product), &given);
        request.header("if-match", tag).send()
    };
    assert_eq!(put("\"1\"", 1).expect(200).header("etag"), "\"2\"");
    put("\"1\"", 2).problem(412, "version_mismatch");
    put("\"3\"", 2).problem(412, "version_mismatch");
    assert_eq!(shown(&path(&product)).body["stock"], 1);
    assert_eq!(put("*", 3).expect(200).header("etag"), "\"3\"");
    for tag in ["3", "W/\"3\"", "\"3\", \"4\"", "\"x\"", "\"\"", "\"-3\""] {
        let answer = put(tag, 4).problem(400, "invalid_header");
        answer.names(&[("if-match", "format")]);
    }
    assert_eq!(shown(&path(&product)).body["stock"], 3);
}

pub(crate) fn of_many_replacements_of_one_version_one_is_done() {
    let product = stored("REPLACE-RACE", &json!({}));
    let put = |stock| {
        let given = draft("REPLACE-RACE", &json!({ "stock": stock }));
        let request = shared().admin().put(&path(&product), &given);
        let request = request.header("if-match", "\"1\"");
        move || request.send()
    };
    let answers = at_once((1..=8).map(put).collect());
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|a| a.status == 200);
    assert_eq!(done.len(), 1);
    for answer in refused {
        answer.problem(412, "version_mismatch");
    }
    assert_eq!(shown(&path(&product)).body, done[0].body);
}

pub(crate) fn a_sku_or_slug_of_another_is_a_conflict_and_its_own_is_none() {
    stored("REPLACE-OTHER", &json!({"slug": "replace-other"}));
    let product = stored("REPLACE-OWN", &json!({"slug": "replace-own"}));
    let put = |sku: &str, slug: &str| {
        let given = draft(sku, &json!({ "slug": slug }));
        shared().admin().put(&path(&product), &given).send()
    };
    let answer = put("REPLACE-OTHER", "replace-own").problem(409, "sku_taken");
    answer.names(&[("/sku", "sku_taken")]);
    let answer = put("REPLACE-OWN", "replace-other").problem(409, "slug_taken");
    answer.names(&[("/slug", "slug_taken")]);
    assert_eq!(shown(&path(&product)).body, product);
    put("REPLACE-OWN", "replace-own").expect(200);
}

pub(crate) fn every_wrong_field_is_named_at_once() {
    let product = stored("REPLACE-WRONG", &json!({}));
    let given = json!({"sku": 1, "price": {"amount": 1}, "version": 2, "colour": null});
    let answer = shared().admin().put(&path(&product), &given).send();
    answer.problem(422, "invalid").names(&[
        ("/sku", "type"),
        ("/name", "required"),
        ("/price/currency", "required"),
        ("/version", "read_only"),
        ("/colour", "unknown"),
    ]);
    assert_eq!(shown(&path(&product)).body, product);
}

pub(crate) fn a_replacement_creates_nothing() {
    for id in ["0195c9d2-7c1e-7b4a-9d1c-2f6f3f0a1b2c", "new"] {
        let given = draft("REPLACE-MISSING", &json!({}));
        for tag in [None, Some("*"), Some("\"1\"")] {
            let request = shared().admin().put(&format!("/products/{id}"), &given);
            let request = match tag {
                Some(tag) => request.header("if-match", tag),
                None => request,
            };
            request.send().problem(404, "not_found");
        }
    }
    assert_eq!(super::count("REPLACE-MISSING"), 0);
}

pub(crate) fn nobody_replaces_without_a_token() {
    let product = stored("REPLACE-ANONYMOUS", &json!({}));
    let given = draft("REPLACE-ANONYMOUS", &json!({"stock": 9}));
    let answer = shared().anonymous().put(&path(&product), &given).send();
    answer.problem(401, "unauthorized");
    assert_eq!(shown(&path(&product)).body, product);
}
