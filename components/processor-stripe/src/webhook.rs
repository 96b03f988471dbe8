//! Stripe's webhooks: signed over the body as it came
//! (docs.stripe.com/webhooks, "verify webhook signatures manually").

use serde_json::Value;
use stoa_kit::bindings::stoa::http::types::Header;

use crate::bindings::stoa::payments::types::{Error, Webhook};

/// Checks and reads a webhook, at a time in seconds since the Unix epoch.
pub(crate) fn parse(
    headers: &[Header],
    body: &str,
    secrets: &[&str],
    now: i64,
) -> Result<Webhook, Error> {
    let signature = headers
        .iter()
        .find(|header| header.name == "stripe-signature")
        .map(|header| header.value.as_str())
        .unwrap_or_default();
    stoa_signature::verify(signature, secrets, body, now)
        .map_err(|refusal| Error::Permanent(refusal.to_string()))?;
    let unreadable = || Error::Permanent("it is no event of Stripe".to_owned());
    let event: Value = serde_json::from_str(body).map_err(|_| unreadable())?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let object = &event["data"]["object"];
    // Of an intent, its own id; of charges and refunds, the intent's.
    let charge = match object["object"].as_str() {
        Some("payment_intent") => text(&object["id"]),
        _ => text(&object["payment_intent"]),
    };
    Ok(Webhook {
        event: text(&event["id"]).ok_or_else(unreadable)?,
        kind: text(&event["type"]).ok_or_else(unreadable)?,
        charge,
        payment: text(&object["metadata"]["payment"]),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn parsed(body: &str, secrets: &[&str], signature: &str) -> Result<Webhook, Error> {
        let header = Header {
            name: "stripe-signature".to_owned(),
            value: signature.to_owned(),
        };
        parse(&[header], body, secrets, NOW)
    }

    fn event(object: &Value) -> String {
        let data = json!({ "object": object });
        json!({"id": "evt_1", "object": "event", "type": "a.b", "data": data}).to_string()
    }

    #[test]
    fn an_event_says_which_intent_it_is_about() {
        let metadata = json!({"payment": "018f-a"});
        for object in [
            json!({"object": "payment_intent", "id": "pi_1", "metadata": metadata}),
            json!({"object": "charge", "id": "ch_1", "payment_intent": "pi_1", "metadata": metadata}),
            json!({"object": "refund", "id": "re_1", "payment_intent": "pi_1", "metadata": metadata}),
        ] {
            let body = event(&object);
            let signature = stoa_signature::sign("whsec_1", NOW, &body);
            let webhook = parsed(&body, &["whsec_1"], &signature).unwrap();
            assert_eq!(
                (webhook.event.as_str(), webhook.kind.as_str()),
                ("evt_1", "a.b")
            );
            assert_eq!(webhook.charge.as_deref(), Some("pi_1"));
            assert_eq!(webhook.payment.as_deref(), Some("018f-a"));
        }
    }

    #[test]
    fn what_is_not_signed_by_stripe_is_refused() {
        let body = event(&json!({"object": "payment_intent", "id": "pi_1"}));
        let signature = stoa_signature::sign("whsec_1", NOW, &body);
        assert!(
            parsed(&body, &["whsec_2", "whsec_1"], &signature).is_ok(),
            "being changed"
        );
        assert!(parsed(&body, &["whsec_2"], &signature).is_err());
        assert!(parsed(&body, &[], &signature).is_err());
        assert!(parsed(&body.replace("pi_1", "pi_2"), &["whsec_1"], &signature).is_err());
        let old = stoa_signature::sign("whsec_1", NOW - 301, &body);
        assert!(parsed(&body, &["whsec_1"], &old).is_err());
        assert!(parse(&[], &body, &["whsec_1"], NOW).is_err());
    }
}
