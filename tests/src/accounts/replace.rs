//! `PUT /accounts/{id}`

use serde_json::{Value, json};

use super::{NOBODY, admin_who_stays, alias, draft, path, shown, stored};
use crate::shared;

pub(crate) fn what_is_left_out_takes_its_default_and_roles_stay() {
    admin_who_stays("replace.admin@example.com");
    let fields = json!({"email_verified": true, "name": "Ann", "roles": ["admin"],
        "metadata": {"a": 1}});
    let account = stored("replace.full@example.com", &fields);
    let least = draft("replace.full@example.com", &json!({}));
    let replaced = shared().admin().put(&path(&account), &least).send();
    let replaced = replaced.expect(200);
    assert_eq!(replaced.header("etag"), "\"2\"");
    assert_eq!(replaced.header("cache-control"), "private, no-store");
    assert_eq!(replaced.body["email_verified"], true);
    assert_eq!(replaced.body["roles"], json!(["admin"]));
    assert_eq!(replaced.body["name"], "");
    assert_eq!(replaced.body["metadata"], json!({}));
    assert_eq!(replaced.body["created"], account["created"]);
    assert_eq!(shown(&path(&account)).body, replaced.body);

    let other = draft("replace.other@example.com", &json!({"roles": ["customer"]}));
    let replaced = shared().admin().put(&alias(&account), &other).send();
    let replaced = replaced.expect(200).body;
    assert_eq!(replaced["email_verified"], false);
    assert_eq!(replaced["roles"], json!(["customer"]));
}

pub(crate) fn every_wrong_field_is_named_at_once() {
    let account = stored("replace.wrong@example.com", &json!({}));
    let put = |body: &Value| shared().admin().put(&path(&account), body).send();
    put(&account).problem(422, "invalid").names(&[
        ("/id", "read_only"),
        ("/created", "read_only"),
        ("/updated", "read_only"),
        ("/version", "read_only"),
    ]);
    put(&json!({"name": 1, "roles": "admin"}))
        .problem(422, "invalid")
        .names(&[
            ("/email", "required"),
            ("/name", "type"),
            ("/roles", "type"),
        ]);
    assert_eq!(shown(&path(&account)).body, account);
}

pub(crate) fn only_the_version_that_is_meant_is_replaced() {
    let account = stored("replace.match@example.com", &json!({}));
    let put = |tag: &str, name: &str| {
        let body = draft("replace.match@example.com", &json!({ "name": name }));
        let request = shared().admin().put(&path(&account), &body);
        request.header("if-match", tag).send()
    };
    assert_eq!(put("\"1\"", "A").expect(200).header("etag"), "\"2\"");
    put("\"1\"", "B").problem(412, "version_mismatch");
    assert_eq!(shown(&path(&account)).body["name"], "A");
}

pub(crate) fn an_address_of_another_is_a_conflict_and_its_own_is_none() {
    stored("replace.taken@example.com", &json!({}));
    let account = stored("replace.own@example.com", &json!({}));
    let put = |email: &str| {
        let body = draft(email, &json!({}));
        shared().admin().put(&path(&account), &body).send()
    };
    put("Replace.Taken@example.com")
        .problem(409, "email_taken")
        .names(&[("/email", "email_taken")]);
    put("REPLACE.own@example.com").expect(200);
}

pub(crate) fn a_replacement_creates_nothing() {
    let body = draft("replace.nobody@example.com", &json!({}));
    for path in [NOBODY, "/accounts/new"] {
        let answer = shared().admin().put(path, &body).send();
        answer.problem(404, "not_found");
        let answer = shared().anonymous().put(path, &body).send();
        answer.problem(401, "unauthorized");
    }
}
