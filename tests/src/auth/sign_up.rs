//! `POST /signup`

use serde_json::{Value, json};

use super::mail::events;
use super::{PASSWORD, Person, at_once, credentials, patiently, sign_in, visitor};
use crate::accounts::found;
use crate::shared;

pub(crate) fn whoever_signs_up_has_an_account_and_can_sign_in() {
    let visitor = visitor();
    let body = json!({"email": "Sign.Up@auth.example", "password": PASSWORD, "name": "Zoë"});
    let answer = visitor.post("/signup", &body).send().expect(202);
    assert_eq!(answer.body, json!({"email": "Sign.Up@auth.example"}));
    assert_eq!(answer.header("cache-control"), "no-store");
    let account = &found("sign.up@auth.example")[0];
    assert_eq!(
        (&account["name"], &account["roles"]),
        (&json!("Zoë"), &json!(["customer"]))
    );
    assert_eq!(account["email_verified"], false);
    let asked = events(shared(), account["id"].as_str().expect("an id"));
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].kind, "email.verify_requested");
    sign_in(&visitor, "sign.up@auth.example", PASSWORD).expect(200);
}

pub(crate) fn a_taken_address_is_answered_like_a_new_one() {
    let owner = Person::new("taken@auth.example");
    let before = shared().admin().get(&owner.path()).send().expect(200);
    let visitor = visitor();
    let of = |email: &str| {
        let body = json!({"email": email, "password": "another password", "name": "Eve"});
        let answer = visitor.post("/signup", &body).send();
        let mut headers: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        headers.sort();
        (answer.status, headers, answer.text.replace(email, ""))
    };
    assert_eq!(of("TAKEN@auth.example"), of("free@auth.example"));
    let after = shared().admin().get(&owner.path()).send().expect(200);
    assert_eq!(after.body, before.body);
    sign_in(&visitor, "taken@auth.example", "another password").problem(401, "invalid_credentials");
    sign_in(&visitor, "taken@auth.example", PASSWORD).expect(200);
}

pub(crate) fn of_fifty_sign_ups_at_once_with_one_address_one_makes_the_account() {
    let visitors: Vec<_> = (0..50).map(|_| visitor()).collect();
    let answers = at_once(50, |number| {
        let email = if number % 2 == 0 {
            "fifty@auth.example"
        } else {
            "FIFTY@auth.example"
        };
        patiently(|| visitors[number].post("/signup", &credentials(email)).send())
    });
    for answer in answers {
        answer.expect(202);
    }
    let accounts = found("fifty@auth.example");
    assert_eq!(accounts.len(), 1);
    let person = Person::of(
        &visitors[0],
        &sign_in(&visitors[0], "fifty@auth.example", PASSWORD).expect(200),
    );
    assert_eq!(accounts[0]["id"], json!(person.id));
    // Each asked for a mail, of which a handful is sent.
    let asked = events(shared(), &person.id);
    assert_eq!(asked.len(), 5, "{asked:?}");
}

pub(crate) fn every_wrong_field_is_named_at_once() {
    let visitor = visitor();
    let refused = |body: Value, errors: &[(&str, &str)]| {
        let answer = visitor.post("/signup", &body).send();
        answer.problem(422, "invalid").names(errors);
    };
    refused(
        json!({}),
        &[("/email", "required"), ("/password", "required")],
    );
    refused(
        json!({"email": "x", "password": "y", "name": "a\nb", "roles": ["admin"]}),
        &[
            ("/email", "format"),
            ("/password", "length"),
            ("/name", "characters"),
            ("/roles", "unknown"),
        ],
    );
    for (password, code) in [
        ("seven 7", "length"),
        (&*"x".repeat(257), "length"),
        ("Password123", "common"),
        ("fields@auth.example", "email"),
        ("Fields-Fields", "email"),
    ] {
        let body = json!({"email": "fields@auth.example", "password": password});
        refused(body, &[("/password", code)]);
    }
    assert!(found("fields@auth.example").is_empty());
}

pub(crate) fn an_address_is_free_again_when_its_account_is_deleted() {
    let first = Person::new("again@auth.example");
    first.client.delete(&first.path()).send().expect(204);
    let second = Person::new("again@auth.example");
    assert_ne!(second.id, first.id);
}
