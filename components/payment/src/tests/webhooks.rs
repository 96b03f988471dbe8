//! News from processors: late, twice, in the wrong order, or forged.

use serde_json::{Value, json};
use stoa_kit::Method;

use super::{agrees, events, ledger, refused, status};
use crate::bindings::exports::stoa::payments::webhooks::{Error, Guest as _};
use crate::bindings::stoa::payments::types::{Action, ChargeState, NextStep, Outcome};
use crate::fixtures::{
    Ask, Next, advance, ask, calls, meanwhile, open, paid, path, script, shown, standing, stands,
};
use crate::{Payments, housekeeping, memory};

fn webhook(body: &str) -> Ask {
    let mut ask = Ask::new(Method::Post, "/webhooks/payments/sandbox");
    ask.0.body = body.to_owned();
    ask.header("stoa-signature", "good")
}

/// A payment whose customer is at the bank.
fn waiting() -> Value {
    script([Next::Answer(Outcome::RequiresAction(Action {
        charge: "ch_1".to_owned(),
        next: NextStep::Url("https://bank.example".to_owned()),
    }))]);
    let payment = paid(&json!({}));
    calls();
    payment
}

#[test]
fn a_webhook_lets_the_charge_be_asked_about_and_is_answered_at_once() {
    open();
    let payment = waiting();
    stands(Some(standing(ChargeState::Captured)));
    assert_eq!(webhook("evt_1 ch_1").status(), 204);
    assert_eq!(status(&shown(&payment)), "succeeded");
    assert_eq!(calls(), ["status sandbox"]);
    agrees();
}

#[test]
fn an_answer_from_before_a_newer_try_says_nothing_about_it() {
    open();
    let payment = waiting();
    stands(Some(standing(ChargeState::Unpaid)));
    let confirm = path(&payment, "/confirm");
    meanwhile(move || {
        assert_eq!(webhook("evt_2 ch_1").status(), 204);
        script([Next::LoseCall]);
        assert_eq!(ask(Method::Post, &confirm).status(), 202);
    });
    assert_eq!(webhook("evt_1 ch_1").status(), 204);
    assert_eq!(status(&shown(&payment)), "processing");
    assert_eq!(events(), ["payment.failed"]);
    // The newer try goes on.
    advance(2_000);
    housekeeping::run(1);
    assert_eq!(status(&shown(&payment)), "succeeded");
    assert_eq!(events(), ["payment.failed", "payment.succeeded"]);
    agrees();
}

#[test]
fn the_same_event_is_taken_once() {
    open();
    waiting();
    stands(Some(standing(ChargeState::Captured)));
    for _ in 0..3 {
        assert_eq!(webhook("evt_1 ch_1").status(), 204);
    }
    assert_eq!(calls(), ["status sandbox"]);
    assert_eq!(events(), ["payment.succeeded"]);
    assert_eq!(ledger(), ["authorized 1999", "captured 1999"]);
}

#[test]
fn the_order_of_events_does_not_matter() {
    open();
    let payment = waiting();
    stands(Some(standing(ChargeState::Captured)));
    assert_eq!(webhook("evt_2 ch_1").status(), 204);
    // What is told late is asked about anew: it is captured by now.
    assert_eq!(webhook("evt_1 ch_1").status(), 204);
    assert_eq!(status(&shown(&payment)), "succeeded");
    assert_eq!(events(), ["payment.succeeded"]);
    agrees();
}

#[test]
fn a_webhook_about_a_call_that_is_under_way_fails_nothing() {
    open();
    script([Next::LoseCall]);
    let payment = paid(&json!({}));
    memory::rows("UPDATE payments SET charge = 'ch_1'");
    stands(Some(standing(ChargeState::Unpaid)));
    assert_eq!(webhook("evt_1 ch_1").status(), 204);
    assert_eq!(status(&shown(&payment)), "processing");
    advance(2_000);
    housekeeping::run(1);
    assert_eq!(status(&shown(&payment)), "succeeded");
    agrees();
}

#[test]
fn an_authorization_that_ended_elsewhere_is_noticed() {
    open();
    let payment = paid(&json!({"capture_method": "manual"}));
    stands(Some(standing(ChargeState::Canceled)));
    assert_eq!(webhook("evt_1 ch_1").status(), 204);
    let payment = shown(&payment);
    assert_eq!(
        (status(&payment), &payment["amount_capturable"]),
        ("canceled", &json!(0))
    );
    agrees();
}

#[test]
fn who_fails_at_the_bank_may_try_another_way() {
    open();
    let payment = waiting();
    stands(Some(standing(ChargeState::Unpaid)));
    assert_eq!(webhook("evt_1 ch_1").status(), 204);
    let failed = shown(&payment);
    assert_eq!(
        (status(&failed), &failed["next_action"]),
        ("requires_payment_method", &json!(null))
    );
    // And may have paid after all.
    stands(Some(standing(ChargeState::Captured)));
    assert_eq!(webhook("evt_2 ch_1").status(), 204);
    assert_eq!(status(&shown(&payment)), "succeeded");
    agrees();
}

#[test]
fn what_is_about_nothing_of_ours_is_taken_and_forgotten() {
    open();
    waiting();
    assert_eq!(webhook("evt_1 ch_unknown").status(), 204);
    assert_eq!(calls(), [""; 0]);
}

#[test]
fn a_forged_webhook_is_refused_and_an_unknown_processor_not_found() {
    open();
    let signed = |signature: &str| {
        let mut ask = webhook("evt_1 ch_1");
        ask.0.headers.clear();
        ask.header("stoa-signature", signature).send()
    };
    assert_eq!(refused(signed("bad")), (400, "invalid_webhook"));
    assert_eq!(refused(signed("away")), (503, "unavailable"));
    let mut elsewhere = webhook("evt_1 ch_1");
    elsewhere.0.path[2] = "paypal".to_owned();
    assert_eq!(refused(elsewhere.send()), (404, "not_found"));
    assert!(memory::rows("SELECT 1 FROM webhooks").is_empty());
}

#[test]
fn processors_inside_the_lattice_deliver_the_same() {
    open();
    let payment = waiting();
    stands(Some(standing(ChargeState::Captured)));
    let deliver = |signature: &str| {
        let headers = webhook("").header("stoa-signature", signature).0.headers;
        let headers = headers.into_iter().skip(1).collect();
        let answer = Payments::deliver("sandbox".into(), headers, "evt_1 ch_1".into());
        answer.unwrap_or_else(|_| panic!("no answer"))
    };
    assert!(matches!(deliver("bad"), Err(Error::Refused(_))));
    assert!(matches!(deliver("away"), Err(Error::Unavailable(_))));
    assert_eq!(deliver("good"), Ok(()));
    assert_eq!(status(&shown(&payment)), "succeeded");
}

#[test]
fn events_are_forgotten_after_a_month() {
    open();
    waiting();
    webhook("evt_1 ch_1").send().unwrap();
    let day = 24 * 60 * 60 * 1_000;
    advance(29 * day);
    housekeeping::delete_old(crate::fixtures::now()).unwrap();
    assert_eq!(memory::rows("SELECT 1 FROM webhooks").len(), 1);
    advance(day);
    housekeeping::delete_old(crate::fixtures::now()).unwrap();
    assert!(memory::rows("SELECT 1 FROM webhooks").is_empty());
}
