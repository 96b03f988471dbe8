//! Whose payments are whose.

use serde_json::json;
use stoa_harness::Client;

use super::{draft, path, pay, post};
use crate::auth::Person;
use crate::shared;

fn references(client: &Client, query: &str) -> Vec<String> {
    let page = client.get(&format!("/payments{query}")).send().expect(200);
    let page = page.body["data"].as_array().expect("a list").iter();
    page.map(|payment| payment["reference"].as_str().expect("text").to_owned())
        .collect()
}

pub(crate) fn a_strangers_payment_is_not_there() {
    let (owner, other) = (
        Person::new("owner@pay.example"),
        Person::new("other@pay.example"),
    );
    let path = path(&pay(&owner, "tok_approved").expect(201));
    other.client.get(&path).send().problem(404, "not_found");
    let events = format!("{path}/events");
    other.client.get(&events).send().problem(404, "not_found");
    for step in ["confirm", "capture", "cancel", "refunds"] {
        let step = format!("{path}/{step}");
        let answer = post(&other.client, &step, &json!({})).send();
        answer.problem(404, "not_found");
        let answer = post(&other.visitor, &step, &json!({})).send();
        answer.problem(401, "unauthorized");
    }
    let nobody = "/payments/01900000-0000-7000-8000-000000000000";
    other.client.get(nobody).send().problem(404, "not_found");
    other
        .client
        .get("/payments/1")
        .send()
        .problem(404, "not_found");
}

pub(crate) fn who_has_paid_cannot_take_it_back() {
    let owner = Person::new("back@pay.example");
    let paid = path(&pay(&owner, "tok_approved").expect(201));
    let refund = post(&owner.client, &format!("{paid}/refunds"), &json!({}));
    refund.send().problem(403, "forbidden");
    let mut body = draft("tok_approved");
    body["capture_method"] = json!("manual");
    body["confirm"] = json!(true);
    let held = post(&owner.client, "/payments", &body).send().expect(201);
    let held = path(&held);
    for step in ["capture", "cancel"] {
        let answer = post(&owner.client, &format!("{held}/{step}"), &json!({}));
        answer.send().problem(403, "forbidden");
    }
    let shown = owner.client.get(&held).send().expect(200);
    assert_eq!(shown.body["amount_capturable"], 1999);
    let canceled = post(&shared().admin(), &format!("{held}/cancel"), &json!({}));
    assert_eq!(canceled.send().expect(200).body["status"], "canceled");
}

pub(crate) fn people_list_their_own_payments_and_administrators_all() {
    let (one, two) = (
        Person::new("list.one@pay.example"),
        Person::new("list.two@pay.example"),
    );
    for number in 1..=5 {
        let mut body = draft("tok_approved");
        body["reference"] = json!(format!("listed {number}"));
        let person = if number % 2 == 0 { &two } else { &one };
        post(&person.client, "/payments", &body).send().expect(201);
    }
    let listed =
        |numbers: &[u8]| -> Vec<_> { numbers.iter().map(|n| format!("listed {n}")).collect() };
    assert_eq!(references(&one.client, ""), listed(&[5, 3, 1]));
    assert_eq!(references(&two.client, ""), listed(&[4, 2]));
    assert_eq!(references(&two.client, "?status=succeeded"), listed(&[]));
    assert_eq!(
        references(&one.client, "?reference=listed%202"),
        listed(&[])
    );
    let admin = shared().admin();
    assert_eq!(references(&admin, "?reference=listed%202"), listed(&[2]));
    let first = one.client.get("/payments?limit=2").send().expect(200);
    let next = first.body["next"].as_str().expect("a cursor");
    let rest = references(&one.client, &format!("?limit=2&cursor={next}"));
    assert_eq!(rest, listed(&[1]));
    let other = format!("/payments?limit=2&status=canceled&cursor={next}");
    one.client.get(&other).send().problem(400, "invalid_query");
    let wrong = one.client.get("/payments?status=paid&limit=0").send();
    wrong.problem(400, "invalid_query");
    one.visitor
        .get("/payments")
        .send()
        .problem(401, "unauthorized");
}
