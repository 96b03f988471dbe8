//! `POST /token`

use serde_json::json;

use super::time::stays_young;
use super::{Person, at_once, patiently, refresh, visitor};

pub(crate) fn a_refresh_gives_new_tokens_of_the_same_session() {
    let first = Person::new("refresh@auth.example");
    let second = first.refreshed();
    assert_ne!(second.access_token, first.access_token);
    assert_ne!(second.refresh_token, first.refresh_token);
    let third = second.refreshed();
    assert!(third.is_known() && first.is_known());
    let sessions = third.client.get("/sessions").send().expect(200);
    assert_eq!(sessions.body["data"].as_array().map(Vec::len), Some(1));
}

pub(crate) fn of_two_hundred_refreshes_at_once_with_one_token_one_family_survives() {
    let person = Person::new("family@auth.example");
    let exchange = || refresh(&person.visitor, &person.refresh_token);
    let answers = stays_young(&person, || at_once(200, |_| patiently(exchange)));
    let mut successors: Vec<_> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, 200, "{}", answer.text);
            answer.body["refresh_token"].as_str().expect("a token")
        })
        .collect();
    successors.sort_unstable();
    successors.dedup();
    assert_eq!(successors.len(), 1);
    let next = Person::of(&person.visitor, &answers[0]).refreshed();
    let sessions = next.client.get("/sessions").send().expect(200);
    assert_eq!(sessions.body["data"].as_array().map(Vec::len), Some(1));
}

pub(crate) fn a_reused_refresh_token_revokes_its_family() {
    let first = Person::new("reused@auth.example");
    let other = first.again();
    let third = first.refreshed().refreshed();
    refresh(&first.visitor, &first.refresh_token).problem(401, "invalid_grant");
    third.is_signed_out();
    assert!(!first.is_known(), "its older access tokens neither");
    assert!(other.is_known(), "another session is another family");
}

pub(crate) fn a_refresh_token_is_no_access_token_and_an_access_token_no_refresh_token() {
    let person = Person::new("kinds@auth.example");
    let client = person.visitor.with_token(&person.refresh_token);
    client.get("/sessions").send().problem(401, "invalid_token");
    refresh(&person.visitor, &person.access_token).problem(401, "invalid_grant");
}

pub(crate) fn what_is_no_refresh_token_is_refused() {
    let visitor = visitor();
    for bad in ["", "token", &"A".repeat(64), &"A".repeat(100_000)] {
        refresh(&visitor, bad).problem(401, "invalid_grant");
    }
    let post = |body| visitor.post("/token", &body).send().problem(422, "invalid");
    post(json!({})).names(&[("/refresh_token", "required")]);
    post(json!({"refresh_token": 1, "grant_type": "password"}))
        .names(&[("/refresh_token", "type"), ("/grant_type", "value")]);
    let person = Person::new("grant@auth.example");
    let body = json!({"refresh_token": person.refresh_token, "grant_type": "refresh_token"});
    visitor.post("/token", &body).send().expect(200);
}
