//! `stoa admin`: the first administrator, and tokens for scripts.

use serde_json::json;
use stoa_harness::Lattice;

use super::mail::token;
use super::{PASSWORD, Person, sign_in, visitor_of};
use crate::shared;

pub(crate) fn an_operator_makes_the_first_administrator() {
    let lattice = Lattice::start();
    let stoa = |arguments: &[&str]| lattice.stoa(&[&["admin"], arguments].concat());
    let nobody = stoa(&["token", "--email", "ann@auth.example"]);
    assert!(
        nobody
            .expect_err("there is nobody")
            .contains("no administrator")
    );
    let bad = stoa(&["create", "--email", "ann"]).expect_err("no address");
    assert!(bad.contains("the address must"), "{bad}");

    let said = stoa(&["create", "--email", "ann@auth.example", "--name", "Ann"]).expect("done");
    let password = said
        .lines()
        .nth(1)
        .and_then(|line| line.split_whitespace().nth(1));
    let password = password.expect("a password");
    let visitor = visitor_of(&lattice);
    let answer = sign_in(&visitor, "ann@auth.example", password).expect(200);
    assert_eq!(answer.body["account"]["name"], "Ann");
    assert_eq!(answer.body["account"]["email_verified"], true);
    let ann = Person::of(&visitor, &answer);
    ann.client.get("/services").send().expect(200);

    let printed = stoa(&["token", "--email", "ANN@auth.example"]).expect("a token");
    let client = lattice.with_token(printed.trim());
    client.get("/services").send().expect(200);
    let sessions = client.get("/sessions").send().expect(200).text;
    assert!(sessions.contains("stoa admin token"), "{sessions}");

    let bob = Person::on(&lattice, "bob@auth.example");
    let verify = json!({"token": token(&lattice, &bob.id)});
    bob.visitor.post("/verify", &verify).send().expect(204);
    let said = stoa(&["create", "--email", "bob@auth.example"]).expect("done");
    assert!(said.contains("with the password it had"), "{said}");
    sign_in(&bob.visitor, "bob@auth.example", PASSWORD).expect(200);
    bob.refreshed().client.get("/services").send().expect(200);
}

pub(crate) fn a_stranger_who_took_the_address_before_is_no_administrator() {
    let stranger = Person::new("boss@auth.example");
    let said = shared().stoa(&["admin", "create", "--email", "boss@auth.example"]);
    let said = said.expect("done");
    let password = said
        .lines()
        .nth(1)
        .and_then(|line| line.split_whitespace().nth(1));
    stranger.is_signed_out();
    sign_in(&stranger.visitor, &stranger.email, PASSWORD).problem(401, "invalid_credentials");
    let password = password.expect("a password");
    let answer = sign_in(&stranger.visitor, &stranger.email, password).expect(200);
    assert_eq!(
        answer.body["account"]["roles"],
        json!(["admin", "customer"])
    );
}
