//! What processors say by themselves: late, twice, in the wrong order, or not
//! they but somebody else.

use hmac::{Hmac, Mac as _};
use serde_json::json;
use sha2::Sha256;
use stoa_harness::eventually;

use super::{becomes, ledger_agrees, number, path, pay};
use crate::auth::Person;
use crate::shared;

/// How the sandbox signs: as Stripe does, with the secret in the manifest.
fn signature(secret: &str, time: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key");
    mac.update(format!("{time}.{body}").as_bytes());
    let code = mac.finalize().into_bytes();
    let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={time},v1={hex}")
}

fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(now.expect("after 1970").as_secs()).expect("seconds")
}

pub(crate) fn late_repeated_and_unordered_webhooks_change_nothing_twice() {
    let person = Person::new("webhooks@pay.example");
    // The token, and how many webhooks the sandbox sends for it.
    for (token, webhooks) in [
        ("tok_pending", 2),
        ("tok_duplicate_webhook", 3),
        ("tok_out_of_order_webhook", 2),
        ("tok_late_webhook", 2),
    ] {
        let payment = pay(&person, token);
        assert!(matches!(payment.status, 201 | 202), "{token}: {payment:?}");
        let path = path(&payment);
        let paid = becomes(&person.client, &path, "succeeded");
        let id = paid["id"].as_str().expect("an id");
        let delivered = format!(
            "SELECT count(*) FROM webhooks WHERE payment = '{id}' AND delivered IS NOT NULL"
        );
        eventually(&format!("{webhooks} webhooks of {token}"), || {
            number(shared(), "processor-sandbox", &delivered) == webhooks
        });
        let after = person.client.get(&path).send().expect(200).body;
        assert_eq!(after, paid, "{token}");
        let events = person.client.get(&format!("{path}/events")).send();
        let events = events.expect(200).body["data"].take();
        assert_eq!(events.as_array().map(Vec::len), Some(2), "{events}");
    }
    let refused = pay(&person, "tok_pending_then_declined");
    let refused = becomes(&person.client, &path(&refused), "requires_payment_method");
    assert_eq!(refused["last_error"]["code"], "card_declined");
    ledger_agrees(shared());
}

pub(crate) fn what_comes_without_a_webhook_is_found_by_asking() {
    let person = Person::new("no.webhook@pay.example");
    let payment = pay(&person, "tok_no_webhook").expect(202);
    becomes(&person.client, &path(&payment), "succeeded");
    ledger_agrees(shared());
}

pub(crate) fn a_webhook_that_its_processor_did_not_sign_is_refused() {
    let client = shared().anonymous();
    let body = json!({"id": "evt_1", "type": "charge.captured", "charge": "ch_1"}).to_string();
    let deliver = |processor: &str, signature: Option<&str>, body: &str| {
        let path = format!("/webhooks/payments/{processor}");
        let ask = client
            .request("POST", &path)
            .header("content-type", "application/json");
        let ask = match signature {
            Some(signature) => ask.header("stoa-signature", signature),
            None => ask,
        };
        ask.body(body.to_owned()).send()
    };
    let right = signature("whsec_sandbox", now(), &body);
    let wrong = signature("whsec_another", now(), &body);
    let old = signature("whsec_sandbox", now() - 301, &body);
    for signature in [None, Some("t=1"), Some(&wrong[..]), Some(&old[..])] {
        let answer = deliver("sandbox", signature, &body);
        answer.problem(400, "invalid_webhook");
    }
    let changed = body.replace("ch_1", "ch_2");
    let answer = deliver("sandbox", Some(&right), &changed);
    answer.problem(400, "invalid_webhook");
    let answer = deliver("nobody", Some(&right), &body);
    answer.problem(404, "not_found");
    // About nothing of ours: taken, and forgotten.
    deliver("sandbox", Some(&right), &body).expect(204);
    deliver("sandbox", Some(&right), &body).expect(204);
    let taken = "SELECT count(*) FROM webhooks WHERE event = 'evt_1'";
    assert_eq!(number(shared(), "payment", taken), 1);
}
