//! Requests as Stripe wants them: forms, each with our key.

use form_urlencoded::Serializer;

use crate::amount;
use crate::bindings::stoa::payments::types::{
    Authorization, Cancellation, Capture, Error, Money, Order, Question, Refund,
};

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ask {
    /// The path below the base URL, with its query.
    pub(crate) path: String,
    /// What is posted, form-encoded; `None` is a GET.
    pub(crate) post: Option<Post>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Post {
    /// `Idempotency-Key`.
    pub(crate) key: String,
    pub(crate) form: String,
}

type Fields<'a> = Vec<(&'a str, &'a str)>;

/// What the shop's configuration says about every payment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Terms {
    /// The kinds of means of payment that the shop takes, as Stripe calls them.
    pub(crate) method_types: Vec<String>,
    /// Where the customer comes back to from a page of his bank.
    pub(crate) return_url: Option<String>,
}

/// Creates an intent and confirms it, or confirms the one that there is.
pub(crate) fn authorize(call: &Authorization, terms: &Terms) -> Result<Ask, Error> {
    let mut fields: Fields<'_> = vec![("payment_method", call.method.as_str())];
    if let Some(url) = &terms.return_url {
        fields.push(("return_url", url));
    }
    if let Some(intent) = &call.charge {
        return post(&call.order, intent_path(intent, "/confirm")?, &fields);
    }
    let amount = in_stripe(&call.amount)?;
    let currency = call.amount.currency.to_ascii_lowercase();
    fields.extend([
        ("amount", amount.as_str()),
        ("currency", currency.as_str()),
        ("confirm", "true"),
        (
            "capture_method",
            if call.capture { "automatic" } else { "manual" },
        ),
        ("metadata[payment]", call.order.payment.as_str()),
        ("metadata[reference]", call.reference.as_str()),
    ]);
    let types = terms.method_types.iter();
    fields.extend(types.map(|name| ("payment_method_types[]", name.as_str())));
    post(&call.order, "/v1/payment_intents".to_owned(), &fields)
}

/// Takes what is held; Stripe releases the rest.
pub(crate) fn capture(call: &Capture) -> Result<Ask, Error> {
    let amount = in_stripe(&call.amount)?;
    let path = intent_path(&call.charge, "/capture")?;
    post(&call.order, path, &[("amount_to_capture", amount.as_str())])
}

/// Gives an intent up. Stripe knows a few reasons only.
pub(crate) fn cancel(call: &Cancellation) -> Result<Ask, Error> {
    const REASONS: [&str; 4] = [
        "duplicate",
        "fraudulent",
        "requested_by_customer",
        "abandoned",
    ];
    let path = intent_path(&call.charge, "/cancel")?;
    post(
        &call.order,
        path,
        &known("cancellation_reason", call.reason.as_deref(), &REASONS),
    )
}

/// Gives money back.
pub(crate) fn refund(call: &Refund) -> Result<Ask, Error> {
    const REASONS: [&str; 3] = ["duplicate", "fraudulent", "requested_by_customer"];
    let amount = in_stripe(&call.amount)?;
    let mut fields: Fields<'_> = vec![
        ("payment_intent", call.charge.as_str()),
        ("amount", amount.as_str()),
        ("metadata[payment]", call.order.payment.as_str()),
        ("metadata[refund]", call.refund.as_str()),
    ];
    fields.extend(known("reason", call.reason.as_deref(), &REASONS));
    post(&call.order, "/v1/refunds".to_owned(), &fields)
}

/// Asks for an intent by its id, or searches for it by ours.
pub(crate) fn find(question: &Question) -> Result<Ask, Error> {
    if let Some(intent) = &question.charge {
        return Ok(get(intent_path(intent, "")?));
    }
    // It goes into a query in a language of its own.
    if !is_plain(&question.payment) {
        return Err(Error::Permanent("the payment's id is none".to_owned()));
    }
    let query = format!("metadata['payment']:'{}'", question.payment);
    let query = encode(&[("query", query.as_str())]);
    Ok(get(format!("/v1/payment_intents/search?{query}")))
}

/// Asks for the refunds of an intent.
pub(crate) fn refunds(intent: &str) -> Ask {
    let query = encode(&[("payment_intent", intent), ("limit", "100")]);
    get(format!("/v1/refunds?{query}"))
}

fn get(path: String) -> Ask {
    Ask { path, post: None }
}

fn post(order: &Order, path: String, fields: &[(&str, &str)]) -> Result<Ask, Error> {
    let is_key = (1..=255).contains(&order.key.len())
        && order.key.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_key {
        return Err(Error::Permanent("the key is none".to_owned()));
    }
    Ok(Ask {
        path,
        post: Some(Post {
            key: order.key.clone(),
            form: encode(fields),
        }),
    })
}

fn encode(fields: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// A field with a value that Stripe knows; nothing for any other.
fn known<'a>(name: &'a str, value: Option<&'a str>, values: &[&str]) -> Fields<'a> {
    let value = value.filter(|value| values.contains(value));
    value.map(|value| (name, value)).into_iter().collect()
}

/// The path of an intent: its id is nothing that could lead elsewhere.
fn intent_path(intent: &str, rest: &str) -> Result<String, Error> {
    if is_plain(intent) {
        Ok(format!("/v1/payment_intents/{intent}{rest}"))
    } else {
        Err(Error::Permanent("the charge's id is none".to_owned()))
    }
}

fn is_plain(id: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=255).contains(&id.len()) && id.bytes().all(is_fine)
}

fn in_stripe(money: &Money) -> Result<String, Error> {
    amount::to_stripe(money.amount, &money.currency)
        .filter(|amount| *amount > 0)
        .map(|amount| amount.to_string())
        .ok_or_else(|| Error::Permanent("Stripe has no such amount".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order {
            processor: "stripe".into(),
            key: "018f:authorize:1".into(),
            payment: "018f-a".into(),
        }
    }

    fn euros(amount: i64) -> Money {
        Money {
            amount,
            currency: "EUR".into(),
        }
    }

    fn authorization() -> Authorization {
        Authorization {
            order: order(),
            charge: None,
            amount: euros(1999),
            method: "pm_card_visa".into(),
            capture: true,
            reference: "Order 1 & more".into(),
        }
    }

    fn terms(return_url: Option<&str>) -> Terms {
        Terms {
            method_types: vec!["card".into(), "sepa_debit".into()],
            return_url: return_url.map(str::to_owned),
        }
    }

    fn form(ask: Ask) -> String {
        ask.post.unwrap().form
    }

    #[test]
    fn an_authorization_creates_an_intent_and_confirms_it() {
        let ask = authorize(&authorization(), &terms(None)).unwrap();
        assert_eq!(ask.path, "/v1/payment_intents");
        let post = ask.post.unwrap();
        assert_eq!(post.key, "018f:authorize:1");
        assert_eq!(
            post.form,
            "payment_method=pm_card_visa&amount=1999&currency=eur&confirm=true\
             &capture_method=automatic\
             &metadata%5Bpayment%5D=018f-a&metadata%5Breference%5D=Order+1+%26+more\
             &payment_method_types%5B%5D=card&payment_method_types%5B%5D=sepa_debit"
        );
    }

    #[test]
    fn another_try_confirms_the_same_intent() {
        let call = Authorization {
            charge: Some("pi_1".into()),
            ..authorization()
        };
        let ask = authorize(&call, &terms(Some("https://shop.example/back?a=b"))).unwrap();
        assert_eq!(ask.path, "/v1/payment_intents/pi_1/confirm");
        let expected =
            "payment_method=pm_card_visa&return_url=https%3A%2F%2Fshop.example%2Fback%3Fa%3Db";
        assert_eq!(form(ask), expected);
    }

    #[test]
    fn captures_cancellations_and_refunds_are_about_their_intent() {
        let ask = capture(&Capture {
            order: order(),
            charge: "pi_1".into(),
            amount: euros(1500),
        });
        let ask = ask.unwrap();
        assert_eq!(ask.path, "/v1/payment_intents/pi_1/capture");
        assert_eq!(form(ask), "amount_to_capture=1500");

        let cancellation = |reason: &str| {
            let reason = Some(reason.to_owned());
            cancel(&Cancellation {
                order: order(),
                charge: "pi_1".into(),
                reason,
            })
            .unwrap()
        };
        assert_eq!(cancellation("x").path, "/v1/payment_intents/pi_1/cancel");
        assert_eq!(form(cancellation("changed my mind")), "");
        assert_eq!(
            form(cancellation("duplicate")),
            "cancellation_reason=duplicate"
        );

        let ask = refund(&Refund {
            order: order(),
            charge: "pi_1".into(),
            refund: "018f-r".into(),
            amount: euros(500),
            reason: Some("fraudulent".into()),
        });
        let ask = ask.unwrap();
        assert_eq!(ask.path, "/v1/refunds");
        assert_eq!(
            form(ask),
            "payment_intent=pi_1&amount=500&metadata%5Bpayment%5D=018f-a\
             &metadata%5Brefund%5D=018f-r&reason=fraudulent"
        );
    }

    #[test]
    fn an_intent_is_found_by_its_id_or_by_ours() {
        let question = |charge: Option<&str>, payment: &str| Question {
            processor: "stripe".into(),
            payment: payment.into(),
            charge: charge.map(str::to_owned),
        };
        let path = |question: &Question| find(question).map(|ask| ask.path);
        assert_eq!(
            path(&question(Some("pi_1"), "a")).unwrap(),
            "/v1/payment_intents/pi_1"
        );
        assert_eq!(
            path(&question(None, "018f-a")).unwrap(),
            "/v1/payment_intents/search?query=metadata%5B%27payment%27%5D%3A%27018f-a%27"
        );
        assert!(path(&question(None, "a' OR 'b")).is_err());
        for id in ["", "../refunds", "pi_1?x", "pi_1/cancel", "pi 1"] {
            assert!(path(&question(Some(id), "a")).is_err(), "{id}");
        }
    }

    #[test]
    fn what_stripe_cannot_express_is_not_sent() {
        for (amount, currency) in [(0, "EUR"), (1_234, "KWD"), (50, "MGA"), (1, "XXX")] {
            let call = Authorization {
                amount: Money {
                    amount,
                    currency: currency.into(),
                },
                ..authorization()
            };
            assert!(matches!(
                authorize(&call, &terms(None)),
                Err(Error::Permanent(_))
            ));
        }
    }
}
