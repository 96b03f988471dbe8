//! A payment from its creation to its refund.

use serde_json::{Value, json};
use stoa_harness::{Answer, eventually};

use super::{becomes, confirmed, draft, ledger_agrees, number, path, pay, post};
use crate::auth::Person;
use crate::shared;

/// What moved for a payment: type and amount of each entry.
fn moved(person: &Person, path: &str) -> Vec<(String, i64)> {
    let events = person.client.get(&format!("{path}/events")).send();
    let entries = events.expect(200).body["data"].take();
    let entries = entries.as_array().expect("a list");
    let entry = |entry: &Value| {
        let kind = entry["type"].as_str().expect("a type").to_owned();
        (kind, entry["amount"].as_i64().expect("an amount"))
    };
    entries.iter().map(entry).collect()
}

fn entries(entries: &[(&str, i64)]) -> Vec<(String, i64)> {
    let entry = |(kind, amount): &(&str, i64)| ((*kind).to_owned(), *amount);
    entries.iter().map(entry).collect()
}

fn euros(amount: i64) -> Value {
    json!({"amount": {"amount": amount, "currency": "EUR"}})
}

/// Waits until somebody was sent mails by these templates, in whatever order.
fn is_told(email: &str, templates: &[&str]) {
    eventually(&format!("{templates:?} to {email}"), || {
        let page = shared()
            .admin()
            .get(&format!("/emails?recipient={email}&status=sent"));
        let page = page.send().expect(200).body;
        let mails = page["data"].as_array().expect("a list").iter();
        let mut sent: Vec<_> = mails
            .filter_map(|mail| mail["template"].as_str())
            .filter(|template| *template != "verify")
            .collect();
        sent.sort_unstable();
        sent == templates
    });
}

pub(crate) fn a_payment_is_created_confirmed_and_refunded_and_its_owner_hears_of_it() {
    let person = Person::new("life@pay.example");
    let created = post(&person.client, "/payments", &draft("tok_approved")).send();
    let created = created.expect(201);
    let path = path(&created);
    assert_eq!(created.header("location"), path);
    assert_eq!(created.header("cache-control"), "private, no-store");
    assert_eq!(created.body["status"], "requires_confirmation");
    assert_eq!(created.body["account"], person.id);
    assert_eq!(created.body["processor"], "sandbox");

    let done = post(&person.client, &format!("{path}/confirm"), &json!({}));
    let done = done.send().expect(200);
    assert_eq!(done.body["status"], "succeeded");
    assert_eq!(done.body["amount_captured"], 1999);
    let shown = person.client.get(&path).send().expect(200);
    assert_eq!(shown.body, done.body);
    assert_eq!(shown.header("etag"), done.header("etag"));

    let admin = shared().admin();
    let refunds = format!("{path}/refunds");
    let part = post(&admin, &refunds, &euros(500)).send().expect(201);
    assert_eq!(part.body["status"], "succeeded");
    assert_eq!(part.body["amount"], euros(500)["amount"]);
    let rest = post(&admin, &refunds, &json!({"reason": "returned"})).send();
    assert_eq!(rest.expect(201).body["amount"]["amount"], 1499);
    let more = post(&admin, &refunds, &euros(1)).send();
    more.problem(409, "refund_too_large");
    let shown = person.client.get(&path).send().expect(200);
    assert_eq!(shown.body["amount_refunded"], 1999);
    let expected = [
        ("authorized", 1999),
        ("captured", 1999),
        ("refund_pending", 500),
        ("refunded", 500),
        ("refund_pending", 1499),
        ("refunded", 1499),
    ];
    assert_eq!(moved(&person, &path), entries(&expected));
    ledger_agrees(shared());
    is_told("life@pay.example", &["receipt", "refund", "refund"]);
}

pub(crate) fn money_that_is_held_is_captured_in_part_and_the_rest_is_released() {
    let person = Person::new("held@pay.example");
    let mut body = confirmed("tok_approved");
    body["capture_method"] = json!("manual");
    let held = post(&person.client, "/payments", &body).send().expect(201);
    assert_eq!(held.body["status"], "requires_capture");
    assert_eq!(held.body["amount_capturable"], 1999);
    let path = path(&held);
    let admin = shared().admin();
    let capture = format!("{path}/capture");
    let more = post(&admin, &capture, &euros(2000)).send();
    more.expect(422).names(&[("/amount/amount", "range")]);
    let other = json!({"amount": {"amount": 1, "currency": "USD"}});
    let other = post(&admin, &capture, &other).send();
    other.expect(422).names(&[("/amount/currency", "currency")]);
    let taken = post(&admin, &capture, &euros(1500)).send().expect(200);
    assert_eq!(taken.body["status"], "succeeded");
    assert_eq!(taken.body["amount_captured"], 1500);
    assert_eq!(taken.body["amount_capturable"], 0);
    let again = post(&admin, &capture, &euros(1)).send();
    again.problem(409, "illegal_state");
    let expected = [("authorized", 1999), ("captured", 1500), ("released", 499)];
    assert_eq!(moved(&person, &path), entries(&expected));
    ledger_agrees(shared());
}

pub(crate) fn a_refused_card_is_no_error_and_another_one_may_be_tried() {
    let person = Person::new("refused@pay.example");
    for (token, code) in [
        ("tok_declined", "card_declined"),
        ("tok_insufficient_funds", "insufficient_funds"),
        ("tok_expired", "expired_card"),
        ("tok_of_nobody", "invalid_payment_method"),
    ] {
        let refused = pay(&person, token).expect(201);
        assert_eq!(refused.body["status"], "requires_payment_method", "{token}");
        assert_eq!(refused.body["last_error"]["code"], code);
        assert_eq!(refused.body["amount_captured"], 0);
        let confirm = format!("{}/confirm", path(&refused));
        let other = json!({"payment_method": "tok_approved"});
        let paid = post(&person.client, &confirm, &other).send().expect(200);
        assert_eq!(paid.body["status"], "succeeded", "{token}");
        assert_eq!(paid.body["last_error"], json!(null));
    }
    let told = ["payment_failed"; 4].into_iter().chain(["receipt"; 4]);
    is_told("refused@pay.example", &told.collect::<Vec<_>>());
}

pub(crate) fn an_illegal_step_is_409_and_changes_nothing() {
    let person = Person::new("steps@pay.example");
    let admin = shared().admin();
    let at = |token: &str, capture: &str, confirm: bool| -> Answer {
        let mut body = draft(token);
        body["capture_method"] = json!(capture);
        body["confirm"] = json!(confirm);
        post(&person.client, "/payments", &body).send().expect(201)
    };
    let canceled = at("tok_approved", "automatic", false);
    let cancel = format!("{}/cancel", path(&canceled));
    post(&person.client, &cancel, &json!({"reason": "other"}))
        .send()
        .expect(200);
    for (payment, steps) in [
        (
            at("tok_approved", "automatic", false),
            &["capture", "refunds"][..],
        ),
        (
            at("tok_declined", "automatic", true),
            &["capture", "refunds"][..],
        ),
        (at("tok_approved", "manual", true), &["confirm", "refunds"]),
        (
            at("tok_approved", "automatic", true),
            &["confirm", "capture", "cancel"],
        ),
        (canceled, &["confirm", "capture", "cancel", "refunds"]),
    ] {
        let path = path(&payment);
        let before = admin.get(&path).send().expect(200);
        for step in steps {
            let answer = post(&admin, &format!("{path}/{step}"), &json!({})).send();
            answer.problem(409, "illegal_state");
        }
        let after = admin.get(&path).send().expect(200);
        assert_eq!(after.body, before.body, "{steps:?}");
    }
}

pub(crate) fn everything_that_is_wrong_is_named_and_a_card_number_repeated_nowhere() {
    let person = Person::new("wrong@pay.example");
    let body = json!({
        "amount": {"amount": 0, "currency": "EUR"},
        "reference": "two\nlines",
        "capture_method": "later",
        "processor": "nobody",
        "confirm": true,
        "colour": "red",
    });
    let answer = post(&person.client, "/payments", &body).send();
    answer.problem(422, "invalid").names(&[
        ("/amount/amount", "range"),
        ("/capture_method", "value"),
        ("/colour", "unknown"),
        ("/payment_method", "required"),
        ("/processor", "value"),
        ("/reference", "characters"),
    ]);
    let mut body = draft("tok_approved");
    body["reference"] = json!("card 4000 0566 5566 5556");
    let answer = post(&person.client, "/payments", &body).send();
    let answer = answer.problem(422, "card_number");
    let answer = answer.names(&[("/reference", "card_number")]);
    assert!(!answer.text.contains("4000"), "{}", answer.text);
    let mut body = draft("4000056655665556");
    body["reference"] = json!("Order 1");
    let answer = post(&person.client, "/payments", &body).send();
    answer
        .expect(422)
        .names(&[("/payment_method", "card_number")]);
    let log = shared().log();
    assert!(!log.contains("4000056655665556") && !log.contains("4000 0566"));
}

pub(crate) fn what_a_lost_answer_was_about_is_found_out_and_done_once() {
    let person = Person::new("lost@pay.example");
    for token in ["tok_timeout_then_approved", "tok_lost_then_approved"] {
        let lost = pay(&person, token).expect(202);
        assert_eq!(lost.body["status"], "processing");
        let path = path(&lost);
        let confirm = post(&person.client, &format!("{path}/confirm"), &json!({}));
        confirm.send().problem(409, "illegal_state");
        let paid = becomes(&person.client, &path, "succeeded");
        assert_eq!(paid["amount_captured"], 1999);
        let id = paid["id"].as_str().expect("an id");
        let charges =
            format!("SELECT count(*) FROM charges WHERE payment = '{id}' AND captured = 1999");
        assert_eq!(number(shared(), "processor-sandbox", &charges), 1);
    }
    ledger_agrees(shared());
}

pub(crate) fn a_customer_who_has_to_do_something_is_told_what_and_pays_afterwards() {
    let person = Person::new("action@pay.example");
    let asked = pay(&person, "tok_requires_action").expect(201);
    assert_eq!(asked.body["status"], "requires_action");
    assert_eq!(asked.body["next_action"]["type"], "url");
    let paid = becomes(&person.client, &path(&asked), "succeeded");
    assert_eq!(paid["next_action"], json!(null));
    let refused = pay(&person, "tok_requires_action_then_declined").expect(201);
    let refused = becomes(&person.client, &path(&refused), "requires_payment_method");
    assert_eq!(refused["last_error"]["code"], "authentication_failed");
}
