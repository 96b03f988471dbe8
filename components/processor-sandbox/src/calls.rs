//! Calls of the payment service: each is done once for its key, in one
//! transaction with the row that says so.

use serde_json::{Value, json};
use stoa_kit::{Id, Problem, Statement, Timestamp};

use crate::bindings::stoa::payments::types::{
    Action, Authorization, Cancellation, Capture, ChargeState, Decline, Error, NextStep, Order,
    Outcome, Refund, RefundState,
};
use crate::charges::{Back, Charge};
use crate::methods::{Answer, Authorize, Behaviour, Refund as Refunds, behaviour, message};
use crate::queries::{self, Kept, Seen};
use crate::webhooks::{self, RIPENS};
use crate::{admit, peers, uncertain};

/// A call.
pub(crate) enum Call<'a> {
    Authorize(&'a Authorization),
    Capture(&'a Capture),
    Cancel(&'a Cancellation),
    Refund(&'a Refund),
}

/// What a call comes to: the answer, and what has to be written for it.
struct Work {
    outcome: Outcome,
    statements: Vec<Statement>,
}

impl Work {
    fn nothing(outcome: Outcome) -> Self {
        Self {
            outcome,
            statements: Vec::new(),
        }
    }
}

/// Does a call, or says again what came of it.
pub(crate) fn run(order: &Order, call: &Call<'_>) -> Result<Outcome, Error> {
    admit(&order.processor)?;
    done(order, call, peers::now()).map_err(|problem| match problem.status() {
        400..500 => Error::Permanent(problem.detail().to_owned()),
        _ => uncertain(&problem),
    })?
}

fn done(order: &Order, call: &Call<'_>, now: Timestamp) -> Result<Result<Outcome, Error>, Problem> {
    let fingerprint = call.fingerprint();
    let behaviour = call.behaviour()?;
    match queries::seen(&order.key)? {
        Seen::Done(kept) if kept.fingerprint != fingerprint => {
            return Err(wrong("the key was used for another call"));
        }
        Seen::Done(kept) => return Ok(Ok(outcome_of(&kept)?)),
        // Noted, so that the next one is not the first.
        Seen::Never if behaviour.answer == Answer::CallLost => {
            queries::note_lost(order, call.kind(), &fingerprint, now)?;
            return Ok(Err(lost()));
        }
        Seen::Never | Seen::Lost => {}
    }
    let work = call.work(&behaviour, now)?;
    let kept = Kept {
        fingerprint,
        outcome: stored(&work.outcome).to_string(),
    };
    if !queries::keep(order, call.kind(), &kept, work.statements, now)? {
        // The same call at the same time was faster, or the charge has changed.
        return Ok(Err(Error::Uncertain("it is being done".to_owned())));
    }
    if behaviour.answer == Answer::Lost {
        return Ok(Err(lost()));
    }
    Ok(Ok(work.outcome))
}

fn lost() -> Error {
    Error::Uncertain("the answer did not come in time".to_owned())
}

impl Call<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Authorize(_) => "authorize",
            Self::Capture(_) => "capture",
            Self::Cancel(_) => "cancel",
            Self::Refund(_) => "refund",
        }
    }

    /// What two calls with one key have in common.
    fn fingerprint(&self) -> String {
        let parts = match self {
            Self::Authorize(call) => json!([
                call.charge,
                call.amount.amount,
                call.amount.currency,
                call.method,
                call.capture
            ]),
            Self::Capture(call) => json!([call.charge, call.amount.amount]),
            Self::Cancel(call) => json!([call.charge]),
            Self::Refund(call) => json!([call.charge, call.refund, call.amount.amount]),
        };
        parts.to_string()
    }

    /// What the token of the charge does. Lost answers are those of
    /// authorizations.
    fn behaviour(&self) -> Result<Behaviour, Problem> {
        let charge = match self {
            Self::Authorize(call) => return Ok(behaviour(&call.method).unwrap_or_default()),
            Self::Capture(call) => &call.charge,
            Self::Cancel(call) => &call.charge,
            Self::Refund(call) => &call.charge,
        };
        let method = find(charge)?.method;
        Ok(Behaviour {
            answer: Answer::Given,
            ..behaviour(&method).unwrap_or_default()
        })
    }

    fn work(&self, behaviour: &Behaviour, now: Timestamp) -> Result<Work, Problem> {
        match self {
            Self::Authorize(call) => authorize(call, behaviour, now),
            Self::Capture(call) => capture(call, behaviour, now),
            Self::Cancel(call) => cancel(call, behaviour, now),
            Self::Refund(call) => refund(call, behaviour, now),
        }
    }
}

fn authorize(call: &Authorization, behaviour: &Behaviour, now: Timestamp) -> Result<Work, Problem> {
    if call.amount.amount <= 0 {
        return Err(wrong("the amount is not more than 0"));
    }
    let before = match &call.charge {
        Some(charge) => Some(find(charge)?),
        None => None,
    };
    if before
        .as_ref()
        .is_some_and(|charge| charge.state != ChargeState::Unpaid)
    {
        return Err(wrong("the charge is not to be paid"));
    }
    let mut charge = Charge {
        id: call
            .charge
            .clone()
            .unwrap_or_else(|| format!("ch_{}", Id::new())),
        payment: call.order.payment.clone(),
        method: call.method.clone(),
        currency: call.amount.currency.clone(),
        amount: call.amount.amount,
        captures: call.capture,
        state: ChargeState::Unpaid,
        authorized: 0,
        captured: 0,
        code: None,
        ripe: None,
        created: now,
    };
    let is_known = crate::methods::behaviour(&call.method).is_some();
    let authorize = if is_known {
        behaviour.authorize
    } else {
        Authorize::Decline("invalid_payment_method")
    };
    let (outcome, kind) = match authorize {
        Authorize::Approve => {
            charge.approve();
            (
                Outcome::Approved(charge.id.clone()),
                webhooks::kind(charge.state),
            )
        }
        Authorize::Decline(code) => {
            charge.decline(code);
            (declined(Some(&charge), code), "charge.failed")
        }
        Authorize::Action(_) => {
            charge.state = ChargeState::RequiresAction;
            charge.ripe = Some(now.plus(RIPENS));
            let outcome = Outcome::RequiresAction(action(&charge.id));
            (outcome, "charge.requires_action")
        }
        Authorize::Pending(_) => {
            charge.state = ChargeState::Pending;
            charge.ripe = Some(now.plus(RIPENS));
            (Outcome::Pending(charge.id.clone()), "charge.pending")
        }
    };
    let write = match before {
        Some(before) => queries::update(&charge, before.state),
        None => queries::insert(&charge),
    };
    let mut statements = vec![write];
    // Out of order: what comes first here is told with what comes later.
    if behaviour.webhooks != crate::methods::Webhooks::OutOfOrder {
        statements.extend(webhooks::announce(&charge, kind, behaviour.webhooks, now));
    }
    Ok(Work {
        outcome,
        statements,
    })
}

fn capture(call: &Capture, behaviour: &Behaviour, now: Timestamp) -> Result<Work, Problem> {
    let mut charge = find(&call.charge)?;
    if charge.state != ChargeState::Authorized {
        return Err(wrong("nothing is held"));
    }
    if call.amount.amount <= 0 || call.amount.amount > charge.authorized {
        return Err(wrong("the amount is not held"));
    }
    if behaviour.capture_fails {
        return Ok(Work::nothing(declined(None, "capture_failed")));
    }
    charge.state = ChargeState::Captured;
    charge.captured = call.amount.amount;
    charge.authorized = 0;
    let mut statements = vec![queries::update(&charge, ChargeState::Authorized)];
    let kind = webhooks::kind(charge.state);
    statements.extend(webhooks::announce(&charge, kind, behaviour.webhooks, now));
    Ok(Work {
        outcome: Outcome::Approved(charge.id),
        statements,
    })
}

fn cancel(call: &Cancellation, behaviour: &Behaviour, now: Timestamp) -> Result<Work, Problem> {
    let mut charge = find(&call.charge)?;
    let before = charge.state;
    match before {
        ChargeState::Canceled => return Ok(Work::nothing(Outcome::Approved(charge.id))),
        ChargeState::Captured => return Err(wrong("the money was taken")),
        _ => {}
    }
    charge.state = ChargeState::Canceled;
    charge.authorized = 0;
    charge.ripe = None;
    let mut statements = vec![queries::update(&charge, before)];
    let kind = webhooks::kind(charge.state);
    statements.extend(webhooks::announce(&charge, kind, behaviour.webhooks, now));
    Ok(Work {
        outcome: Outcome::Approved(charge.id),
        statements,
    })
}

fn refund(call: &Refund, behaviour: &Behaviour, now: Timestamp) -> Result<Work, Problem> {
    let charge = find(&call.charge)?;
    let mut back = Back {
        id: format!("re_{}", Id::new()),
        refund: call.refund.clone(),
        charge: charge.id.clone(),
        amount: call.amount.amount,
        state: RefundState::Succeeded,
        code: None,
        ripe: None,
        created: now,
    };
    let outcome = match behaviour.refund {
        Refunds::Approve => Outcome::Approved(back.id.clone()),
        Refunds::Fail => {
            back.state = RefundState::Failed;
            back.code = Some("refund_failed".to_owned());
            declined(None, "refund_failed")
        }
        Refunds::Pending => {
            back.state = RefundState::Pending;
            back.ripe = Some(now.plus(RIPENS));
            Outcome::Pending(back.id.clone())
        }
    };
    if !queries::is_refundable(&charge.id, back.amount)? {
        return Err(wrong("that is more than was taken"));
    }
    let mut statements = vec![queries::insert_refund(&back)];
    let told = behaviour.webhooks;
    statements.extend(webhooks::announce(&charge, "charge.refunded", told, now));
    Ok(Work {
        outcome,
        statements,
    })
}

fn find(charge: &str) -> Result<Charge, Problem> {
    queries::find(charge)?.ok_or_else(|| wrong("there is no such charge"))
}

/// A mistake of who calls.
fn wrong(what: &str) -> Problem {
    Problem::bad_request("invalid_call", what)
}

fn declined(charge: Option<&Charge>, code: &str) -> Outcome {
    Outcome::Declined(Decline {
        charge: charge.map(|charge| charge.id.clone()),
        code: code.to_owned(),
        message: message(code).to_owned(),
    })
}

/// The page that a customer has to visit. There is none: he is taken for one
/// who has.
pub(crate) fn action(charge: &str) -> Action {
    Action {
        charge: charge.to_owned(),
        next: NextStep::Url(format!("https://sandbox.invalid/{charge}")),
    }
}

fn stored(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Approved(id) => json!({"approved": id}),
        Outcome::Declined(decline) => json!({"declined": decline.code, "charge": decline.charge}),
        Outcome::RequiresAction(action) => json!({"requires_action": action.charge}),
        Outcome::Pending(id) => json!({"pending": id}),
    }
}

fn outcome_of(kept: &Kept) -> Result<Outcome, Problem> {
    let stored: Value = serde_json::from_str(&kept.outcome).unwrap_or_default();
    let text = |name: &str| stored[name].as_str().map(str::to_owned);
    if let Some(id) = text("approved") {
        return Ok(Outcome::Approved(id));
    }
    if let Some(id) = text("pending") {
        return Ok(Outcome::Pending(id));
    }
    if let Some(charge) = text("requires_action") {
        return Ok(Outcome::RequiresAction(action(&charge)));
    }
    let code = text("declined").ok_or_else(|| Problem::internal("an outcome is none"))?;
    Ok(Outcome::Declined(Decline {
        charge: text("charge"),
        message: message(&code).to_owned(),
        code,
    }))
}
