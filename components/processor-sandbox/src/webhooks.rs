//! What happens later, and how the payment service is told: by signed webhooks,
//! as a company would send them over HTTP.

use serde_json::{Value, json};
use stoa_kit::bindings::stoa::http::types::Header;
use stoa_kit::{Id, Problem, Statement, Timestamp, log};

use crate::admit;
use crate::bindings::stoa::payments::types::{ChargeState, Error, Webhook};
use crate::charges::Charge;
use crate::methods::{Authorize, Webhooks, behaviour};
use crate::peers::{self, Delivery};
use crate::queries::{self, Due};

/// How long what is under way takes, in milliseconds.
pub(crate) const RIPENS: i64 = 2_000;

/// How late a late webhook is, in milliseconds.
const LATE: i64 = 30_000;

/// How often a webhook is delivered that nobody takes.
const TRIES: i64 = 12;

/// How long webhooks are delivered in one tick, in milliseconds.
const PATIENCE: i64 = 6_000;

const HEADER: &str = "stoa-signature";

/// What a webhook about a charge in this state is called.
pub(crate) fn kind(state: ChargeState) -> &'static str {
    match state {
        ChargeState::Unpaid => "charge.failed",
        ChargeState::RequiresAction => "charge.requires_action",
        ChargeState::Pending => "charge.pending",
        ChargeState::Authorized => "charge.authorized",
        ChargeState::Captured => "charge.captured",
        ChargeState::Canceled => "charge.canceled",
    }
}

/// The statements that let something be told.
pub(crate) fn announce(
    charge: &Charge,
    kind: &str,
    how: Webhooks,
    now: Timestamp,
) -> Vec<Statement> {
    let due = match how {
        Webhooks::Never => return Vec::new(),
        Webhooks::Late => now.plus(LATE),
        Webhooks::Orderly | Webhooks::Duplicate | Webhooks::OutOfOrder => now,
    };
    let times = if how == Webhooks::Duplicate { 3 } else { 1 };
    let event = format!("evt_{}", Id::new());
    let insert = queries::insert_webhook(&event, kind, charge, now, due);
    vec![insert; times]
}

/// Lets what is ripe come to its end, and delivers what is due.
pub(crate) fn run(now: Timestamp) -> Result<(), Problem> {
    for charge in queries::ripe(now)? {
        ripen(charge, now)?;
    }
    for charge in queries::ripen_refunds(now)? {
        if let Some(charge) = queries::find(&charge)? {
            let how = behaviour(&charge.method).unwrap_or_default().webhooks;
            queries::write(&announce(&charge, "refund.succeeded", how, now))?;
        }
    }
    queries::delete_old(now)?;
    while peers::now() < now.plus(PATIENCE) {
        let Some(due) = queries::take_due(peers::now())? else {
            break;
        };
        deliver(&due)?;
    }
    Ok(())
}

fn ripen(mut charge: Charge, now: Timestamp) -> Result<(), Problem> {
    let before = charge.state;
    let behaviour = behaviour(&charge.method).unwrap_or_default();
    match behaviour.authorize {
        Authorize::Action(Some(code)) | Authorize::Pending(Some(code)) => charge.decline(code),
        _ => charge.approve(),
    }
    let mut statements = vec![queries::update(&charge, before)];
    let how = behaviour.webhooks;
    statements.extend(announce(&charge, kind(charge.state), how, now));
    if how == Webhooks::OutOfOrder {
        statements.extend(announce(&charge, kind(before), how, now));
    }
    // Somebody may have canceled it: then that is what happened.
    queries::write(&statements)?;
    Ok(())
}

fn deliver(due: &Due) -> Result<(), Problem> {
    let now = peers::now();
    let body = json!({
        "id": due.event,
        "type": due.kind,
        "charge": due.charge,
        "payment": due.payment,
        "created": due.created.0 / 1_000,
    })
    .to_string();
    let header = Header {
        name: HEADER.to_owned(),
        value: stoa_signature::sign(&peers::secret(), now.0 / 1_000, &body),
    };
    match peers::deliver(&[header], &body) {
        Delivery::Taken => queries::delivered(due, now),
        Delivery::Refused(why) => {
            log::error("webhook", &format!("{} is refused: {why}", due.event));
            queries::given_up(due)
        }
        Delivery::Failed(why) => {
            log::warn("webhook", &format!("{} is not taken: {why}", due.event));
            if due.tries >= TRIES {
                return queries::given_up(due);
            }
            Ok(())
        }
    }
}

/// Checks and reads a webhook, as it comes back by way of the payment service.
pub(crate) fn parse(processor: &str, headers: &[Header], body: &str) -> Result<Webhook, Error> {
    admit(processor)?;
    let unreadable = || Error::Permanent("it is not a webhook of the sandbox".to_owned());
    let signature = headers
        .iter()
        .find(|header| header.name == HEADER)
        .map(|header| header.value.as_str())
        .unwrap_or_default();
    let secret = peers::secret();
    let now = peers::now().0 / 1_000;
    stoa_signature::verify(signature, &[&secret], body, now)
        .map_err(|refusal| Error::Permanent(refusal.to_string()))?;
    let body: Value = serde_json::from_str(body).map_err(|_| unreadable())?;
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    Ok(Webhook {
        event: text("id").ok_or_else(unreadable)?,
        kind: text("type").ok_or_else(unreadable)?,
        charge: text("charge"),
        payment: text("payment"),
    })
}
