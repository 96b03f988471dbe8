//! `POST /payments/{id}/refunds`

use stoa_domain::Money;
use stoa_idempotency::Origin;
use stoa_kit::{Id, Problem, Request, Response, Timestamp};

use crate::caller::{Caller, parse_id};
use crate::capture::in_currency;
use crate::fields::{Amount, Reason};
use crate::payment::{Payment, illegal_state};
use crate::queries::{DATABASE, payments, refunds as queries};
use crate::refund::{Refund, Status};
use crate::state::State;
use crate::{act, body, peers};

/// Gives back what was captured, or part of it, for administrators: 201 with
/// the refund, 202 while it is under way. All refunds together are never more
/// than what was captured; those under way count.
///
/// Errors: `unauthorized` (401), `forbidden` (403), `not_found` (404),
/// `illegal_state`, `refund_too_large` (409), `invalid`, `card_number` (422),
/// those of idempotency keys.
pub(crate) fn run(request: &Request, id: &str) -> Result<Response, Problem> {
    let caller = Caller::of(request)?;
    let id = parse_id(id)?;
    let mut form = body::optional(request)?;
    let amount = form.optional::<Amount>("amount");
    let reason = form.optional::<Reason>("reason");
    let (amount, reason) = form.complete(|| Some((amount?, reason?)))?;
    let wanted = Wanted {
        amount: amount.map(|amount| amount.0),
        reason: reason.map(|reason| reason.0),
    };
    let now = peers::now();
    stoa_idempotency::run(request, now, &DATABASE, |origin| {
        answer(refund(id, &caller, origin, &wanted, now)?)
    })
}

struct Wanted {
    amount: Option<Money>,
    reason: Option<String>,
}

/// Makes the refund, or goes on with the one that an earlier try of the same
/// request has begun.
fn refund(
    id: Id,
    caller: &Caller,
    origin: Origin,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<Id, Problem> {
    let (payment, begun) = payments::find_with_origin(id, origin)?.unzip();
    let payment = caller.admit(payment)?;
    caller.require_admin()?;
    if let Some(operation) = begun.flatten() {
        act::go_on(payment, &operation, now)?;
        return refund_of(operation.intent.refund);
    }
    let refund = draft(&payment, wanted, now)?;
    let (payment, operation) =
        payments::begin_refund(&payment, &refund, origin, now)?.ok_or_else(too_large)?;
    act::carry_out(payment, &operation, now)?;
    Ok(refund.id)
}

fn draft(payment: &Payment, wanted: &Wanted, now: Timestamp) -> Result<Refund, Problem> {
    if payment.state != State::Succeeded {
        return Err(illegal_state(payment, "refunded"));
    }
    let refundable = payment.balances.refundable();
    let amount = in_currency(payment, wanted.amount)?.unwrap_or(refundable);
    if amount == 0 || amount > refundable {
        return Err(too_large());
    }
    Ok(Refund {
        id: Id::new(),
        payment: payment.id,
        status: Status::Pending,
        amount: Money::new(amount, payment.amount.currency())
            .ok_or_else(|| Problem::internal("a refund is out of bounds"))?,
        reason: wanted.reason.clone(),
        failure_code: None,
        created: now,
        updated: now,
    })
}

fn answer(refund: Id) -> Result<Response, Problem> {
    let refund = queries::find(refund)?.ok_or_else(|| Problem::internal("a refund is gone"))?;
    let location = format!("/payments/{}/events", refund.payment);
    let mut response = Response::created(&location, &refund)?;
    if refund.status == Status::Pending {
        response.status = 202;
    }
    Ok(response.private())
}

fn refund_of(id: Option<Id>) -> Result<Id, Problem> {
    id.ok_or_else(|| Problem::internal("an operation has no refund"))
}

fn too_large() -> Problem {
    Problem::conflict(
        "refund_too_large",
        "That is more than was captured and not given back before.",
    )
}
