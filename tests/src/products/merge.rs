//! `PATCH /products/{id}`

use serde_json::{Value, json};

use super::{at_once, path, shown, stored};
use crate::shared;

pub(crate) fn what_is_named_changes_and_the_rest_stays() {
    let product = stored(
        "MERGE-SOME",
        &json!({"name": "Merge some", "description": "Old.", "stock": 3,
            "images": [{"url": "https://a.example/", "alt": "a"}],
            "attributes": {"size": 1, "box": {"wide": 1, "high": 2}}}),
    );
    let patch = json!({"price": {"amount": 5}, "stock": null, "slug": null,
        "description": null, "attributes": {"size": null, "box": {"wide": 3}, "new": [1]}});
    let merged = shared().admin().patch(&path(&product), &patch).send();
    let merged = merged.expect(200);
    assert_eq!(merged.header("etag"), "\"2\"");
    let mut expected = product.clone();
    expected["price"]["amount"] = json!(5);
    expected["stock"] = json!(0);
    expected["description"] = json!("");
    expected["attributes"] = json!({"box": {"wide": 3, "high": 2}, "new": [1]});
    expected["version"] = json!(2);
    expected["updated"] = merged.body["updated"].clone();
    assert_eq!(merged.body, expected);
    assert_eq!(shown(&path(&product)).body, expected);
}

pub(crate) fn both_content_types_of_json_are_taken() {
    let product = stored("MERGE-TYPES", &json!({}));
    for (version, content_type) in [
        (2, "application/json"),
        (3, "application/merge-patch+json"),
        (4, "Application/Merge-Patch+JSON; charset=utf-8"),
    ] {
        let request = shared().admin().patch(&path(&product), &json!({}));
        let answer = request.header("content-type", content_type).send();
        assert_eq!(answer.expect(200).body["version"], version);
    }
    for content_type in ["application/json-patch+json", "text/plain", ""] {
        let request = shared().admin().patch(&path(&product), &json!({}));
        let answer = request.header("content-type", content_type).send();
        answer.problem(415, "unsupported_media_type");
    }
}

pub(crate) fn the_result_must_be_a_product_again() {
    let product = stored("MERGE-WRONG", &json!({}));
    let patch = |patch: &Value| shared().admin().patch(&path(&product), patch).send();
    let answer = patch(
        &json!({"sku": null, "name": "", "price": {"currency": null},
        "images": {"0": null}, "version": null, "id": "x", "colour": {}}),
    );
    answer.problem(422, "invalid").names(&[
        ("/sku", "required"),
        ("/name", "length"),
        ("/price/currency", "required"),
        ("/images", "type"),
        ("/version", "read_only"),
        ("/id", "read_only"),
        ("/colour", "unknown"),
    ]);
    for whole in [json!([]), json!("a"), json!(7), Value::Null] {
        let answer = patch(&whole).problem(422, "invalid");
        answer.names(&[("", "type")]);
    }
    assert_eq!(shown(&path(&product)).body, product);
}

pub(crate) fn of_twenty_patches_at_the_same_time_none_is_lost() {
    let product = stored("MERGE-RACE", &json!({}));
    let merge = |number: i32| {
        let patch = json!({"attributes": {format!("field-{number}"): number}});
        let request = shared().admin().patch(&path(&product), &patch);
        move || request.send()
    };
    let answers = at_once((0..20).map(merge).collect());
    let mut versions: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.expect(200).body["version"].as_i64())
        .collect();
    versions.sort_unstable();
    assert_eq!(versions, (2..=21).map(Some).collect::<Vec<_>>());
    let all: serde_json::Map<_, _> = (0..20)
        .map(|number| (format!("field-{number}"), json!(number)))
        .collect();
    assert_eq!(
        shown(&path(&product)).body["attributes"],
        Value::Object(all)
    );
}

pub(crate) fn only_the_version_that_is_meant_is_changed() {
    let product = stored("MERGE-MATCH", &json!({}));
    let merge = |tag: &str, stock| {
        let request = shared()
            .admin()
            .patch(&path(&product), &json!({ "stock": stock }));
        request.header("if-match", tag).send()
    };
    assert_eq!(merge("\"1\"", 1).expect(200).header("etag"), "\"2\"");
    merge("\"1\"", 2).problem(412, "version_mismatch");
    assert_eq!(merge("*", 3).expect(200).header("etag"), "\"3\"");
    let answer = merge("W/\"3\"", 4).problem(400, "invalid_header");
    answer.names(&[("if-match", "format")]);
    assert_eq!(shown(&path(&product)).body["stock"], 3);
}

pub(crate) fn of_many_patches_of_one_version_one_is_done() {
    let product = stored("MERGE-ONE", &json!({}));
    let merge = |stock: i32| {
        let patch = json!({ "stock": stock });
        let request = shared().admin().patch(&path(&product), &patch);
        let request = request.header("if-match", "\"1\"");
        move || request.send()
    };
    let answers = at_once((1..=8).map(merge).collect());
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|a| a.status == 200);
    assert_eq!(done.len(), 1);
    for answer in refused {
        answer.problem(412, "version_mismatch");
    }
    assert_eq!(shown(&path(&product)).body, done[0].body);
}

pub(crate) fn a_sku_or_slug_of_another_is_a_conflict() {
    stored("MERGE-OTHER", &json!({"slug": "merge-other"}));
    let product = stored("MERGE-OWN", &json!({}));
    let patch = |patch: &Value| shared().admin().patch(&path(&product), patch).send();
    let answer = patch(&json!({"sku": "MERGE-OTHER"})).problem(409, "sku_taken");
    answer.names(&[("/sku", "sku_taken")]);
    let answer = patch(&json!({"slug": "merge-other"})).problem(409, "slug_taken");
    answer.names(&[("/slug", "slug_taken")]);
    assert_eq!(shown(&path(&product)).body, product);
}

pub(crate) fn what_is_not_there_cannot_be_changed() {
    for id in ["0195c9d2-7c1e-7b4a-9d1c-2f6f3f0a1b2c", "new"] {
        let request = shared()
            .admin()
            .patch(&format!("/products/{id}"), &json!({"stock": 1}));
        request.send().problem(404, "not_found");
    }
}

pub(crate) fn nobody_changes_without_a_token() {
    let product = stored("MERGE-ANONYMOUS", &json!({}));
    let request = shared()
        .anonymous()
        .patch(&path(&product), &json!({"stock": 9}));
    request.send().problem(401, "unauthorized");
    assert_eq!(shown(&path(&product)).body, product);
}
