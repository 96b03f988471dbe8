//! What each token does, on a real SQLite, with a clock that stands still.

use std::cell::{Cell, RefCell};

use stoa_kit::bindings::stoa::http::types::Header;
use stoa_kit::sql::Value;
use stoa_kit::{Id, Timestamp};

use crate::bindings::stoa::payments::types::{
    Authorization, Cancellation, Capture, ChargeState, Error, Money, Order, Outcome, Question,
    Refund, RefundState, Standing, Webhook,
};
use crate::calls::{self, Call};
use crate::memory::{DATABASE, rows};
use crate::peers::Delivery;
use crate::{status, webhooks};

thread_local! {
    static NOW: Cell<i64> = const { Cell::new(0) };
    static TAKEN: RefCell<Vec<Webhook>> = const { RefCell::new(Vec::new()) };
    static AWAY: Cell<bool> = const { Cell::new(false) };
}

pub(crate) fn now() -> Timestamp {
    Timestamp(NOW.get())
}

pub(crate) fn name() -> String {
    "sandbox".to_owned()
}

pub(crate) fn secret() -> String {
    "whsec_test".to_owned()
}

/// The payment service, which reads what it gets by the same `parse-webhook`.
pub(crate) fn deliver(headers: &[Header], body: &str) -> Delivery {
    if AWAY.get() {
        return Delivery::Failed("away".to_owned());
    }
    match webhooks::parse("sandbox", headers, body) {
        Ok(webhook) => {
            TAKEN.with_borrow_mut(|taken| taken.push(webhook));
            Delivery::Taken
        }
        Err(error) => Delivery::Refused(format!("{error:?}")),
    }
}

fn open() {
    DATABASE.open();
    NOW.set(1_800_000_000_000);
    TAKEN.take();
    AWAY.set(false);
}

fn tick(later: i64) -> Vec<String> {
    NOW.set(NOW.get() + later);
    webhooks::run(now()).unwrap();
    TAKEN
        .take()
        .into_iter()
        .map(|webhook| webhook.kind)
        .collect()
}

fn order(payment: &str, kind: &str, number: u32) -> Order {
    Order {
        processor: "sandbox".to_owned(),
        key: format!("{payment}:{kind}:{number}"),
        payment: payment.to_owned(),
    }
}

fn euros(amount: i64) -> Money {
    Money {
        amount,
        currency: "EUR".to_owned(),
    }
}

fn authorization(method: &str, capture: bool) -> Authorization {
    Authorization {
        order: order(&Id::new().to_string(), "authorize", 1),
        charge: None,
        amount: euros(1999),
        method: method.to_owned(),
        capture,
        reference: "order 1".to_owned(),
    }
}

fn authorize(call: &Authorization) -> Result<Outcome, Error> {
    calls::run(&call.order, &Call::Authorize(call))
}

fn approved(outcome: Result<Outcome, Error>) -> String {
    match outcome {
        Ok(Outcome::Approved(id)) => id,
        other => panic!("{other:?}"),
    }
}

fn code(outcome: Result<Outcome, Error>) -> String {
    match outcome {
        Ok(Outcome::Declined(decline)) => decline.code,
        other => panic!("{other:?}"),
    }
}

fn stands(call: &Authorization) -> Option<Standing> {
    let question = Question {
        processor: "sandbox".to_owned(),
        payment: call.order.payment.clone(),
        charge: None,
    };
    status::run(&question).unwrap()
}

fn state(call: &Authorization) -> ChargeState {
    stands(call).unwrap().state
}

fn count(table: &str) -> usize {
    rows(&format!("SELECT 1 FROM {table}")).len()
}

fn held(method: &str) -> (Authorization, String) {
    let call = authorization(method, false);
    let charge = approved(authorize(&call));
    (call, charge)
}

fn capture(call: &Authorization, charge: &str, amount: i64, number: u32) -> Result<Outcome, Error> {
    let capture = Capture {
        order: order(&call.order.payment, "capture", number),
        charge: charge.to_owned(),
        amount: euros(amount),
    };
    calls::run(&capture.order, &Call::Capture(&capture))
}

fn refund(call: &Authorization, charge: &str, amount: i64, number: u32) -> Result<Outcome, Error> {
    let refund = Refund {
        order: order(&call.order.payment, "refund", number),
        charge: charge.to_owned(),
        refund: format!("{charge} {number}"),
        amount: euros(amount),
        reason: None,
    };
    calls::run(&refund.order, &Call::Refund(&refund))
}

fn cancel(call: &Authorization, charge: &str) -> Result<Outcome, Error> {
    let cancel = Cancellation {
        order: order(&call.order.payment, "cancel", 1),
        charge: charge.to_owned(),
        reason: None,
    };
    calls::run(&cancel.order, &Call::Cancel(&cancel))
}

#[test]
fn what_is_meant_for_another_processor_is_not_done() {
    open();
    let mut call = authorization("tok_approved", true);
    call.order.processor = "stripe".to_owned();
    assert_eq!(
        authorize(&call),
        Err(Error::Misdirected("sandbox".to_owned()))
    );
    assert_eq!((count("charges"), count("calls")), (0, 0));
}

#[test]
fn the_same_key_is_the_same_charge() {
    open();
    let call = authorization("tok_approved", true);
    let first = approved(authorize(&call));
    assert_eq!(approved(authorize(&call)), first);
    assert_eq!((count("charges"), count("calls")), (1, 1));
    assert_eq!(rows("SELECT times FROM calls"), [[Value::Integer(2)]]);
    assert_eq!(stands(&call).unwrap().captured, 1999);
    let mut other = call.clone();
    other.amount.amount = 1;
    assert!(matches!(authorize(&other), Err(Error::Permanent(_))));
}

#[test]
fn refusals_have_their_codes_and_another_try_is_about_the_same_charge() {
    open();
    for (token, expected) in [
        ("tok_declined", "card_declined"),
        ("tok_insufficient_funds", "insufficient_funds"),
        ("tok_expired", "expired_card"),
        ("tok_nobody_knows", "invalid_payment_method"),
    ] {
        let mut call = authorization(token, true);
        assert_eq!(code(authorize(&call)), expected);
        assert_eq!(code(authorize(&call)), expected, "once more");
        let charge = stands(&call).unwrap();
        assert_eq!(charge.decline.unwrap().code, expected);
        call.order = order(&call.order.payment, "authorize", 2);
        call.charge = Some(charge.charge.clone());
        call.method = "tok_approved".to_owned();
        assert_eq!(approved(authorize(&call)), charge.charge);
    }
    assert_eq!(count("charges"), 4);
}

#[test]
fn an_answer_that_is_lost_was_done_and_a_call_that_is_lost_was_not() {
    open();
    for (token, done) in [
        ("tok_timeout_then_approved", 1),
        ("tok_lost_then_approved", 0),
    ] {
        open();
        let call = authorization(token, true);
        assert!(matches!(authorize(&call), Err(Error::Uncertain(_))));
        assert_eq!(count("charges"), done, "{token}");
        let charge = approved(authorize(&call));
        assert_eq!(approved(authorize(&call)), charge);
        assert_eq!(count("charges"), 1, "{token}");
    }
}

#[test]
fn what_is_held_is_captured_once_or_canceled() {
    open();
    let (call, charge) = held("tok_approved");
    assert_eq!(stands(&call).unwrap().authorized, 1999);
    assert!(matches!(
        capture(&call, &charge, 2000, 1),
        Err(Error::Permanent(_))
    ));
    assert_eq!(approved(capture(&call, &charge, 1500, 1)), charge);
    assert_eq!(
        approved(capture(&call, &charge, 1500, 1)),
        charge,
        "once more"
    );
    assert!(matches!(
        capture(&call, &charge, 1, 2),
        Err(Error::Permanent(_))
    ));
    assert!(matches!(cancel(&call, &charge), Err(Error::Permanent(_))));
    let standing = stands(&call).unwrap();
    assert_eq!((standing.authorized, standing.captured), (0, 1500));

    let (call, charge) = held("tok_approved");
    approved(cancel(&call, &charge));
    assert_eq!(state(&call), ChargeState::Canceled);
    let (call, charge) = held("tok_capture_fails");
    assert_eq!(code(capture(&call, &charge, 1999, 1)), "capture_failed");
    assert_eq!(state(&call), ChargeState::Authorized);
}

#[test]
fn refunds_are_never_more_than_was_taken() {
    open();
    let call = authorization("tok_approved", true);
    let charge = approved(authorize(&call));
    let first = approved(refund(&call, &charge, 1500, 1));
    assert_eq!(approved(refund(&call, &charge, 1500, 1)), first);
    assert!(matches!(
        refund(&call, &charge, 500, 2),
        Err(Error::Permanent(_))
    ));
    approved(refund(&call, &charge, 499, 3));
    assert_eq!(count("refunds"), 2);

    let call = authorization("tok_refund_fails", true);
    let charge = approved(authorize(&call));
    assert_eq!(code(refund(&call, &charge, 1999, 1)), "refund_failed");
    assert_eq!(code(refund(&call, &charge, 1999, 2)), "refund_failed");

    let call = authorization("tok_refund_pending", true);
    let charge = approved(authorize(&call));
    assert!(matches!(
        refund(&call, &charge, 1, 1),
        Ok(Outcome::Pending(_))
    ));
    assert_eq!(
        stands(&call).unwrap().refunds[0].state,
        RefundState::Pending
    );
    tick(2_000);
    assert_eq!(
        stands(&call).unwrap().refunds[0].state,
        RefundState::Succeeded
    );
}

#[test]
fn what_takes_a_while_comes_to_its_end_with_a_tick() {
    open();
    for (token, at_first, later) in [
        (
            "tok_requires_action",
            ChargeState::RequiresAction,
            ChargeState::Captured,
        ),
        (
            "tok_requires_action_then_declined",
            ChargeState::RequiresAction,
            ChargeState::Unpaid,
        ),
        ("tok_pending", ChargeState::Pending, ChargeState::Captured),
        (
            "tok_pending_then_declined",
            ChargeState::Pending,
            ChargeState::Unpaid,
        ),
    ] {
        let call = authorization(token, true);
        let outcome = authorize(&call).unwrap();
        assert!(!matches!(
            outcome,
            Outcome::Approved(_) | Outcome::Declined(_)
        ));
        assert_eq!(state(&call), at_first, "{token}");
        tick(1_999);
        assert_eq!(state(&call), at_first, "{token}");
        tick(1);
        assert_eq!(state(&call), later, "{token}");
    }
}

#[test]
fn webhooks_come_as_their_token_says() {
    for (token, soon, late) in [
        ("tok_approved", vec!["charge.captured"], vec![]),
        ("tok_declined", vec!["charge.failed"], vec![]),
        (
            "tok_pending",
            vec!["charge.pending", "charge.captured"],
            vec![],
        ),
        ("tok_no_webhook", vec![], vec![]),
        (
            "tok_duplicate_webhook",
            vec!["charge.captured", "charge.captured", "charge.captured"],
            vec![],
        ),
        (
            "tok_out_of_order_webhook",
            vec!["charge.captured", "charge.pending"],
            vec![],
        ),
        (
            "tok_late_webhook",
            vec![],
            vec!["charge.pending", "charge.captured"],
        ),
    ] {
        open();
        authorize(&authorization(token, true)).unwrap();
        assert_eq!(tick(2_000), soon, "{token}");
        assert_eq!(tick(30_000), late, "{token}");
        assert_eq!(tick(60_000), [""; 0], "{token}");
    }
}

#[test]
fn duplicates_have_one_id() {
    open();
    authorize(&authorization("tok_duplicate_webhook", true)).unwrap();
    let events = rows("SELECT DISTINCT event FROM webhooks");
    assert_eq!((events.len(), count("webhooks")), (1, 3));
}

#[test]
fn a_webhook_that_is_not_taken_comes_again_later_and_in_the_end_not_any_more() {
    open();
    authorize(&authorization("tok_approved", true)).unwrap();
    AWAY.set(true);
    assert_eq!(tick(0), [""; 0]);
    AWAY.set(false);
    assert_eq!(tick(14_999), [""; 0]);
    assert_eq!(tick(1), ["charge.captured"]);

    authorize(&authorization("tok_approved", true)).unwrap();
    AWAY.set(true);
    for _ in 0..20 {
        tick(24 * 60 * 60 * 1_000);
    }
    AWAY.set(false);
    assert_eq!(tick(24 * 60 * 60 * 1_000), [""; 0]);
}

#[test]
fn a_forged_webhook_is_refused() {
    open();
    let parse = |name: &str, value: &str| {
        let header = Header {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        webhooks::parse("sandbox", &[header], "{}")
    };
    let forged = stoa_signature::sign("other", now().0 / 1_000, "{}");
    assert!(matches!(
        parse("stoa-signature", &forged),
        Err(Error::Permanent(_))
    ));
    assert!(matches!(parse("x", ""), Err(Error::Permanent(_))));
    let signed = stoa_signature::sign(&secret(), now().0 / 1_000, "{}");
    assert!(
        matches!(parse("stoa-signature", &signed), Err(Error::Permanent(_))),
        "no webhook"
    );
}
