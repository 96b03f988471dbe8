//! What happens to payments when nothing gets lost.

use serde_json::json;
use stoa_kit::Method;

use super::{agrees, events, field, json as body, ledger, refused, status};
use crate::bindings::stoa::payments::types::{Action, ChargeState, Decline, NextStep, Outcome};
use crate::fixtures::{
    Next, admin, again, ask, ask_by, calls, done, open, paid, path, pay, script, shown, standing,
    stands,
};
use crate::memory;

#[test]
fn a_payment_is_taken_at_once() {
    open();
    let response = pay(&json!({"metadata": {"cart": 7}})).send().unwrap();
    let payment = body(&response);
    assert_eq!((response.status, status(&payment)), (201, "succeeded"));
    let location = response.get_header("location");
    assert_eq!(location, Some(path(&payment, "").as_str()));
    assert_eq!(response.get_header("etag"), Some("\"3\""));
    assert_eq!(
        response.get_header("cache-control"),
        Some("private, no-store")
    );
    assert_eq!(
        payment["amount"],
        json!({"amount": 1999, "currency": "EUR"})
    );
    assert_eq!(payment["amount_captured"], 1999);
    assert_eq!(payment["account"], "ann");
    assert_eq!(payment["processor"], "sandbox");
    assert_eq!(payment["metadata"], json!({"cart": 7}));
    assert_eq!(calls(), ["authorize:1"]);
    assert_eq!(ledger(), ["authorized 1999", "captured 1999"]);
    assert_eq!(events(), ["payment.succeeded"]);
    assert_eq!(shown(&payment), payment);
    agrees();
}

#[test]
fn a_payment_can_be_put_together_step_by_step() {
    open();
    let payment = paid(&json!({"payment_method": null, "confirm": false}));
    assert_eq!(status(&payment), "requires_payment_method");
    let confirm = path(&payment, "/confirm");
    let without = ask(Method::Post, &confirm).send();
    assert_eq!(field(without), ("/payment_method".to_owned(), "required"));
    let method = json!({"payment_method": "tok_approved"});
    let payment = ask(Method::Post, &confirm).json(&method).body();
    assert_eq!(status(&payment), "succeeded");

    let payment = paid(&json!({"confirm": false}));
    assert_eq!(status(&payment), "requires_confirmation");
    let payment = ask(Method::Post, &path(&payment, "/confirm")).body();
    assert_eq!(status(&payment), "succeeded");
    agrees();
}

#[test]
fn what_is_held_is_captured_in_part_and_the_rest_is_released() {
    open();
    let payment = paid(&json!({"capture_method": "manual"}));
    assert_eq!(
        (status(&payment), &payment["amount_capturable"]),
        ("requires_capture", &json!(1999))
    );
    let capture = path(&payment, "/capture");
    let wrong = |amount: i64, currency: &str| {
        let body = json!({"amount": {"amount": amount, "currency": currency}});
        field(admin(Method::Post, &capture).json(&body).send())
    };
    assert_eq!(wrong(2000, "EUR"), ("/amount/amount".to_owned(), "range"));
    assert_eq!(wrong(0, "EUR"), ("/amount/amount".to_owned(), "range"));
    assert_eq!(wrong(1, "USD"), ("/amount/currency".to_owned(), "currency"));
    let part = json!({"amount": {"amount": 1500, "currency": "EUR"}});
    let payment = admin(Method::Post, &capture).json(&part).body();
    assert_eq!(
        (status(&payment), &payment["amount_captured"]),
        ("succeeded", &json!(1500))
    );
    assert_eq!(payment["amount_capturable"], 0);
    assert_eq!(
        ledger(),
        ["authorized 1999", "captured 1500", "released 499"]
    );
    assert_eq!(
        refused(admin(Method::Post, &capture).send()),
        (409, "illegal_state")
    );
    agrees();
}

#[test]
fn a_refused_means_of_payment_is_told_and_another_one_may_do() {
    open();
    script([Next::Answer(Outcome::Declined(Decline {
        charge: Some("ch_1".to_owned()),
        code: "insufficient_funds".to_owned(),
        message: "There is not enough money.".to_owned(),
    }))]);
    let response = pay(&json!({})).send().unwrap();
    let payment = body(&response);
    assert_eq!(
        (response.status, status(&payment)),
        (201, "requires_payment_method")
    );
    assert_eq!(payment["last_error"]["code"], "insufficient_funds");
    assert_eq!(events(), ["payment.failed"]);
    let method = json!({"payment_method": "tok_other"});
    let payment = ask(Method::Post, &path(&payment, "/confirm"))
        .json(&method)
        .body();
    assert_eq!(
        (status(&payment), &payment["last_error"]),
        ("succeeded", &json!(null))
    );
    assert_eq!(payment["payment_method"], "tok_other");
    assert_eq!(calls(), ["authorize:1", "authorize:2"]);
    assert_eq!(ledger(), ["failed 0", "authorized 1999", "captured 1999"]);
    agrees();
}

#[test]
fn a_customer_who_has_to_do_something_is_told_what() {
    open();
    script([Next::Answer(Outcome::RequiresAction(Action {
        charge: "ch_1".to_owned(),
        next: NextStep::Url("https://bank.example/3ds".to_owned()),
    }))]);
    let payment = paid(&json!({}));
    assert_eq!(status(&payment), "requires_action");
    let action = json!({"type": "url", "url": "https://bank.example/3ds"});
    assert_eq!(payment["next_action"], action);
    let confirm = ask(Method::Post, &path(&payment, "/confirm")).send();
    assert_eq!(refused(confirm), (409, "illegal_state"));
    stands(Some(standing(ChargeState::Captured)));
    crate::fixtures::advance(15_000);
    crate::housekeeping::run(1);
    let payment = shown(&payment);
    assert_eq!(
        (status(&payment), &payment["next_action"]),
        ("succeeded", &json!(null))
    );
    agrees();
}

#[test]
fn a_payment_is_canceled_with_and_without_the_processor() {
    open();
    let draft = paid(&json!({"confirm": false}));
    let reason = json!({"reason": "changed my mind"});
    let canceled = ask(Method::Post, &path(&draft, "/cancel"))
        .json(&reason)
        .body();
    assert_eq!(status(&canceled), "canceled");
    assert_eq!(canceled["cancellation_reason"], "changed my mind");
    assert_eq!(calls(), [""; 0]);

    let held = paid(&json!({"capture_method": "manual"}));
    let canceled = admin(Method::Post, &path(&held, "/cancel"))
        .json(&reason)
        .body();
    assert_eq!(
        (status(&canceled), &canceled["amount_capturable"]),
        ("canceled", &json!(0))
    );
    assert_eq!(canceled["cancellation_reason"], "changed my mind");
    assert_eq!(calls(), ["authorize:1", "cancel:1"]);
    assert_eq!(
        ledger(),
        [
            "canceled 0",
            "authorized 1999",
            "released 1999",
            "canceled 0"
        ]
    );
    assert_eq!(events(), ["payment.canceled", "payment.canceled"]);
    agrees();
}

#[test]
fn what_cannot_be_done_is_a_conflict_and_changes_nothing() {
    open();
    let payment = paid(&json!({}));
    for rest in ["/confirm", "/capture", "/cancel"] {
        let answer = admin(Method::Post, &path(&payment, rest)).send();
        assert_eq!(refused(answer), (409, "illegal_state"), "{rest}");
    }
    let draft = paid(&json!({"confirm": false}));
    for rest in ["/capture", "/refunds"] {
        let answer = admin(Method::Post, &path(&draft, rest)).send();
        assert_eq!(refused(answer), (409, "illegal_state"), "{rest}");
    }
    assert_eq!((shown(&payment), shown(&draft)), (payment, draft));
    assert_eq!(done(), ["authorize:1"]);
}

#[test]
fn a_capture_or_cancel_that_is_refused_leaves_the_money_held() {
    open();
    let payment = paid(&json!({"capture_method": "manual"}));
    for rest in ["/capture", "/cancel"] {
        script([Next::Refuse]);
        let kept = admin(Method::Post, &path(&payment, rest)).body();
        assert_eq!(
            (status(&kept), &kept["amount_capturable"]),
            ("requires_capture", &json!(1999))
        );
        assert_eq!(kept["last_error"]["code"], "processor_error");
    }
    let payment = admin(Method::Post, &path(&payment, "/capture")).body();
    assert_eq!(status(&payment), "succeeded");
    assert_eq!(
        calls(),
        ["authorize:1", "capture:1", "cancel:1", "capture:2"]
    );
    agrees();
}

#[test]
fn payments_are_their_owners_and_administrators() {
    open();
    let held = paid(&json!({"capture_method": "manual"}));
    for (method, rest) in [
        (Method::Get, ""),
        (Method::Get, "/events"),
        (Method::Post, "/confirm"),
        (Method::Post, "/capture"),
        (Method::Post, "/cancel"),
        (Method::Post, "/refunds"),
    ] {
        let answer = ask_by("bob", method, &path(&held, rest)).send();
        assert_eq!(refused(answer), (404, "not_found"), "{rest}");
        let mut anonymous = ask(method, &path(&held, rest));
        anonymous.0.principal = stoa_kit::Principal::Anonymous;
        assert_eq!(refused(anonymous.send()), (401, "unauthorized"), "{rest}");
    }
    // What the shop relies on, a customer does not undo or cut down.
    for rest in ["/capture", "/cancel"] {
        let answer = ask(Method::Post, &path(&held, rest)).send();
        assert_eq!(refused(answer), (403, "forbidden"), "{rest}");
    }
    let payment = paid(&json!({}));
    let refund = ask(Method::Post, &path(&payment, "/refunds")).send();
    assert_eq!(refused(refund), (403, "forbidden"));
}

#[test]
fn lists_have_ones_own_payments_newest_first_by_pages() {
    open();
    for number in 1..=3 {
        paid(&json!({"reference": format!("order {number}")}));
    }
    ask_by("bob", Method::Post, "/payments")
        .json(&json!({"amount": {"amount": 1, "currency": "EUR"}, "reference": "order 1"}))
        .body();
    let references = |page: &serde_json::Value| -> Vec<String> {
        let data = page["data"].as_array().unwrap().iter();
        data.map(|payment| payment["reference"].as_str().unwrap().to_owned())
            .collect()
    };
    let list = |query: &[(&str, &str)]| ask(Method::Get, "/payments").query(query).body();
    assert_eq!(references(&list(&[])), ["order 3", "order 2", "order 1"]);
    let first = list(&[("limit", "2")]);
    assert_eq!(references(&first), ["order 3", "order 2"]);
    let cursor = first["next"].as_str().unwrap();
    let second = list(&[("limit", "2"), ("cursor", cursor)]);
    assert_eq!(
        (references(&second), &second["next"]),
        (vec!["order 1".to_owned()], &json!(null))
    );
    assert_eq!(references(&list(&[("reference", "order 2")])), ["order 2"]);
    assert_eq!(references(&list(&[("status", "canceled")])), [""; 0]);
    let wrong = ask(Method::Get, "/payments").query(&[("status", "paid"), ("cursor", "?")]);
    assert_eq!(wrong.send().unwrap_err().errors().len(), 2);
    let all = admin(Method::Get, "/payments")
        .query(&[("reference", "order 1")])
        .body();
    assert_eq!(references(&all).len(), 2);
}

#[test]
fn the_ledger_is_shown_in_order_and_by_pages() {
    open();
    let payment = paid(&json!({}));
    let page = |query: &[(&str, &str)]| {
        ask(Method::Get, &path(&payment, "/events"))
            .query(query)
            .body()
    };
    let all = page(&[]);
    assert_eq!(all["data"][0]["type"], "authorized");
    assert_eq!(all["data"][0]["from"], "customer");
    assert_eq!(all["data"][0]["to"], "held");
    assert_eq!(all["data"][1]["type"], "captured");
    let first = page(&[("limit", "1")]);
    let cursor = first["next"].as_str().unwrap();
    assert_eq!(page(&[("cursor", cursor)])["data"][0], all["data"][1]);
}

#[test]
fn the_ledger_is_only_added_to() {
    open();
    paid(&json!({}));
    for sql in ["UPDATE ledger SET amount = 1", "DELETE FROM ledger"] {
        let statement = stoa_kit::Statement::new(sql);
        let answer = memory::DATABASE.transact(&[statement]);
        assert!(format!("{answer:?}").contains("append-only"), "{answer:?}");
    }
}

#[test]
fn a_payment_that_differs_from_the_ledger_is_found() {
    open();
    paid(&json!({}));
    agrees();
    memory::rows("UPDATE payments SET refunded = 1");
    memory::rows("UPDATE ledger_checks SET updated = 0, number = 0");
    assert_eq!(
        crate::housekeeping::check(crate::fixtures::now()).unwrap(),
        1
    );
    assert_eq!(
        crate::housekeeping::check(crate::fixtures::now()).unwrap(),
        0,
        "seen"
    );
}

#[test]
fn what_cannot_be_a_payment_is_named() {
    open();
    let wrong = |fields: serde_json::Value| field(pay(&fields).send());
    let at = |pointer: &str, code| (pointer.to_owned(), code);
    assert_eq!(wrong(json!({"amount": null})), at("/amount", "required"));
    assert_eq!(wrong(json!({"reference": ""})), at("/reference", "length"));
    assert_eq!(
        wrong(json!({"processor": "paypal"})),
        at("/processor", "value")
    );
    assert_eq!(
        wrong(json!({"capture_method": "later"})),
        at("/capture_method", "value")
    );
    assert_eq!(
        wrong(json!({"payment_method": null})),
        at("/payment_method", "required")
    );
    assert_eq!(wrong(json!({"confirm": "yes"})), at("/confirm", "type"));
    assert_eq!(
        wrong(json!({"status": "succeeded"})),
        at("/status", "unknown")
    );
    assert_eq!(calls(), [""; 0]);
    let other = paid(&json!({"processor": "other"}));
    assert_eq!(other["processor"], "other");
}

#[test]
fn card_numbers_are_refused_wherever_they_are_sent() {
    open();
    let held = paid(&json!({"capture_method": "manual"}));
    let number = "4242 4242 4242 4242";
    let before = memory::rows("SELECT COUNT(*) FROM idempotency_keys");
    for (ask, pointer) in [
        (pay(&json!({"reference": number})), "/reference"),
        (
            pay(&json!({"payment_method": "4242424242424242"})),
            "/payment_method",
        ),
        (pay(&json!({"metadata": {"a": [number]}})), "/metadata/a/0"),
        (
            admin(Method::Post, &path(&held, "/cancel")).json(&json!({"reason": number})),
            "/reason",
        ),
        (
            ask(Method::Post, &path(&held, "/confirm"))
                .json(&json!({"card": {"number": "4242-4242-4242-4242"}})),
            "/card/number",
        ),
    ] {
        let problem = ask.send().unwrap_err();
        assert_eq!((problem.status(), problem.code()), (422, "card_number"));
        assert!(!format!("{problem:?}").contains("4242"));
        assert_eq!(field(Err(problem)), (pointer.to_owned(), "card_number"));
    }
    assert_eq!(
        memory::rows("SELECT COUNT(*) FROM idempotency_keys"),
        before
    );
}

#[test]
fn every_post_needs_a_key_and_answers_alike_for_it() {
    open();
    let held = paid(&json!({"capture_method": "manual"}));
    let captured = paid(&json!({}));
    let requests = [
        pay(&json!({})),
        admin(Method::Post, &path(&held, "/capture")),
        admin(Method::Post, &path(&captured, "/refunds")),
    ];
    for request in &requests {
        let mut without = again(request);
        without
            .0
            .headers
            .retain(|header| header.name != "idempotency-key");
        assert_eq!(refused(without.send()), (400, "idempotency_key_required"));
        let first = again(request).send().unwrap();
        let number = done().len();
        let second = again(request).send().unwrap();
        assert_eq!(second.get_header("idempotent-replayed"), Some("true"));
        assert_eq!((second.status, second.body), (first.status, first.body));
        assert_eq!(done().len(), number);
        let mut other = again(request);
        other.0.body = "{\"metadata\": {}, \"reason\": \"x\"}".to_owned();
        assert!(other.send().is_err());
    }
    agrees();
}
