//! `POST /webhooks/payments/{processor}`, and `stoa:payments/webhooks`, which
//! is the same for processors inside the lattice.

use stoa_kit::bindings::stoa::http::types::Header;
use stoa_kit::{Problem, Request, Response};

use crate::bindings::exports::stoa::payments::webhooks::{Error, Guest, RpcError};
use crate::peers::{self, Trouble, processor};
use crate::queries::webhooks as queries;
use crate::reconcile;

/// Takes a webhook as it came: the processor's own component checks its
/// signature. What it says is not believed any further than that there are
/// news; what they are, the processor is asked.
///
/// Errors: `not_found` (404) for an unknown processor, `invalid_webhook` (400),
/// `unavailable` (503).
pub(crate) fn run(request: &Request, processor: &str) -> Result<Response, Problem> {
    take(processor, &request.headers, &request.body)?;
    Ok(Response::no_content())
}

impl Guest for crate::Payments {
    fn deliver(
        processor: String,
        headers: Vec<Header>,
        body: String,
    ) -> Result<Result<(), Error>, RpcError> {
        Ok(take(&processor, &headers, &body).map_err(|problem| {
            problem.log("webhook");
            let why = problem.detail().to_owned();
            if problem.status() < 500 {
                Error::Refused(why)
            } else {
                Error::Unavailable(why)
            }
        }))
    }
}

fn take(name: &str, headers: &[Header], body: &str) -> Result<(), Problem> {
    if !peers::processors()
        .iter()
        .any(|processor| processor == name)
    {
        return Err(Problem::not_found("There is no such processor."));
    }
    let webhook = processor::parse_webhook(name, headers, body).map_err(|why| match why {
        Trouble::Permanent(why) => Problem::bad_request(
            "invalid_webhook",
            format!("The webhook is not acceptable: {why}."),
        ),
        Trouble::Uncertain(why) => {
            Problem::unavailable("The processor is not there right now. Send it again.", why)
        }
    })?;
    let now = peers::now();
    if let Some(payment) = queries::take(name, &webhook, now)? {
        // It is stored: what fails now is done at a tick.
        if let Err(problem) = reconcile::refetch(payment, now) {
            problem.log(&payment.to_string());
        }
    }
    Ok(())
}
