//! What people may do with accounts: their own, and nobody else's.

use serde_json::json;

use super::mail::events_of_account;
use super::{PASSWORD, Person, refresh, sign_in};
use crate::shared;

pub(crate) fn people_read_and_write_their_own_account() {
    let person = Person::new("own@auth.example");
    let path = person.path();
    let shown = person.client.get(&path).send().expect(200);
    assert_eq!(shown.body["email"], "own@auth.example");
    let patched = person.client.patch(&path, &json!({"name": "Ann"})).send();
    assert_eq!(patched.expect(200).body["name"], "Ann");
    let alias = path.replace("/accounts/", "/account/");
    let replaced = person
        .client
        .put(&alias, &json!({"metadata": {"a": 1}}))
        .send();
    assert_eq!(replaced.expect(200).body["name"], "");
    let admin = json!({"roles": ["admin"]});
    let answer = person.client.patch(&path, &admin).send();
    answer
        .problem(422, "invalid")
        .names(&[("/roles", "read_only")]);
}

pub(crate) fn a_strangers_account_is_not_there() {
    let (one, other) = (
        Person::new("one@auth.example"),
        Person::new("two@auth.example"),
    );
    let path = other.path();
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let there = one.client.request(method, &path).json(&json!({})).send();
        let there = there.problem(404, "not_found");
        let missing = crate::accounts::NOBODY;
        let missing = one.client.request(method, missing).json(&json!({})).send();
        assert_eq!(missing.expect(404).body["detail"], there.body["detail"]);
    }
    other.client.get(&path).send().expect(200);
}

pub(crate) fn customers_are_no_administrators() {
    let person = Person::new("customer@auth.example");
    for (method, path) in [
        ("GET", "/accounts"),
        ("GET", "/accounts?email=customer@auth.example"),
        ("POST", "/accounts"),
        ("POST", "/products"),
        ("PUT", "/products/1"),
        ("PATCH", "/products/1"),
        ("DELETE", "/products/1"),
        ("GET", "/services"),
        ("POST", "/services"),
        ("DELETE", "/services/product"),
    ] {
        let answer = person.client.request(method, path).json(&json!({})).send();
        answer.problem(403, "forbidden");
    }
    person.client.get("/products").send().expect(200);
}

pub(crate) fn a_deleted_account_is_signed_out_within_a_second() {
    let person = Person::new("deleted@auth.example");
    let other = person.again();
    person.client.delete(&person.path()).send().expect(204);
    person.is_signed_out();
    other.is_signed_out();
    sign_in(&person.visitor, &person.email, PASSWORD).problem(401, "invalid_credentials");
    let told = events_of_account(shared(), &person.id);
    let kinds: Vec<_> = told.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["account.created", "account.deleted"]);
    assert_eq!(told[1].data["email"], "deleted@auth.example");
}

pub(crate) fn who_loses_a_role_is_signed_out_and_who_gets_one_has_it_in_new_tokens() {
    let person = Person::new("roles@auth.example");
    let give = |roles: &[&str]| {
        let patch = json!({ "roles": roles });
        shared()
            .admin()
            .patch(&person.path(), &patch)
            .send()
            .expect(200);
    };
    give(&["customer", "admin"]);
    person
        .client
        .get("/services")
        .send()
        .problem(403, "forbidden");
    let admin = person.refreshed();
    admin.client.get("/services").send().expect(200);
    give(&["customer"]);
    admin.is_signed_out();
    refresh(&admin.visitor, &admin.refresh_token).problem(401, "invalid_grant");
    let again = person.again();
    again
        .client
        .get("/services")
        .send()
        .problem(403, "forbidden");
}
