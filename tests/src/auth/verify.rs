//! `POST /verify`, `POST /verify/resend`, `POST /email`

use serde_json::json;
use stoa_harness::{Answer, Client};

use super::mail::{events, taken, token};
use super::{PASSWORD, Person, at_once, sign_in, visitor};
use crate::shared;

fn verify(client: &Client, token: &str) -> Answer {
    client.post("/verify", &json!({ "token": token })).send()
}

pub(crate) fn an_address_is_verified_by_the_token_of_its_mail_once() {
    let person = Person::new("verify@auth.example");
    let token = token(shared(), &person.id);
    let before = events(shared(), &person.id).pop().expect("an event");
    assert_eq!(before.data["email"], "verify@auth.example");
    let answers = at_once(10, |_| verify(&person.visitor, &token));
    let done = answers.iter().filter(|answer| answer.status == 204).count();
    assert!(done >= 1, "{answers:?}");
    let shown = person.client.get(&person.path()).send().expect(200);
    assert_eq!(shown.body["email_verified"], true);
    verify(&person.visitor, &token).problem(400, "invalid_one_time_token");
    let id = before.data["token_id"].as_str().expect("an id");
    assert_eq!(
        taken(shared(), id),
        None,
        "no mail goes out with a used one"
    );
}

pub(crate) fn what_is_no_one_time_token_is_refused() {
    let visitor = visitor();
    for bad in ["", "token", &"A".repeat(43), &"A".repeat(10_000)] {
        verify(&visitor, bad).problem(400, "invalid_one_time_token");
    }
    let answer = visitor.post("/verify", &json!({})).send();
    answer
        .problem(422, "invalid")
        .names(&[("/token", "required")]);
    assert_eq!(taken(shared(), "none"), None);
}

pub(crate) fn the_mail_is_sent_again_a_few_times() {
    let person = Person::new("resend@auth.example");
    for _ in 0..8 {
        let answer = person.client.request("POST", "/verify/resend").send();
        assert_eq!(answer.expect(202).text, "");
    }
    assert_eq!(events(shared(), &person.id).len(), 5);
    let visitor = visitor();
    visitor
        .request("POST", "/verify/resend")
        .send()
        .problem(401, "unauthorized");
    verify(&visitor, &token(shared(), &person.id)).expect(204);
    person
        .client
        .request("POST", "/verify/resend")
        .send()
        .expect(202);
    assert_eq!(events(shared(), &person.id).len(), 5, "it is verified");
}

pub(crate) fn another_address_is_the_accounts_when_its_mail_is_confirmed() {
    let person = Person::new("old@auth.example");
    let other = Person::new("other@auth.example");
    let change = |email: &str, password: &str| {
        let body = json!({"email": email, "current_password": password});
        person.client.post("/email", &body).send()
    };
    change("new@auth.example", "not the password").problem(401, "invalid_credentials");
    change(&other.email, PASSWORD).expect(202);
    let answer = verify(&person.visitor, &token(shared(), &person.id));
    answer
        .problem(409, "email_taken")
        .names(&[("/email", "email_taken")]);
    let answer = change("New@auth.example", PASSWORD).expect(202);
    assert_eq!(answer.body, json!({"email": "New@auth.example"}));
    let shown = person.client.get(&person.path()).send().expect(200);
    assert_eq!(shown.body["email"], "old@auth.example", "not yet");
    verify(&person.visitor, &token(shared(), &person.id)).expect(204);
    let shown = person.client.get(&person.path()).send().expect(200);
    assert_eq!(shown.body["email"], "New@auth.example");
    assert_eq!(shown.body["email_verified"], true);
    sign_in(&person.visitor, "old@auth.example", PASSWORD).expect(401);
    sign_in(&person.visitor, "new@auth.example", PASSWORD).expect(200);
}

pub(crate) fn of_several_sign_ups_the_one_that_is_confirmed_has_the_password() {
    let stranger = Person::new("mine@auth.example");
    let visitor = visitor();
    let own = json!({"email": "mine@auth.example", "password": "my very own password"});
    visitor.post("/signup", &own).send().expect(202);
    verify(&visitor, &token(shared(), &stranger.id)).expect(204);
    stranger.is_signed_out();
    sign_in(&visitor, "mine@auth.example", PASSWORD).expect(401);
    sign_in(&visitor, "mine@auth.example", "my very own password").expect(200);
    let answer = visitor.post("/signup", &own).send();
    assert_eq!(
        answer.expect(202).body,
        json!({"email": "mine@auth.example"})
    );
    let last = events(shared(), &stranger.id).pop().expect("an event");
    assert_eq!(last.kind, "account.signup_repeated");
}
