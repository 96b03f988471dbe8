//! `POST /password`, `/password/forgot`, `/password/reset`

use serde_json::json;
use stoa_harness::{Answer, Client};

use super::mail::{events, token};
use super::{PASSWORD, Person, at_once, refresh, sign_in, visitor};
use crate::shared;

const NEW: &str = "quite another password";

fn reset(client: &Client, token: &str, password: &str) -> Answer {
    let body = json!({"token": token, "password": password});
    client.post("/password/reset", &body).send()
}

fn forgot(client: &Client, email: &str) -> Answer {
    client
        .post("/password/forgot", &json!({ "email": email }))
        .send()
}

pub(crate) fn a_forgotten_password_is_set_anew_and_all_sessions_end() {
    let person = Person::new("forgot@auth.example");
    let answer = forgot(&person.visitor, "Forgot@auth.example").expect(202);
    assert_eq!(answer.body, json!({"email": "Forgot@auth.example"}));
    let asked = events(shared(), &person.id).pop().expect("an event");
    assert_eq!(asked.kind, "password.reset_requested");
    assert_eq!(
        asked.data["email"], "forgot@auth.example",
        "as it is stored"
    );
    let token = token(shared(), &person.id);
    let answer = reset(&person.visitor, &token, "short");
    answer
        .problem(422, "invalid")
        .names(&[("/password", "length")]);
    let answers = at_once(10, |_| reset(&person.visitor, &token, NEW));
    let done = answers.iter().filter(|answer| answer.status == 204).count();
    assert_eq!(done, 1, "{answers:?}");
    person.is_signed_out();
    sign_in(&person.visitor, &person.email, PASSWORD).expect(401);
    let tokens = sign_in(&person.visitor, &person.email, NEW).expect(200);
    assert_eq!(tokens.body["account"]["email_verified"], true);
    let last = events(shared(), &person.id).pop().expect("an event");
    assert_eq!(last.kind, "password.changed");
}

pub(crate) fn nobody_is_told_whether_there_is_an_account() {
    let person = Person::new("told@auth.example");
    let of = |email: &str| {
        let answer = forgot(&person.visitor, email);
        (answer.status, answer.text.replace(email, ""))
    };
    assert_eq!(of("told@auth.example"), of("nobody@auth.example"));
    let visitor = visitor();
    let answer = reset(&visitor, "none", NEW);
    answer.problem(400, "invalid_one_time_token");
}

pub(crate) fn a_password_is_changed_by_whoever_knows_it_and_other_sessions_end() {
    let person = Person::new("change@auth.example");
    let other = person.again();
    let change = |client: &Client, current: &str, password: &str| {
        let body = json!({"current_password": current, "password": password});
        client.post("/password", &body).send()
    };
    change(&person.visitor, PASSWORD, NEW).problem(401, "unauthorized");
    change(&person.client, "not the password", NEW).problem(401, "invalid_credentials");
    let answer = change(&person.client, PASSWORD, "change@auth.example");
    answer
        .problem(422, "invalid")
        .names(&[("/password", "email")]);
    change(&person.client, PASSWORD, NEW).expect(204);
    assert!(person.is_known());
    other.is_signed_out();
    refresh(&person.visitor, &person.refresh_token).expect(200);
    sign_in(&person.visitor, &person.email, PASSWORD).expect(401);
    sign_in(&person.visitor, &person.email, NEW).expect(200);
}
