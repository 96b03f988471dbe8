//! `GET /payments/{id}`

use stoa_kit::{Problem, Request, Response};

use crate::caller::{Caller, parse_id};
use crate::queries::payments as queries;

/// Shows a payment to its owner and to administrators.
///
/// Errors: `unauthorized` (401), `not_found` (404).
pub(crate) fn run(request: &Request, id: &str) -> Result<Response, Problem> {
    let caller = Caller::of(request)?;
    let payment = caller.admit(queries::find(parse_id(id)?)?)?;
    Ok(Response::json(&payment.view())?
        .etag(payment.version)
        .private())
}
