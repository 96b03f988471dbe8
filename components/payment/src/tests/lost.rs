//! Calls, answers and ourselves get lost on the way: money moves once.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::json;
use stoa_kit::Method;

use super::{agrees, events, json as body, ledger, status};
use crate::bindings::stoa::payments::types::{ChargeState, Decline, Outcome};
use crate::fixtures::{
    Next, admin, advance, again, ask, calls, done, is_silent, open, paid, path, pay, script, shown,
    standing, stands,
};
use crate::{housekeeping, memory};

/// The longest a key is taken by a request that does not end.
const LEASE: i64 = 30_000;
const HOUR: i64 = 60 * 60 * 1_000;

/// Sends a request during which we die.
fn crash(request: &crate::fixtures::Ask) {
    script([Next::Crash]);
    let answer = catch_unwind(AssertUnwindSafe(|| again(request).send()));
    assert!(answer.is_err());
}

/// Lets a tick come a while later.
fn tick() {
    advance(2_000);
    housekeeping::run(1);
}

#[test]
fn without_an_answer_the_client_is_told_so_and_a_tick_finds_out() {
    open();
    for lost in [Next::LoseAnswer, Next::LoseCall] {
        script([lost]);
        let response = pay(&json!({})).send().unwrap();
        let payment = body(&response);
        assert_eq!((response.status, status(&payment)), (202, "processing"));
        assert!(response.get_header("location").is_some());
        tick();
        assert_eq!(status(&shown(&payment)), "succeeded");
        assert_eq!(calls(), ["authorize:1", "authorize:1"]);
    }
    assert_eq!(done().len(), 2);
    assert_eq!(events(), ["payment.succeeded", "payment.succeeded"]);
    agrees();
}

#[test]
fn a_retry_with_the_same_key_goes_on_with_the_same_payment() {
    open();
    script([Next::LoseAnswer]);
    let request = pay(&json!({}));
    let first = body(&again(&request).send().unwrap());
    let response = again(&request).send().unwrap();
    let second = body(&response);
    assert_eq!((response.status, status(&second)), (201, "succeeded"));
    assert_eq!(first["id"], second["id"]);
    assert_eq!(done(), ["authorize:1"]);
    assert_eq!(memory::rows("SELECT 1 FROM payments").len(), 1);
    agrees();
}

#[test]
fn after_a_crash_during_the_call_a_retry_finds_what_was_done() {
    open();
    let request = pay(&json!({}));
    crash(&request);
    assert_eq!(again(&request).status(), 409, "the lease holds");
    advance(LEASE);
    let response = again(&request).send().unwrap();
    assert_eq!(
        (response.status, status(&body(&response))),
        (201, "succeeded")
    );
    assert_eq!(done(), ["authorize:1"]);
    assert_eq!(memory::rows("SELECT 1 FROM payments").len(), 1);
    assert_eq!(ledger(), ["authorized 1999", "captured 1999"]);
    agrees();
}

#[test]
fn after_a_crash_a_tick_finds_what_was_done_and_a_retry_does_nothing() {
    open();
    let held = paid(&json!({"capture_method": "manual"}));
    let capture = admin(Method::Post, &path(&held, "/capture"));
    crash(&capture);
    assert_eq!(status(&shown(&held)), "processing");
    advance(15_000);
    housekeeping::run(1);
    assert_eq!(status(&shown(&held)), "succeeded");
    advance(LEASE);
    let response = again(&capture).send().unwrap();
    assert_eq!(
        (response.status, status(&body(&response))),
        (200, "succeeded")
    );
    assert_eq!(calls(), ["authorize:1", "capture:1", "capture:1"]);
    agrees();
}

#[test]
fn a_refund_is_made_once_whatever_gets_lost() {
    open();
    let payment = paid(&json!({}));
    let refund = admin(Method::Post, &path(&payment, "/refunds"))
        .json(&json!({"amount": {"amount": 500, "currency": "EUR"}}));
    crash(&refund);
    assert_eq!(shown(&payment)["amount_refunding"], 500);
    advance(LEASE);
    script([Next::LoseAnswer]);
    let response = again(&refund).send().unwrap();
    assert_eq!(
        (response.status, status(&body(&response))),
        (201, "succeeded")
    );
    let payment = shown(&payment);
    assert_eq!(
        (&payment["amount_refunding"], &payment["amount_refunded"]),
        (&json!(0), &json!(500))
    );
    assert_eq!(memory::rows("SELECT 1 FROM refunds").len(), 1);
    assert_eq!(done(), ["authorize:1", "refund:1"]);
    agrees();
}

#[test]
fn a_crash_before_the_call_leaves_nothing_undone() {
    open();
    // The second write is the one with the operation; the client's first try
    // got no further than the payment.
    let request = pay(&json!({"confirm": false}));
    let draft = body(&again(&request).send().unwrap());
    assert_eq!(status(&draft), "requires_confirmation");
    let confirm = ask(Method::Post, &path(&draft, "/confirm"));
    script([Next::LoseCall, Next::LoseCall, Next::LoseCall]);
    assert_eq!(again(&confirm).status(), 202);
    assert_eq!(again(&confirm).status(), 202);
    assert_eq!(again(&confirm).status(), 202);
    assert_eq!(again(&confirm).status(), 200);
    assert_eq!(done(), ["authorize:1"]);
    agrees();
}

#[test]
fn what_is_under_way_is_asked_about_and_not_asked_for_again() {
    open();
    script([Next::Answer(Outcome::Pending("ch_1".to_owned()))]);
    let payment = paid(&json!({}));
    assert_eq!(status(&payment), "processing");
    stands(Some(standing(ChargeState::Pending)));
    tick();
    assert_eq!(status(&shown(&payment)), "processing");
    stands(Some(standing(ChargeState::Captured)));
    advance(15_000);
    tick();
    assert_eq!(status(&shown(&payment)), "succeeded");
    assert_eq!(calls(), ["authorize:1", "status sandbox", "status sandbox"]);
    agrees();
}

#[test]
fn what_was_under_way_may_also_fail() {
    open();
    script([Next::Answer(Outcome::Pending("ch_1".to_owned()))]);
    let payment = paid(&json!({}));
    let mut unpaid = standing(ChargeState::Unpaid);
    unpaid.decline = Some(Decline {
        charge: None,
        code: "debit_bounced".to_owned(),
        message: "The account is empty.".to_owned(),
    });
    stands(Some(unpaid));
    tick();
    let payment = shown(&payment);
    assert_eq!(status(&payment), "requires_payment_method");
    assert_eq!(payment["last_error"]["code"], "debit_bounced");
    agrees();
}

#[test]
fn a_call_is_not_repeated_when_its_key_may_be_forgotten() {
    open();
    script([Next::LoseAnswer]);
    let payment = paid(&json!({}));
    calls();
    advance(23 * HOUR);
    stands(Some(standing(ChargeState::Captured)));
    housekeeping::run(1);
    assert_eq!(calls(), ["status sandbox"]);
    assert_eq!(status(&shown(&payment)), "succeeded");

    script([Next::LoseCall]);
    let lost = paid(&json!({}));
    calls();
    advance(23 * HOUR);
    stands(None);
    housekeeping::run(1);
    assert_eq!(calls(), ["status sandbox"]);
    assert_eq!(status(&shown(&lost)), "requires_payment_method");
    agrees();
}

#[test]
fn questions_become_rarer() {
    open();
    script([Next::Answer(Outcome::Pending("ch_1".to_owned()))]);
    paid(&json!({}));
    stands(Some(standing(ChargeState::Pending)));
    calls();
    for _ in 0..(60 * 60 / 5) {
        advance(5_000);
        housekeeping::run(1);
    }
    let first_hour = calls().len();
    assert!((5..=10).contains(&first_hour), "{first_hour}");
    advance(HOUR);
    housekeeping::run(1);
    assert_eq!(calls().len(), 1);
}

#[test]
fn calls_without_an_answer_become_rarer() {
    open();
    script(vec![Next::LoseCall; 1_000]);
    paid(&json!({}));
    calls();
    for _ in 0..(60 * 60 / 5) {
        advance(5_000);
        housekeeping::run(1);
    }
    // Each time the call, and a question about it.
    let first_hour = calls().len();
    assert!((10..=20).contains(&first_hour), "{first_hour}");
}

#[test]
fn who_does_not_answer_keeps_no_payments_of_others_waiting() {
    open();
    script(vec![Next::Answer(Outcome::Pending("ch_1".to_owned())); 6]);
    for _ in 0..5 {
        paid(&json!({}));
    }
    paid(&json!({"processor": "other"}));
    is_silent("sandbox");
    calls();
    tick();
    assert_eq!(calls(), ["status sandbox", "status other"]);
}

#[test]
fn a_cancellation_whose_answer_got_lost_is_the_same_when_it_is_sent_again() {
    open();
    let draft = paid(&json!({"confirm": false}));
    let cancel = ask(Method::Post, &path(&draft, "/cancel"));
    assert_eq!(status(&again(&cancel).body()), "canceled");
    memory::rows("UPDATE idempotency_keys SET status = NULL, lease = 0");
    let response = again(&cancel).send().unwrap();
    assert_eq!(
        (response.status, status(&body(&response))),
        (200, "canceled")
    );
    assert_eq!(ledger(), ["canceled 0"]);
    assert_eq!(ask(Method::Post, &path(&draft, "/cancel")).status(), 409);
}

#[test]
fn one_payment_that_cannot_be_settled_does_not_hold_up_the_others() {
    open();
    script([Next::LoseCall, Next::LoseCall, Next::LoseCall]);
    let stuck = paid(&json!({}));
    let other = paid(&json!({}));
    tick();
    assert_eq!(status(&shown(&stuck)), "processing");
    assert_eq!(status(&shown(&other)), "succeeded");
}

#[test]
fn an_accident_that_is_said_again_for_ever_is_found_out_by_asking() {
    open();
    script([Next::LoseCall, Next::LoseCall]);
    let payment = paid(&json!({}));
    stands(Some(standing(ChargeState::Captured)));
    tick();
    assert_eq!(status(&shown(&payment)), "succeeded");
    assert_eq!(calls(), ["authorize:1", "authorize:1", "status sandbox"]);
    agrees();
}
