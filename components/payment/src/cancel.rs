//! `POST /payments/{id}/cancel`

use stoa_kit::{Problem, Request, Response};

use crate::act::{self, Plan};
use crate::caller::{Caller, parse_id};
use crate::change::Finding;
use crate::fields::Reason;
use crate::operation::{Intent, Kind};
use crate::payment::{Payment, illegal_state};
use crate::queries::DATABASE;
use crate::state::{State, Step};
use crate::{body, peers};

/// Gives a payment up; what is held is released. Once the shop relies on money
/// that is held, only administrators do so.
///
/// Answers 202 while the processor has not answered. Errors: `unauthorized`
/// (401), `forbidden` (403), `not_found` (404), `illegal_state` (409), `invalid`, `card_number`
/// (422), those of idempotency keys.
pub(crate) fn run(request: &Request, id: &str) -> Result<Response, Problem> {
    let caller = Caller::of(request)?;
    let id = parse_id(id)?;
    let mut form = body::optional(request)?;
    let reason = form.optional::<Reason>("reason");
    let reason = form.complete(|| reason)?.map(|reason| reason.0);
    let now = peers::now();
    stoa_idempotency::run(request, now, &DATABASE, |origin| {
        let plan = |payment: &_| plan(payment, &caller, reason.clone());
        act::run(id, &caller, origin, now, plan)?.into_response()
    })
}

fn plan(payment: &Payment, caller: &Caller, reason: Option<String>) -> Result<Plan, Problem> {
    if payment.state.after(Step::Cancel).is_none() {
        return Err(illegal_state(payment, "canceled"));
    }
    if payment.state == State::RequiresCapture {
        caller.require_admin()?;
    }
    let intent = Intent {
        kind: Kind::Cancel,
        amount: 0,
        method: None,
        refund: None,
        reason: reason.clone(),
    };
    Ok(if payment.charge.is_none() {
        Plan::Write(intent, Finding::Canceled { reason })
    } else {
        Plan::Ask(intent)
    })
}
