//! `DELETE /products/{id}`

use serde_json::json;

use super::{at_once, count, path, shown, stored};
use crate::shared;

pub(crate) fn a_deleted_product_is_gone_and_its_sku_is_free() {
    let product = stored("DELETE-GONE", &json!({"slug": "delete-gone"}));
    let admin = shared().admin();
    let deleted = admin.delete(&path(&product)).send().expect(204);
    assert_eq!(deleted.text, "");
    assert_eq!(deleted.header("content-type"), "");
    for client in [&admin, &shared().anonymous()] {
        client.get(&path(&product)).send().problem(404, "not_found");
    }
    assert_eq!(count("DELETE-GONE"), 0);
    let again = admin.delete(&path(&product)).send();
    again.problem(404, "not_found");
    let next = stored("DELETE-GONE", &json!({"slug": "delete-gone"}));
    assert_ne!(next["id"], product["id"]);
}

pub(crate) fn only_the_version_that_is_meant_is_deleted() {
    let product = stored("DELETE-MATCH", &json!({}));
    let admin = shared().admin();
    let patch = admin.patch(&path(&product), &json!({"stock": 1}));
    patch.send().expect(200);
    let delete = |tag: &str| admin.delete(&path(&product)).header("if-match", tag).send();
    delete("\"1\"").problem(412, "version_mismatch");
    let answer = delete("2").problem(400, "invalid_header");
    answer.names(&[("if-match", "format")]);
    assert_eq!(shown(&path(&product)).body["version"], 2);
    delete("\"2\"").expect(204);
    delete("\"2\"").problem(404, "not_found");
    let other = stored("DELETE-ANY", &json!({}));
    let any = admin.delete(&path(&other)).header("if-match", "*");
    any.send().expect(204);
}

pub(crate) fn of_many_deletes_at_the_same_time_one_is_done() {
    let product = stored("DELETE-RACE", &json!({}));
    let delete = |_| {
        let request = shared().admin().delete(&path(&product));
        move || request.send()
    };
    let answers = at_once((0..8).map(delete).collect());
    let (done, late): (Vec<_>, Vec<_>) = answers.into_iter().partition(|a| a.status == 204);
    assert_eq!(done.len(), 1);
    for answer in late {
        answer.problem(404, "not_found");
    }
}

pub(crate) fn what_is_no_id_cannot_be_deleted() {
    for id in ["0195c9d2-7c1e-7b4a-9d1c-2f6f3f0a1b2c", "x", "*"] {
        let answer = shared().admin().delete(&format!("/products/{id}")).send();
        answer.problem(404, "not_found");
    }
}

pub(crate) fn nobody_deletes_without_a_token() {
    let product = stored("DELETE-ANONYMOUS", &json!({}));
    let answer = shared().anonymous().delete(&path(&product)).send();
    answer.problem(401, "unauthorized");
    assert_eq!(shown(&path(&product)).body, product);
}
