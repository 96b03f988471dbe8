//! Many who want the same money at the same time.

use serde_json::json;

use super::{draft, ledger_agrees, number, path, pay, post};
use crate::auth::{Person, at_once};
use crate::shared;

pub(crate) fn of_fifty_refunds_of_everything_at_once_one_is_made() {
    let person = Person::new("fifty.refunds@pay.example");
    let paid = pay(&person, "tok_approved").expect(201);
    let refunds = format!("{}/refunds", path(&paid));
    let admin = shared().admin();
    let whole = json!({"amount": {"amount": 1999, "currency": "EUR"}});
    let answers = at_once(50, |_| post(&admin, &refunds, &whole).send());
    let (made, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(made.len(), 1);
    for answer in refused {
        answer.problem(409, "refund_too_large");
    }
    let charge = paid.body["id"].as_str().expect("an id");
    let theirs = format!(
        "SELECT count(*) FROM refunds JOIN charges ON charges.id = refunds.charge \
         WHERE payment = '{charge}'"
    );
    assert_eq!(number(shared(), "processor-sandbox", &theirs), 1);
    let shown = person.client.get(&path(&paid)).send().expect(200);
    assert_eq!(shown.body["amount_refunded"], 1999);
    ledger_agrees(shared());
}

pub(crate) fn of_many_small_refunds_at_once_as_many_are_made_as_there_is_money_for() {
    let person = Person::new("small.refunds@pay.example");
    let paid = pay(&person, "tok_approved").expect(201);
    let refunds = format!("{}/refunds", path(&paid));
    let admin = shared().admin();
    let part = json!({"amount": {"amount": 100, "currency": "EUR"}});
    let answers = at_once(50, |_| post(&admin, &refunds, &part).send().status);
    let made = answers.iter().filter(|status| **status == 201).count();
    let refused = answers.iter().filter(|status| **status == 409).count();
    assert_eq!((made, refused), (19, 31), "{answers:?}");
    ledger_agrees(shared());
}

pub(crate) fn of_many_confirmations_and_cancellations_at_once_one_counts() {
    let person = Person::new("confirmations@pay.example");
    for round in 0..5 {
        let created = post(&person.client, "/payments", &draft("tok_approved")).send();
        let path = path(&created.expect(201));
        let answers = at_once(20, |number| {
            let step = if number % 2 == 0 { "confirm" } else { "cancel" };
            post(&person.client, &format!("{path}/{step}"), &json!({})).send()
        });
        let done = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(done, 1, "round {round}: {answers:?}");
        let shown = person.client.get(&path).send().expect(200).body;
        let id = shown["id"].as_str().expect("an id");
        let charges = format!("SELECT count(*) FROM charges WHERE payment = '{id}'");
        let charges = number(shared(), "processor-sandbox", &charges);
        let expected = i64::from(shown["status"] == "succeeded");
        assert_eq!(charges, expected, "{shown}");
    }
    ledger_agrees(shared());
}
