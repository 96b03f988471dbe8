//! `POST /payments/{id}/capture`

use stoa_domain::Money;
use stoa_kit::problem::{FieldError, Place};
use stoa_kit::{Problem, Request, Response};

use crate::act::{self, Plan};
use crate::caller::{Caller, parse_id};
use crate::fields::Amount;
use crate::operation::{Intent, Kind};
use crate::payment::{Payment, illegal_state};
use crate::queries::DATABASE;
use crate::state::Step;
use crate::{body, peers};

/// Takes what is held, or part of it, for administrators. It can be done once:
/// the rest is released.
///
/// Answers 202 while the processor has not answered. Errors: `unauthorized`
/// (401), `forbidden` (403), `not_found` (404), `illegal_state` (409), `invalid`, `card_number`
/// (422), those of idempotency keys.
pub(crate) fn run(request: &Request, id: &str) -> Result<Response, Problem> {
    let caller = Caller::of(request)?;
    let id = parse_id(id)?;
    let mut form = body::optional(request)?;
    let amount = form.optional::<Amount>("amount");
    let amount = form.complete(|| amount)?.map(|amount| amount.0);
    let now = peers::now();
    stoa_idempotency::run(request, now, &DATABASE, |origin| {
        let plan = |payment: &_| {
            caller.require_admin()?;
            plan(payment, amount)
        };
        act::run(id, &caller, origin, now, plan)?.into_response()
    })
}

fn plan(payment: &Payment, amount: Option<Money>) -> Result<Plan, Problem> {
    if payment.state.after(Step::Capture).is_none() {
        return Err(illegal_state(payment, "captured"));
    }
    let held = payment.balances.held;
    let amount = in_currency(payment, amount)?.unwrap_or(held);
    if amount > held {
        return Err(wrong(
            "/amount/amount",
            "range",
            format!("must be {held} at most"),
        ));
    }
    Ok(Plan::Ask(Intent {
        kind: Kind::Capture,
        amount,
        method: None,
        refund: None,
        reason: None,
    }))
}

/// An amount in minor units, if it is in the payment's currency.
///
/// Errors: `invalid` (422).
pub(crate) fn in_currency(
    payment: &Payment,
    amount: Option<Money>,
) -> Result<Option<i64>, Problem> {
    let currency = payment.amount.currency();
    match amount {
        Some(amount) if amount.currency() != currency => {
            let message = format!("must be that of the payment, {currency}");
            Err(wrong("/amount/currency", "currency", message))
        }
        amount => Ok(amount.map(Money::amount)),
    }
}

fn wrong(pointer: &str, code: &'static str, message: String) -> Problem {
    Problem::invalid(vec![FieldError {
        place: Place::Pointer(pointer.to_owned()),
        code,
        message,
    }])
}
