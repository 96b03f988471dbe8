//! `PATCH /accounts/{id}`

use serde_json::{Value, json};

use super::{NOBODY, admin_who_stays, alias, path, shown, stored};
use crate::products::at_once;
use crate::shared;

pub(crate) fn what_is_named_changes_and_the_rest_stays() {
    admin_who_stays("merge.admin@example.com");
    let fields = json!({"name": "Ann", "metadata": {"a": {"b": 1, "c": 2}}});
    let account = stored("merge.named@example.com", &fields);
    let patch = json!({"roles": ["admin", "customer"], "metadata": {"a": {"b": null}}});
    let merged = shared().admin().patch(&path(&account), &patch).send();
    let merged = merged.expect(200);
    assert_eq!(merged.header("etag"), "\"2\"");
    assert_eq!(merged.header("cache-control"), "private, no-store");
    assert_eq!(merged.body["roles"], patch["roles"]);
    assert_eq!(merged.body["metadata"], json!({"a": {"c": 2}}));
    for name in ["id", "email", "name", "created"] {
        assert_eq!(merged.body[name], account[name], "{name}");
    }
    let nulls = json!({"name": null, "roles": null, "metadata": null});
    let reset = shared().admin().patch(&alias(&account), &nulls).send();
    let reset = reset.expect(200).body;
    assert_eq!(reset["name"], "");
    assert_eq!(reset["roles"], json!(["customer"]));
    assert_eq!(reset["metadata"], json!({}));
    assert_eq!(shown(&path(&account)).body, reset);
}

pub(crate) fn a_new_address_is_not_verified() {
    let fields = json!({"email_verified": true});
    let account = stored("merge.verified@example.com", &fields);
    let patch = |patch: &Value| shared().admin().patch(&path(&account), patch).send();
    let same = patch(&json!({"email": "MERGE.verified@example.com"}));
    assert_eq!(same.expect(200).body["email_verified"], true);
    let other = patch(&json!({"email": "merge.verified-2@example.com"}));
    assert_eq!(other.expect(200).body["email_verified"], false);
    let said = patch(&json!({"email": "merge.verified-3@example.com", "email_verified": true}));
    assert_eq!(said.expect(200).body["email_verified"], true);
}

pub(crate) fn the_result_must_be_an_account_again() {
    let account = stored("merge.result@example.com", &json!({}));
    let patch = |patch: &Value| shared().admin().patch(&path(&account), patch).send();
    let wrong = json!({"email": null, "roles": [], "version": null, "colour": "red"});
    patch(&wrong).problem(422, "invalid").names(&[
        ("/email", "required"),
        ("/roles", "length"),
        ("/version", "read_only"),
        ("/colour", "unknown"),
    ]);
    for whole in [json!([]), json!("a"), Value::Null] {
        let answer = patch(&whole).problem(422, "invalid");
        answer.names(&[("", "type")]);
    }
    assert_eq!(shown(&path(&account)).body, account);
}

pub(crate) fn what_changes_nothing_keeps_the_version() {
    let account = stored("merge.nothing@example.com", &json!({"name": "Ann"}));
    let patch = shared()
        .admin()
        .patch(&path(&account), &json!({"name": "Ann"}));
    let same = patch.send().expect(200);
    assert_eq!(same.header("etag"), "\"1\"");
    assert_eq!(same.body, account);
}

pub(crate) fn of_twenty_patches_at_the_same_time_none_is_lost() {
    let account = stored("merge.race@example.com", &json!({}));
    let merge = |number: i32| {
        let patch = json!({"metadata": {format!("field-{number}"): number}});
        let request = shared().admin().patch(&path(&account), &patch);
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
    assert_eq!(shown(&path(&account)).body["metadata"], Value::Object(all));
}

pub(crate) fn an_address_of_another_is_a_conflict() {
    stored("merge.other@example.com", &json!({}));
    let account = stored("merge.own@example.com", &json!({}));
    let patch = json!({"email": "MERGE.OTHER@example.com"});
    let answer = shared().admin().patch(&path(&account), &patch).send();
    answer
        .problem(409, "email_taken")
        .names(&[("/email", "email_taken")]);
    assert_eq!(shown(&path(&account)).body, account);
}

pub(crate) fn only_the_version_that_is_meant_is_changed() {
    let account = stored("merge.match@example.com", &json!({}));
    let merge = |tag: &str, name: &str| {
        let request = shared()
            .admin()
            .patch(&path(&account), &json!({ "name": name }));
        request.header("if-match", tag).send()
    };
    assert_eq!(merge("\"1\"", "A").expect(200).header("etag"), "\"2\"");
    merge("\"1\"", "B").problem(412, "version_mismatch");
    assert_eq!(merge("*", "C").expect(200).header("etag"), "\"3\"");
    merge("W/\"3\"", "D").problem(400, "invalid_header");
    assert_eq!(shown(&path(&account)).body["name"], "C");
}

pub(crate) fn who_is_not_there_cannot_be_changed() {
    for path in [NOBODY, "/accounts/new", "/account/new"] {
        let request = shared().admin().patch(path, &json!({"name": "Ann"}));
        request.send().problem(404, "not_found");
    }
    let request = shared().anonymous().patch(NOBODY, &json!({}));
    request.send().problem(401, "unauthorized");
}
