//! `POST /payments/{id}/confirm`

use stoa_kit::problem::{FieldError, Place};
use stoa_kit::{Problem, Request, Response};

use crate::act::{self, Plan};
use crate::caller::{Caller, parse_id};
use crate::fields::Token;
use crate::operation::{Intent, Kind};
use crate::payment::{Payment, illegal_state};
use crate::queries::DATABASE;
use crate::state::Step;
use crate::{body, peers};

/// Lets the processor hold or take the money, with the means of payment that
/// is there or another one. One that is refused is no error: the payment says
/// so in `last_error`.
///
/// Answers 202 while the processor has not answered. Errors: `unauthorized`
/// (401), `not_found` (404), `illegal_state` (409), `invalid`, `card_number`
/// (422), those of idempotency keys.
pub(crate) fn run(request: &Request, id: &str) -> Result<Response, Problem> {
    let caller = Caller::of(request)?;
    let id = parse_id(id)?;
    let mut form = body::optional(request)?;
    let method = form.optional::<Token>("payment_method");
    let method = form.complete(|| method)?.map(|token| token.0);
    let now = peers::now();
    stoa_idempotency::run(request, now, &DATABASE, |origin| {
        let plan = |payment: &_| plan(payment, method.clone());
        act::run(id, &caller, origin, now, plan)?.into_response()
    })
}

/// Asks for all of the payment's amount.
pub(crate) fn plan(payment: &Payment, method: Option<String>) -> Result<Plan, Problem> {
    if payment.state.after(Step::Confirm).is_none() {
        return Err(illegal_state(payment, "confirmed"));
    }
    // After a refusal, the same means of payment may be tried again.
    let method = method.or_else(|| payment.method.clone()).ok_or_else(|| {
        Problem::invalid(vec![FieldError {
            place: Place::Pointer("/payment_method".to_owned()),
            code: "required",
            message: "is required: the payment has no means of payment yet".to_owned(),
        }])
    })?;
    Ok(Plan::Ask(Intent {
        kind: Kind::Authorize,
        amount: payment.amount.amount(),
        method: Some(method),
        refund: None,
        reason: None,
    }))
}
