//! Money on its way back.

use serde_json::json;
use stoa_kit::Method;

use super::{agrees, events, json as body, ledger, refused, status};
use crate::bindings::stoa::payments::types::{
    ChargeState, Decline, Outcome, RefundStanding, RefundState,
};
use crate::fixtures::{
    Ask, Next, admin, advance, open, paid, path, script, shown, standing, stands,
};
use crate::housekeeping;

fn part(amount: i64) -> serde_json::Value {
    json!({"amount": {"amount": amount, "currency": "EUR"}, "reason": "broken"})
}

#[test]
fn money_is_given_back_in_parts_up_to_what_was_captured() {
    open();
    let payment = paid(&json!({}));
    let refunds = path(&payment, "/refunds");
    let response = admin(Method::Post, &refunds)
        .json(&part(500))
        .send()
        .unwrap();
    let refund = body(&response);
    assert_eq!((response.status, status(&refund)), (201, "succeeded"));
    assert_eq!(refund["payment"], payment["id"]);
    assert_eq!(refund["amount"], json!({"amount": 500, "currency": "EUR"}));
    assert_eq!(refund["reason"], "broken");
    let answer = admin(Method::Post, &refunds).json(&part(1500)).send();
    assert_eq!(refused(answer), (409, "refund_too_large"));
    let rest = admin(Method::Post, &refunds).body();
    assert_eq!(rest["amount"]["amount"], 1499, "all that is left");
    let answer = admin(Method::Post, &refunds).send();
    assert_eq!(refused(answer), (409, "refund_too_large"));
    let payment = shown(&payment);
    assert_eq!(
        (status(&payment), &payment["amount_refunded"]),
        ("succeeded", &json!(1999))
    );
    assert_eq!(
        events(),
        ["payment.succeeded", "payment.refunded", "payment.refunded"]
    );
    agrees();
}

#[test]
fn a_refund_that_is_refused_can_be_made_again() {
    open();
    let payment = paid(&json!({}));
    let refunds = path(&payment, "/refunds");
    script([Next::Answer(Outcome::Declined(Decline {
        charge: None,
        code: "expired_card".to_owned(),
        message: "The card has expired.".to_owned(),
    }))]);
    let refund = admin(Method::Post, &refunds).json(&part(1999)).body();
    assert_eq!(
        (status(&refund), &refund["failure_code"]),
        ("failed", &json!("expired_card"))
    );
    let refund = admin(Method::Post, &refunds).json(&part(1999)).body();
    assert_eq!(status(&refund), "succeeded");
    let expected = [
        "authorized 1999",
        "captured 1999",
        "refund_pending 1999",
        "refund_failed 1999",
        "refund_pending 1999",
        "refunded 1999",
    ];
    assert_eq!(ledger(), expected);
    agrees();
}

#[test]
fn a_refund_that_takes_its_time_counts_from_the_beginning() {
    open();
    let payment = paid(&json!({}));
    let refunds = path(&payment, "/refunds");
    script([Next::Answer(Outcome::Pending("re_1".to_owned()))]);
    let response = admin(Method::Post, &refunds)
        .json(&part(1500))
        .send()
        .unwrap();
    let refund = body(&response);
    assert_eq!((response.status, status(&refund)), (202, "pending"));
    let answer = admin(Method::Post, &refunds).json(&part(500)).send();
    assert_eq!(refused(answer), (409, "refund_too_large"));

    let mut captured = standing(ChargeState::Captured);
    captured.refunds = vec![RefundStanding {
        refund: refund["id"].as_str().map(str::to_owned),
        state: RefundState::Pending,
        code: None,
    }];
    stands(Some(captured.clone()));
    advance(2_000);
    housekeeping::run(1);
    assert_eq!(shown(&payment)["amount_refunding"], 1500);
    captured.refunds[0].state = RefundState::Succeeded;
    stands(Some(captured));
    advance(15_000);
    housekeeping::run(1);
    let payment = shown(&payment);
    assert_eq!(
        (&payment["amount_refunding"], &payment["amount_refunded"]),
        (&json!(0), &json!(1500))
    );
    assert_eq!(events().last().unwrap(), "payment.refunded");
    agrees();
}

#[test]
fn a_refund_that_the_bank_sends_back_is_the_shops_again() {
    open();
    let payment = paid(&json!({}));
    let refunds = path(&payment, "/refunds");
    let refund = admin(Method::Post, &refunds).json(&part(500)).body();
    assert_eq!(status(&refund), "succeeded");
    let mut standing = standing(ChargeState::Captured);
    standing.refunds = vec![RefundStanding {
        refund: refund["id"].as_str().map(str::to_owned),
        state: RefundState::Failed,
        code: Some("expired_card".to_owned()),
    }];
    stands(Some(standing));
    for event in ["evt_1", "evt_2"] {
        let mut webhook = Ask::new(Method::Post, "/webhooks/payments/sandbox");
        webhook.0.body = format!("{event} ch_1");
        assert_eq!(webhook.header("stoa-signature", "good").status(), 204);
    }
    assert_eq!(shown(&payment)["amount_refunded"], 0);
    assert_eq!(ledger().last().unwrap(), "refund_returned 500");
    agrees();
    let rest = admin(Method::Post, &refunds).body();
    assert_eq!(rest["amount"]["amount"], 1999, "all of it, once more");
    agrees();
}
