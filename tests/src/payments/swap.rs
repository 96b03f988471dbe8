//! The processor is replaced while money moves.

use serde_json::Value;
use stoa_harness::{Lattice, SANDBOX, eventually};

use super::{confirmed, key, ledger_agrees, number, pay, sides_agree};
use crate::auth::Person;
use crate::engine::load::Load;

pub(crate) fn a_processor_is_swapped_without_a_failed_or_doubled_charge() {
    let lattice = Lattice::start();
    let person = Person::on(&lattice, "swap@pay.example");
    let other = SANDBOX.altered(&lattice);
    let body = confirmed("tok_approved");
    let load = Load::start(&person.client, move |client, _| {
        client
            .post("/payments", &body)
            .header("idempotency-key", &key())
    });
    let is_other = || {
        let refused = pay(&person, "tok_insufficient_funds").expect(201);
        let message = refused.body["last_error"]["message"].as_str();
        SANDBOX.is_other_that_says(message.expect("a message"))
    };
    for round in 0..6 {
        let swaps_to_other = round % 2 == 0;
        let file = if swaps_to_other {
            other.clone()
        } else {
            SANDBOX.built()
        };
        let file = file.to_str().expect("text").to_owned();
        let said = lattice.stoa(&["swap", "processor-sandbox", &file]);
        said.expect("the swap");
        eventually("the build", || is_other() == swaps_to_other);
        let count = load.count();
        eventually("payments by this build", || load.count() > count + 100);
    }
    let answers = load.stop();
    for answer in &answers {
        assert_eq!(answer.status, 201, "{}", answer.text);
        let payment: Value = serde_json::from_str(&answer.text).expect("JSON");
        assert_eq!(payment["status"], "succeeded");
    }
    let paid = "SELECT count(*) FROM payments WHERE state = 'succeeded'";
    assert_eq!(
        usize::try_from(number(&lattice, "payment", paid)).expect("a count"),
        answers.len()
    );
    let twice = "SELECT count(*) FROM calls WHERE times > 1";
    assert_eq!(number(&lattice, "processor-sandbox", twice), 0);
    sides_agree(&lattice);
    ledger_agrees(&lattice);
}
