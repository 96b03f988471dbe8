//! `DELETE /accounts/{id}`

use serde_json::{Value, json};

use super::{NOBODY, found, path, shown, stored};
use crate::products::at_once;
use crate::shared;

pub(crate) fn a_deleted_account_is_gone_and_its_address_is_free() {
    let account = stored("delete.gone@example.com", &json!({}));
    let admin = shared().admin();
    let deleted = admin.delete(&path(&account)).send().expect(204);
    assert_eq!(deleted.text, "");
    admin.get(&path(&account)).send().problem(404, "not_found");
    let again = admin.delete(&path(&account)).send();
    again.problem(404, "not_found");
    let patch = admin.patch(&path(&account), &json!({"name": "Ghost"}));
    patch.send().problem(404, "not_found");
    assert_eq!(found("delete.gone@example.com"), Vec::<Value>::new());
    let next = stored("DELETE.gone@example.com", &json!({}));
    assert_ne!(next["id"], account["id"]);
}

pub(crate) fn only_the_version_that_is_meant_is_deleted() {
    let account = stored("delete.match@example.com", &json!({}));
    let delete = |tag: &str| {
        let request = shared().admin().delete(&path(&account));
        request.header("if-match", tag).send()
    };
    delete("\"2\"").problem(412, "version_mismatch");
    delete("1").problem(400, "invalid_header");
    assert_eq!(shown(&path(&account)).body, account);
    delete("\"1\"").expect(204);
    delete("\"1\"").problem(404, "not_found");
}

pub(crate) fn of_many_deletes_at_the_same_time_one_is_done() {
    let account = stored("delete.race@example.com", &json!({}));
    let delete = |_| {
        let request = shared().admin().delete(&path(&account));
        move || request.send()
    };
    let answers = at_once((0..8).map(delete).collect());
    let (done, missed): (Vec<_>, Vec<_>) = answers.into_iter().partition(|a| a.status == 204);
    assert_eq!(done.len(), 1);
    for answer in missed {
        answer.problem(404, "not_found");
    }
}

pub(crate) fn who_is_not_there_cannot_be_deleted() {
    for path in [NOBODY, "/accounts/x", "/accounts/me"] {
        let answer = shared().admin().delete(path).send();
        answer.problem(404, "not_found");
    }
}

pub(crate) fn nobody_deletes_without_a_token() {
    let account = stored("delete.anonymous@example.com", &json!({}));
    for path in [path(&account), NOBODY.to_owned()] {
        let answer = shared().anonymous().delete(&path).send();
        answer.problem(401, "unauthorized");
    }
    assert_eq!(shown(&path(&account)).body, account);
}
