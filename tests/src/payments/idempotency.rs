//! One key, one payment.

use serde_json::json;

use super::{confirmed, draft, key, number, path};
use crate::auth::{Person, at_once};
use crate::shared;

pub(crate) fn of_fifty_posts_at_once_with_one_key_one_makes_a_payment_and_a_charge() {
    let person = Person::new("fifty.posts@pay.example");
    let key = key();
    let mut body = confirmed("tok_approved");
    body["reference"] = json!("fifty posts");
    let ask = || {
        let ask = person.client.post("/payments", &body);
        ask.header("idempotency-key", &key).send()
    };
    let answers = at_once(50, |_| ask());
    let (made, others): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 201);
    for other in others {
        let other = other.problem(409, "idempotency_key_in_use");
        assert_eq!(other.header("retry-after"), "1");
    }
    let first_hand = made
        .iter()
        .filter(|answer| answer.header("idempotent-replayed").is_empty());
    assert_eq!(first_hand.count(), 1);
    let again = ask().expect(201);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.header("location"), path(&again));
    for answer in made {
        assert_eq!(answer.text, again.text);
        assert_eq!(answer.header("etag"), again.header("etag"));
    }
    let ours = "SELECT count(*) FROM payments WHERE reference = 'fifty posts'";
    assert_eq!(number(shared(), "payment", ours), 1);
    let id = again.body["id"].as_str().expect("an id");
    let theirs = format!("SELECT sum(times) FROM calls WHERE payment = '{id}'");
    assert_eq!(number(shared(), "processor-sandbox", &theirs), 1);
    let theirs = format!("SELECT count(*) FROM charges WHERE payment = '{id}'");
    assert_eq!(number(shared(), "processor-sandbox", &theirs), 1);
}

pub(crate) fn a_key_stands_for_one_request_of_one_caller() {
    let (one, two) = (
        Person::new("key.one@pay.example"),
        Person::new("key.two@pay.example"),
    );
    let key = key();
    let ask = |person: &Person, body: &serde_json::Value| {
        let ask = person.client.post("/payments", body);
        ask.header("idempotency-key", &key).send()
    };
    let body = draft("tok_approved");
    let made = ask(&one, &body).expect(201);
    // The order of fields and spaces do not count.
    let text = format!("  {body:#} \n");
    let again = one
        .client
        .request("POST", "/payments")
        .header("content-type", "application/json")
        .header("idempotency-key", &key)
        .body(text)
        .send()
        .expect(201);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.text, made.text);
    let other = ask(&one, &draft("tok_declined"));
    other.problem(422, "idempotency_key_reused");
    assert_ne!(ask(&two, &body).expect(201).body["id"], made.body["id"]);
    // On another path, it is another key.
    let confirm = one
        .client
        .post(&format!("{}/confirm", path(&made)), &json!({}))
        .header("idempotency-key", &key)
        .send()
        .expect(200);
    assert_eq!(confirm.body["status"], "succeeded");
}

pub(crate) fn without_a_usable_key_nothing_is_done() {
    let person = Person::new("no.key@pay.example");
    let ask = || person.client.post("/payments", &draft("tok_approved"));
    ask().send().problem(400, "idempotency_key_required");
    let too_long = "k".repeat(256);
    for wrong in ["two words", "caf\u{e9}", &too_long] {
        let answer = ask().header("idempotency-key", wrong).send();
        answer.problem(400, "idempotency_key_invalid");
    }
    let list = person.client.get("/payments").send().expect(200);
    assert_eq!(list.body["data"], json!([]));
}

pub(crate) fn a_request_that_was_refused_may_be_corrected_under_its_key() {
    let person = Person::new("corrected@pay.example");
    let key = key();
    let mut body = draft("tok_approved");
    body["reference"] = json!("");
    let ask = |body: &serde_json::Value| {
        let ask = person.client.post("/payments", body);
        ask.header("idempotency-key", &key).send()
    };
    ask(&body).problem(422, "invalid");
    body["reference"] = json!("Order 1");
    ask(&body).expect(201);
}
