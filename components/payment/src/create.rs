//! `POST /payments`

use stoa_kit::{Problem, Request, Response};

use crate::caller::Caller;
use crate::confirm;
use crate::payment::Draft;
use crate::queries::{DATABASE, payments as queries};
use crate::state::{State, Step};
use crate::{act, body, peers};

/// Creates a payment for whoever is signed in, and with `confirm` lets the
/// processor take the money. A refused means of payment is no error: the
/// payment says so in `last_error`, and can be confirmed with another one.
///
/// Answers 202 while the processor has not answered. Errors: `unauthorized`
/// (401), `invalid`, `card_number` (422), those of idempotency keys.
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    let caller = Caller::of(request)?;
    let draft = Draft::read(body::form(request)?)?;
    let now = peers::now();
    stoa_idempotency::run(request, now, &DATABASE, |origin| {
        let payment = queries::insert(&draft, &caller.account, origin, now)?;
        // After a crash, what came after the first confirmation is not undone.
        let can_go_on = payment.state == State::Processing
            || payment.version == 1 && payment.state.after(Step::Confirm).is_some();
        if !(draft.confirm && can_go_on) {
            return payment.into_created();
        }
        let plan = |payment: &_| confirm::plan(payment, None);
        act::run(payment.id, &caller, origin, now, plan)?.into_created()
    })
}
