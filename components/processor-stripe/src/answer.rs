//! What Stripe's answers mean.
//!
//! Refused is what is about the card (402), or about an intent that was made
//! all the same. Permanent is what is about the request, and will be said to it
//! for ever. All else is uncertain: what is about us (keys, limits, what another
//! account has), about a key that is in use, about an intent that is not where
//! we took it to be, and every accident; for an earlier try may have been done,
//! and where the intent stands, `status` finds out.

use serde_json::Value;

use crate::amount;
use crate::bindings::stoa::payments::types::{
    Action, ChargeState, Decline, Error, NextStep, Outcome, RefundStanding, RefundState, Standing,
};
use crate::http::Answer;

/// What came of an authorization.
pub(crate) fn authorized(answer: &Answer) -> Result<Outcome, Error> {
    let intent = match read(answer) {
        Ok(intent) => intent,
        Err(Refused::Card(decline)) => return Ok(Outcome::Declined(decline)),
        Err(refused) => return Err(refused.into()),
    };
    let id = id(&intent)?;
    match status(&intent) {
        "succeeded" | "requires_capture" => Ok(Outcome::Approved(id)),
        "processing" => Ok(Outcome::Pending(id)),
        "requires_action" => Ok(Outcome::RequiresAction(action(&intent)?)),
        "requires_payment_method" => Ok(Outcome::Declined(decline_of(&intent))),
        other => Err(unknown(other)),
    }
}

/// What came of a capture.
pub(crate) fn captured(answer: &Answer) -> Result<Outcome, Error> {
    ended(answer, "succeeded")
}

/// What came of a cancellation.
pub(crate) fn canceled(answer: &Answer) -> Result<Outcome, Error> {
    ended(answer, "canceled")
}

/// Whether an intent has come to where it should.
fn ended(answer: &Answer, wanted: &str) -> Result<Outcome, Error> {
    let intent = match read(answer) {
        Ok(intent) => intent,
        Err(Refused::Card(decline)) => return Ok(Outcome::Declined(decline)),
        Err(refused) => return Err(refused.into()),
    };
    let id = id(&intent)?;
    match status(&intent) {
        status if status == wanted => Ok(Outcome::Approved(id)),
        "processing" => Ok(Outcome::Pending(id)),
        other => Err(unknown(other)),
    }
}

/// What came of a refund.
pub(crate) fn refunded(answer: &Answer) -> Result<Outcome, Error> {
    let refund = match read(answer) {
        Ok(refund) => refund,
        Err(Refused::Card(decline)) => return Ok(Outcome::Declined(decline)),
        Err(refused) => return Err(refused.into()),
    };
    let id = id(&refund)?;
    Ok(match refund_state(&refund) {
        RefundState::Succeeded => Outcome::Approved(id),
        RefundState::Pending => Outcome::Pending(id),
        RefundState::Failed => Outcome::Declined(Decline {
            charge: None,
            code: failure_code(&refund),
            message: "The refund failed.".to_owned(),
        }),
    })
}

/// The intent that was asked for; `None` if a search found none. Of several,
/// the one in which money has moved. One that is not there by its id is another
/// account's: nobody knows.
pub(crate) fn intent(answer: &Answer) -> Result<Option<Value>, Error> {
    let found = read(answer).map_err(Error::from)?;
    let Some(list) = found["data"].as_array() else {
        return Ok(Some(found));
    };
    let moved = list.iter().find(|intent| is_paid(intent));
    Ok(moved.or_else(|| list.first()).cloned())
}

/// Where an intent stands; its refunds are asked for by another request.
pub(crate) fn standing(intent: &Value) -> Result<Standing, Error> {
    let state = match status(intent) {
        "requires_payment_method" | "requires_confirmation" => ChargeState::Unpaid,
        "requires_action" => ChargeState::RequiresAction,
        "processing" => ChargeState::Pending,
        "requires_capture" => ChargeState::Authorized,
        "succeeded" => ChargeState::Captured,
        "canceled" => ChargeState::Canceled,
        other => return Err(unknown(other)),
    };
    let currency = intent["currency"].as_str().unwrap_or_default();
    let amount = |name: &str| {
        let amount = intent[name].as_i64();
        amount
            .and_then(|amount| amount::from_stripe(amount, currency))
            .ok_or_else(|| unknown("amount"))
    };
    Ok(Standing {
        charge: id(intent)?,
        state,
        authorized: amount("amount_capturable")?,
        captured: amount("amount_received")?,
        decline: (state == ChargeState::Unpaid).then(|| decline_of(intent)),
        action: match state {
            ChargeState::RequiresAction => Some(action(intent)?),
            _ => None,
        },
        refunds: Vec::new(),
    })
}

/// Where refunds stand.
pub(crate) fn refunds(answer: &Answer) -> Result<Vec<RefundStanding>, Error> {
    let list = read(answer).map_err(Error::from)?;
    let list = list["data"].as_array().ok_or_else(|| unknown("list"))?;
    let standing = |refund: &Value| {
        let state = refund_state(refund);
        RefundStanding {
            refund: text(&refund["metadata"]["refund"]),
            state,
            code: (state == RefundState::Failed).then(|| failure_code(refund)),
        }
    };
    Ok(list.iter().map(standing).collect())
}

/// Why a request was not done.
enum Refused {
    /// The card is no good.
    Card(Decline),
    Permanent(String),
    Uncertain(String),
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Card(decline) => Self::Permanent(decline.code),
            Refused::Permanent(why) => Self::Permanent(why),
            Refused::Uncertain(why) => Self::Uncertain(why),
        }
    }
}

fn read(answer: &Answer) -> Result<Value, Refused> {
    let body: Value = serde_json::from_str(&answer.body)
        .map_err(|_| Refused::Uncertain(format!("{} without JSON", answer.status)))?;
    if (200..300).contains(&answer.status) {
        return Ok(body);
    }
    let error = &body["error"];
    let kind = error["type"].as_str().unwrap_or_default();
    let code = error["code"].as_str().unwrap_or_default();
    // Codes only: a message may repeat what was sent.
    let said = format!("{} {kind} {code}", answer.status);
    Err(match (answer.status, kind) {
        (402, _) | (400, "card_error") => Refused::Card(decline(error)),
        (400 | 404, "invalid_request_error") if error["param"] == "payment_method" => {
            Refused::Card(Decline {
                charge: intent_of(error),
                code: "invalid_payment_method".to_owned(),
                message: "There is no such means of payment.".to_owned(),
            })
        }
        (400, "invalid_request_error") if code == "payment_intent_unexpected_state" => {
            let intent = &error["payment_intent"];
            Refused::Uncertain(format!("{said}, it is {}", status(intent)))
        }
        // An intent was made, which the next try has to be about.
        (400, "invalid_request_error") if intent_of(error).is_some() => Refused::Card(Decline {
            charge: intent_of(error),
            code: "processor_error".to_owned(),
            message: "The processor did not accept the request.".to_owned(),
        }),
        (400, "invalid_request_error") if code != "resource_missing" => Refused::Permanent(said),
        _ => Refused::Uncertain(said),
    })
}

/// What only the shop may know: whoever tries stolen cards would learn from it
/// (docs.stripe.com/declines/codes, "don't report more detailed information").
const KEPT_TO_OURSELVES: [&str; 7] = [
    "fraudulent",
    "lost_card",
    "merchant_blacklist",
    "pickup_card",
    "restricted_card",
    "security_violation",
    "stolen_card",
];

fn decline(error: &Value) -> Decline {
    let code = ["decline_code", "code"]
        .iter()
        .find_map(|name| text(&error[*name]))
        .filter(|code| !KEPT_TO_OURSELVES.contains(&code.as_str()));
    Decline {
        charge: intent_of(error),
        code: code.unwrap_or_else(|| "card_declined".to_owned()),
        message: text(&error["message"]).unwrap_or_else(|| "The card was declined.".to_owned()),
    }
}

fn intent_of(error: &Value) -> Option<String> {
    text(&error["payment_intent"]["id"])
}

/// Why the last try was refused.
fn decline_of(intent: &Value) -> Decline {
    let error = &intent["last_payment_error"];
    let decline = if error.is_null() {
        Decline {
            charge: None,
            code: "not_paid".to_owned(),
            message: "It was not paid.".to_owned(),
        }
    } else {
        decline(error)
    };
    Decline {
        charge: text(&intent["id"]),
        ..decline
    }
}

/// What the customer has to do: visit a page, or what Stripe's script makes of
/// the client secret.
fn action(intent: &Value) -> Result<Action, Error> {
    let next = &intent["next_action"];
    let url = text(&next["redirect_to_url"]["url"]);
    let next = match (url, text(&intent["client_secret"])) {
        (Some(url), _) => NextStep::Url(url),
        (None, Some(secret)) => NextStep::Data(secret),
        (None, None) => return Err(unknown("next_action")),
    };
    Ok(Action {
        charge: id(intent)?,
        next,
    })
}

fn refund_state(refund: &Value) -> RefundState {
    match status(refund) {
        "succeeded" => RefundState::Succeeded,
        "failed" | "canceled" => RefundState::Failed,
        _ => RefundState::Pending,
    }
}

fn failure_code(refund: &Value) -> String {
    text(&refund["failure_reason"]).unwrap_or_else(|| "refund_failed".to_owned())
}

fn is_paid(intent: &Value) -> bool {
    matches!(status(intent), "succeeded" | "requires_capture")
}

fn status(object: &Value) -> &str {
    object["status"].as_str().unwrap_or_default()
}

fn id(object: &Value) -> Result<String, Error> {
    text(&object["id"]).ok_or_else(|| unknown("id"))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn unknown(what: &str) -> Error {
    Error::Uncertain(format!("Stripe's answer has an unknown {what}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: &Value) -> Answer {
        Answer {
            status,
            body: body.to_string(),
        }
    }

    fn pi(status: &str) -> Value {
        json!({
            "id": "pi_1", "object": "payment_intent", "amount": 1999, "currency": "eur",
            "amount_capturable": if status == "requires_capture" { 1999 } else { 0 },
            "amount_received": if status == "succeeded" { 1999 } else { 0 },
            "client_secret": "pi_1_secret_2", "status": status,
            "last_payment_error": null, "next_action": null,
        })
    }

    fn said(outcome: Result<Outcome, Error>) -> String {
        match outcome {
            Ok(Outcome::Approved(id)) => format!("approved {id}"),
            Ok(Outcome::Pending(id)) => format!("pending {id}"),
            Ok(Outcome::Declined(decline)) => {
                format!("declined {} {:?}", decline.code, decline.charge)
            }
            Ok(Outcome::RequiresAction(action)) => format!("action {:?}", action.next),
            Err(Error::Permanent(why)) => format!("permanent {why}"),
            Err(Error::Uncertain(why)) => format!("uncertain {why}"),
            Err(Error::Misdirected(_)) => "misdirected".to_owned(),
        }
    }

    #[test]
    fn an_intents_status_says_what_came_of_it() {
        for (status, expected) in [
            ("succeeded", "approved pi_1"),
            ("requires_capture", "approved pi_1"),
            ("processing", "pending pi_1"),
            (
                "requires_action",
                "action NextStep::Data(\"pi_1_secret_2\")",
            ),
            (
                "requires_payment_method",
                "declined not_paid Some(\"pi_1\")",
            ),
            (
                "on_hold",
                "uncertain Stripe's answer has an unknown on_hold",
            ),
        ] {
            assert_eq!(said(authorized(&answer(200, &pi(status)))), expected);
        }
        assert_eq!(
            said(captured(&answer(200, &pi("succeeded")))),
            "approved pi_1"
        );
        assert_eq!(
            said(canceled(&answer(200, &pi("canceled")))),
            "approved pi_1"
        );
    }

    #[test]
    fn a_page_to_visit_is_passed_on() {
        let mut intent = pi("requires_action");
        intent["next_action"] = json!({
            "type": "redirect_to_url",
            "redirect_to_url": {"url": "https://hooks.stripe.com/3d", "return_url": null},
        });
        let expected = "action NextStep::Url(\"https://hooks.stripe.com/3d\")";
        assert_eq!(said(authorized(&answer(200, &intent))), expected);
    }

    #[test]
    fn errors_are_refusals_mistakes_or_nobody_knows() {
        let error = |kind: &str, code: &str, more: Value| {
            let mut error = json!({"type": kind, "code": code, "message": "4242424242424242"});
            for (name, value) in more.as_object().unwrap() {
                error[name] = value.clone();
            }
            json!({ "error": error })
        };
        let declined =
            json!({"decline_code": "insufficient_funds", "payment_intent": {"id": "pi_1"}});
        let method = json!({"param": "payment_method"});
        for (status, body, expected) in [
            (
                402,
                error("card_error", "card_declined", declined),
                "declined insufficient_funds Some(\"pi_1\")",
            ),
            (
                400,
                error(
                    "invalid_request_error",
                    "amount_too_small",
                    json!({"payment_intent": {"id": "pi_1"}}),
                ),
                "declined processor_error Some(\"pi_1\")",
            ),
            (
                400,
                error("invalid_request_error", "resource_missing", json!({})),
                "uncertain 400 invalid_request_error resource_missing",
            ),
            (
                402,
                error("card_error", "expired_card", json!({})),
                "declined expired_card None",
            ),
            (
                404,
                error("invalid_request_error", "resource_missing", method),
                "declined invalid_payment_method None",
            ),
            (
                400,
                error("invalid_request_error", "amount_too_small", json!({})),
                "permanent 400 invalid_request_error amount_too_small",
            ),
            (
                404,
                error(
                    "invalid_request_error",
                    "resource_missing",
                    json!({"param": "intent"}),
                ),
                "uncertain 404 invalid_request_error resource_missing",
            ),
            (
                400,
                error("idempotency_error", "", json!({})),
                "uncertain 400 idempotency_error ",
            ),
            (
                409,
                error("idempotency_error", "idempotency_key_in_use", json!({})),
                "uncertain 409 idempotency_error idempotency_key_in_use",
            ),
            (
                401,
                error("invalid_request_error", "", json!({})),
                "uncertain 401 invalid_request_error ",
            ),
            (
                429,
                error("invalid_request_error", "rate_limit", json!({})),
                "uncertain 429 invalid_request_error rate_limit",
            ),
            (
                500,
                error("api_error", "", json!({})),
                "uncertain 500 api_error ",
            ),
        ] {
            assert_eq!(said(authorized(&answer(status, &body))), expected);
        }
        let broken = Answer {
            status: 200,
            body: "<html>".to_owned(),
        };
        assert_eq!(said(authorized(&broken)), "uncertain 200 without JSON");
    }

    #[test]
    fn an_intent_that_is_elsewhere_has_to_be_asked_about() {
        let unexpected = |status: &str| {
            let body = json!({"error": {
                "type": "invalid_request_error", "code": "payment_intent_unexpected_state",
                "message": "...", "payment_intent": pi(status),
            }});
            answer(400, &body)
        };
        for (outcome, state) in [
            (captured(&unexpected("succeeded")), "succeeded"),
            (canceled(&unexpected("canceled")), "canceled"),
            (
                authorized(&unexpected("requires_capture")),
                "requires_capture",
            ),
            (captured(&unexpected("canceled")), "canceled"),
        ] {
            let expected = format!(
                "uncertain 400 invalid_request_error payment_intent_unexpected_state, it is {state}"
            );
            assert_eq!(said(outcome), expected);
        }
    }

    #[test]
    fn a_refund_has_ended_or_has_not() {
        for (status, expected) in [
            ("succeeded", "approved re_1"),
            ("pending", "pending re_1"),
            ("requires_action", "pending re_1"),
            ("failed", "declined expired_or_canceled_card None"),
            ("canceled", "declined expired_or_canceled_card None"),
        ] {
            let refund = json!({
                "id": "re_1", "object": "refund", "status": status,
                "failure_reason": "expired_or_canceled_card",
            });
            assert_eq!(said(refunded(&answer(200, &refund))), expected);
        }
    }

    #[test]
    fn a_standing_has_what_moved() {
        let held = standing(&pi("requires_capture")).unwrap();
        assert_eq!(
            (held.state, held.authorized),
            (ChargeState::Authorized, 1999)
        );
        let paid = standing(&pi("succeeded")).unwrap();
        assert_eq!((paid.state, paid.captured), (ChargeState::Captured, 1999));
        let mut unpaid = pi("requires_payment_method");
        unpaid["last_payment_error"] = json!({
            "type": "card_error", "code": "card_declined", "decline_code": "lost_card",
            "message": "Your card was declined.",
        });
        let decline = standing(&unpaid).unwrap().decline.unwrap();
        assert_eq!(
            (decline.code.as_str(), decline.charge.as_deref()),
            ("card_declined", Some("pi_1"))
        );
        let list = json!({"object": "list", "data": [
            {"id": "re_1", "status": "succeeded", "metadata": {"refund": "018f-r"}},
            {"id": "re_2", "status": "failed", "metadata": {}},
        ]});
        let refunds = refunds(&answer(200, &list)).unwrap();
        assert_eq!(refunds[0].refund.as_deref(), Some("018f-r"));
        assert_eq!(refunds[0].state, RefundState::Succeeded);
        assert_eq!(refunds[1].code.as_deref(), Some("refund_failed"));
    }

    #[test]
    fn of_several_intents_the_one_counts_in_which_money_has_moved() {
        let mut paid = pi("succeeded");
        paid["id"] = json!("pi_2");
        let list = json!({"object": "search_result", "data": [pi("canceled"), paid]});
        assert_eq!(intent(&answer(200, &list)).unwrap().unwrap()["id"], "pi_2");
        let none = json!({"object": "search_result", "data": []});
        assert!(intent(&answer(200, &none)).unwrap().is_none());
        assert!(intent(&answer(404, &json!({}))).is_err());
        assert!(intent(&answer(500, &json!({}))).is_err());
    }
}
