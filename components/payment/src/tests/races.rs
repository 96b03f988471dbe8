//! Two at the same time.

use serde_json::json;
use stoa_kit::Method;

use super::{agrees, events, ledger, refused, status};
use crate::bindings::stoa::payments::types::ChargeState;
use crate::fixtures::{
    admin, ask, calls, done, meanwhile, open, paid, path, pay, shown, standing, stands,
};
use crate::memory::interfere;

#[test]
fn of_two_confirmations_one_is_made_and_the_other_is_a_conflict() {
    open();
    let payment = paid(&json!({"confirm": false}));
    let confirm = path(&payment, "/confirm");
    let other = confirm.clone();
    meanwhile(move || {
        let answer = ask(Method::Post, &other).send();
        assert_eq!(refused(answer), (409, "illegal_state"));
    });
    assert_eq!(status(&ask(Method::Post, &confirm).body()), "succeeded");
    assert_eq!(done(), ["authorize:1"]);
    agrees();
}

#[test]
fn a_payment_that_changes_under_our_hands_is_read_again() {
    open();
    let payment = paid(&json!({"confirm": false}));
    // Claim, read, and then the write that finds another version.
    interfere(["", "", "UPDATE payments SET version = version + 1"]);
    let confirmed = ask(Method::Post, &path(&payment, "/confirm")).body();
    assert_eq!(status(&confirmed), "succeeded");
    assert_eq!(calls(), ["authorize:1"]);

    let payment = paid(&json!({"confirm": false}));
    interfere([
        "",
        "",
        "UPDATE payments SET version = version + 1, state = 'canceled'",
    ]);
    let answer = ask(Method::Post, &path(&payment, "/confirm")).send();
    assert_eq!(refused(answer), (409, "illegal_state"));
    assert_eq!(calls(), [""; 0]);
}

#[test]
fn who_finds_out_first_writes_it_and_the_other_reads_it() {
    open();
    stands(Some(standing(ChargeState::Captured)));
    // While the call is under way, a webhook says how it ended.
    meanwhile(|| {
        let id = crate::tests::texts("SELECT id FROM payments").remove(0);
        let id = stoa_kit::Id::parse(&id, "payment").unwrap();
        crate::reconcile::refetch(id, crate::fixtures::now()).unwrap();
    });
    let payment = pay(&json!({})).body();
    assert_eq!(status(&payment), "succeeded");
    assert_eq!(calls(), ["authorize:1", "status sandbox"]);
    assert_eq!(ledger(), ["authorized 1999", "captured 1999"]);
    assert_eq!(events(), ["payment.succeeded"]);
    agrees();
}

#[test]
fn what_was_settled_between_reading_and_writing_is_not_settled_again() {
    open();
    let payment = paid(&json!({"capture_method": "manual"}));
    let capture = path(&payment, "/capture");
    // Claim, read, begin, and then the write of the outcome.
    interfere(["", "", "", "UPDATE operations SET settled = 1"]);
    let answer = admin(Method::Post, &capture).send().unwrap();
    assert_eq!(answer.status, 202);
    assert_eq!(ledger(), ["authorized 1999"]);
}

#[test]
fn refunds_at_the_same_time_are_never_more_than_was_captured() {
    open();
    let payment = paid(&json!({}));
    let refunds = path(&payment, "/refunds");
    let other = refunds.clone();
    meanwhile(move || {
        let part = json!({"amount": {"amount": 1000, "currency": "EUR"}});
        let answer = admin(Method::Post, &other).json(&part).send();
        assert_eq!(
            refused(answer),
            (409, "refund_too_large"),
            "1500 are pending"
        );
        let rest = json!({"amount": {"amount": 499, "currency": "EUR"}});
        assert_eq!(admin(Method::Post, &other).json(&rest).status(), 201);
    });
    let part = json!({"amount": {"amount": 1500, "currency": "EUR"}});
    assert_eq!(admin(Method::Post, &refunds).json(&part).status(), 201);
    let payment = shown(&payment);
    assert_eq!(payment["amount_refunded"], 1999);
    assert_eq!(done(), ["authorize:1", "refund:1", "refund:2"]);
    agrees();
}

#[test]
fn the_statement_itself_guards_the_sum_of_refunds() {
    open();
    let payment = paid(&json!({}));
    // Claim, read, and then another refund comes first.
    interfere([
        "",
        "",
        "UPDATE payments SET refunding = 1000, version = version + 1",
    ]);
    let part = json!({"amount": {"amount": 1000, "currency": "EUR"}});
    let answer = admin(Method::Post, &path(&payment, "/refunds"))
        .json(&part)
        .send();
    assert_eq!(refused(answer), (409, "refund_too_large"));
    assert_eq!(done(), ["authorize:1"]);
}
