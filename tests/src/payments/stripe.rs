//! Payments by Stripe, played by a Stripe that nobody here wrote.

mod peer;

use std::sync::OnceLock;

use serde_json::{Value, json};
use stoa_harness::{Answer, Lattice, eventually};

use super::{becomes, confirmed, key, ledger_agrees, number, path, post};
use crate::auth::{Person, at_once};
use peer::{API_KEY, Peer, SECRET, sign};

static SHOP: OnceLock<(Lattice, Peer)> = OnceLock::new();

/// One lattice and one Stripe for the tests of this file, until [`end`].
fn shop() -> &'static (Lattice, Peer) {
    SHOP.get_or_init(|| {
        let peer = Peer::start();
        let base = format!(
            "base_url: {}\n              api_key: {API_KEY}\n              \
             webhook_secret: {SECRET}\n              payment_method_types: card, sepa_debit",
            peer.url
        );
        let lattice = Lattice::start_with(&[
            ("processors: sandbox", "processors: sandbox, stripe"),
            ("base_url: https://api.stripe.com", &base),
        ]);
        peer.tell(&format!("http://{}", lattice.address()));
        (lattice, peer)
    })
}

/// Stops the lattice of these tests, if there was one: no secret is in its log.
pub(crate) fn end() {
    let Some((lattice, _)) = SHOP.get() else {
        return;
    };
    let log = lattice.log();
    lattice.end();
    assert!(!log.contains(API_KEY) && !log.contains(SECRET));
}

/// A payment by Stripe, confirmed at once.
fn body(method: &str, capture: &str) -> Value {
    let mut body = confirmed(method);
    body["processor"] = json!("stripe");
    body["capture_method"] = json!(capture);
    body
}

fn pay(person: &Person, method: &str, capture: &str) -> Answer {
    post(&person.client, "/payments", &body(method, capture)).send()
}

pub(crate) fn money_is_taken_held_and_given_back_by_stripe() {
    let (lattice, stripe) = shop();
    let person = Person::on(lattice, "taken@stripe.example");
    let admin = lattice.admin();
    let paid = pay(&person, &stripe.card("4242424242424242"), "automatic").expect(201);
    assert_eq!(paid.body["status"], "succeeded");
    let intent = stripe.intent(&paid.body);
    assert_eq!(intent["status"], "succeeded");
    assert_eq!(intent["amount"], 1999);
    assert_eq!(intent["currency"], "eur");
    assert_eq!(intent["metadata"]["reference"], "Order 42");

    let refunds = format!("{}/refunds", path(&paid));
    let part = json!({"amount": {"amount": 500, "currency": "EUR"}});
    let part = post(&admin, &refunds, &part).send().expect(201);
    assert_eq!(part.body["status"], "succeeded");
    let refunds = format!(
        "/v1/refunds?payment_intent={}",
        intent["id"].as_str().expect("an id")
    );
    let refunds = stripe.get(&refunds)["data"].take();
    assert_eq!(refunds.as_array().map(Vec::len), Some(1));
    assert_eq!(refunds[0]["amount"], 500);
    assert_eq!(refunds[0]["metadata"]["refund"], part.body["id"]);

    let held = pay(&person, &stripe.card("4242424242424242"), "manual").expect(201);
    assert_eq!(held.body["status"], "requires_capture");
    assert_eq!(stripe.intent(&held.body)["status"], "requires_capture");
    let capture = json!({"amount": {"amount": 1500, "currency": "EUR"}});
    let taken = post(&admin, &format!("{}/capture", path(&held)), &capture).send();
    assert_eq!(taken.expect(200).body["amount_captured"], 1500);
    assert_eq!(stripe.intent(&held.body)["amount_received"], 1500);

    let held = pay(&person, &stripe.card("4242424242424242"), "manual").expect(201);
    let canceled = post(&admin, &format!("{}/cancel", path(&held)), &json!({})).send();
    assert_eq!(canceled.expect(200).body["status"], "canceled");
    assert_eq!(stripe.intent(&held.body)["status"], "canceled");
    ledger_agrees(lattice);

    // Every request carried our key, its own key, and the version we know.
    let id = paid.body["id"].as_str().expect("an id");
    let mut authorizations = stripe.requests("/v1/payment_intents").into_iter();
    let first = authorizations.find(|request| request["method"] == "POST");
    let first = first.expect("a request");
    assert_eq!(first["authorization"], format!("Bearer {API_KEY}"));
    assert!(first["stripe-version"].is_string());
    let keys = stripe.requests("/v1/payment_intents").into_iter();
    let ours = format!("{id}:authorize:1");
    let keys = keys.filter(|request| request["idempotency-key"] == ours);
    assert_eq!(keys.count(), 1);
}

pub(crate) fn a_card_that_stripe_refuses_is_no_error() {
    let (lattice, stripe) = shop();
    let person = Person::on(lattice, "refused@stripe.example");
    let refused = pay(&person, &stripe.card("4000000000000341"), "automatic").expect(201);
    assert_eq!(refused.body["status"], "requires_payment_method");
    assert_eq!(refused.body["last_error"]["code"], "card_declined");
    assert_eq!(refused.body["amount_captured"], 0);
    ledger_agrees(lattice);
}

pub(crate) fn what_a_customer_does_at_stripe_comes_back_as_a_webhook() {
    let (lattice, stripe) = shop();
    let person = Person::on(lattice, "action@stripe.example");
    let asked = pay(&person, &stripe.card("4000002500003155"), "automatic").expect(201);
    assert_eq!(asked.body["status"], "requires_action");
    assert_eq!(asked.body["next_action"]["type"], "data");
    let secret = asked.body["next_action"]["data"].as_str().expect("text");
    let id = stripe.intent(&asked.body)["id"].take();
    let authenticate = format!(
        "/v1/payment_intents/{}/_authenticate",
        id.as_str().expect("an id")
    );
    let form = format!("client_secret={secret}&success=true");
    stripe.post(&authenticate, &form);
    let paid = becomes(&person.client, &path(&asked), "succeeded");
    assert_eq!(paid["amount_captured"], 1999);

    // A bank that says no half a second later.
    let bank = stripe.bank("DE62370400440532013001");
    let pending = pay(&person, &bank, "automatic").expect(202);
    let refused = becomes(&person.client, &path(&pending), "requires_payment_method");
    assert_eq!(refused["last_error"]["code"], "card_declined");
    ledger_agrees(lattice);
}

pub(crate) fn only_what_stripe_has_signed_in_these_minutes_is_taken() {
    let (lattice, stripe) = shop();
    let person = Person::on(lattice, "signed@stripe.example");
    let asked = pay(&person, &stripe.card("4000002500003155"), "automatic").expect(201);
    let path = path(&asked);
    let intent = stripe.intent(&asked.body);
    let event = |id: &str| {
        let object = json!({"object": "payment_intent", "id": intent["id"]});
        json!({
            "id": id, "object": "event", "type": "payment_intent.succeeded",
            "data": {"object": object},
        })
        .to_string()
    };
    let deliver = |body: &str, signature: &str| {
        let ask = lattice
            .anonymous()
            .request("POST", "/webhooks/payments/stripe");
        let ask = ask.header("content-type", "application/json");
        ask.header("stripe-signature", signature)
            .body(body.to_owned())
            .send()
    };
    let body = event("evt_signed");
    for signature in [
        sign(&body, "whsec_of_somebody", 0),
        sign(&body, SECRET, 301),
        sign(&body, SECRET, -400),
        sign(&event("evt_other"), SECRET, 0),
        "t=0,v1=".to_owned(),
        String::new(),
    ] {
        let answer = deliver(&body, &signature);
        answer.problem(400, "invalid_webhook");
    }
    let taken = "SELECT count(*) FROM webhooks WHERE event IN ('evt_signed', 'evt_other')";
    assert_eq!(number(lattice, "payment", taken), 0);
    // It says that the money came. Stripe, who is asked, knows of none.
    let right = sign(&body, SECRET, 240);
    for _ in 0..3 {
        deliver(&body, &right).expect(204);
    }
    assert_eq!(number(lattice, "payment", taken), 1);
    let shown = person.client.get(&path).send().expect(200);
    assert_eq!(shown.body["status"], "requires_action");
    assert_eq!(shown.body["amount_captured"], 0);
    let asked = format!(
        "/v1/payment_intents/{}",
        intent["id"].as_str().expect("an id")
    );
    eventually("one question", || stripe.requests(&asked).len() == 1);
}

pub(crate) fn of_fifty_posts_at_once_with_one_key_one_reaches_stripe() {
    let (lattice, stripe) = shop();
    let person = Person::on(lattice, "fifty@stripe.example");
    let (key, body) = (key(), body(&stripe.card("4242424242424242"), "automatic"));
    let answers = at_once(50, |_| {
        let ask = person.client.post("/payments", &body);
        ask.header("idempotency-key", &key).send()
    });
    let made: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .collect();
    assert!(!made.is_empty());
    let others = answers.iter().filter(|answer| answer.status != 201);
    assert!(others.into_iter().all(|answer| answer.status == 409));
    assert!(made.iter().all(|answer| answer.text == made[0].text));
    // There would be two intents for the payment, or two requests for it.
    stripe.intent(&made[0].body);
    let ours = format!(
        "{}:authorize:1",
        made[0].body["id"].as_str().expect("an id")
    );
    let requests = stripe.requests("/v1/payment_intents").into_iter();
    let requests = requests.filter(|request| request["idempotency-key"] == ours);
    assert_eq!(requests.count(), 1);
}
