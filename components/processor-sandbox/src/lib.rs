//! The sandbox: a processor that moves no money.
//!
//! What it does is decided by the token that a payment is made with
//! (`methods`), so that every way a processor can behave can be had on demand:
//! refusals, lost answers, webhooks that come late, twice or in the wrong
//! order. Charges are rows (`charges`), done once for each key (`calls`), and
//! what happens later comes with a tick (`webhooks`). All SQL is in `queries`.

mod bindings;
mod calls;
mod charges;
#[cfg(test)]
mod memory;
mod methods;
mod peers;
mod queries;
mod schema;
mod status;
mod webhooks;

use stoa_kit::Problem;
use stoa_kit::bindings::stoa::http::types::Header;

use crate::bindings::exports::stoa::clock::ticks;
use crate::bindings::exports::stoa::payments::processor::{Guest, RpcError};
use crate::bindings::stoa::payments::types::{
    Authorization, Cancellation, Capture, Error, Outcome, Question, Refund, Standing, Webhook,
};

/// The component.
#[derive(Debug)]
pub struct Sandbox;

impl Guest for Sandbox {
    fn authorize(call: Authorization) -> Result<Result<Outcome, Error>, RpcError> {
        Ok(calls::run(&call.order, &calls::Call::Authorize(&call)))
    }

    fn capture(call: Capture) -> Result<Result<Outcome, Error>, RpcError> {
        Ok(calls::run(&call.order, &calls::Call::Capture(&call)))
    }

    fn cancel(call: Cancellation) -> Result<Result<Outcome, Error>, RpcError> {
        Ok(calls::run(&call.order, &calls::Call::Cancel(&call)))
    }

    fn refund(call: Refund) -> Result<Result<Outcome, Error>, RpcError> {
        Ok(calls::run(&call.order, &calls::Call::Refund(&call)))
    }

    fn status(question: Question) -> Result<Result<Option<Standing>, Error>, RpcError> {
        Ok(status::run(&question))
    }

    fn parse_webhook(
        processor: String,
        headers: Vec<Header>,
        body: String,
    ) -> Result<Result<Webhook, Error>, RpcError> {
        Ok(webhooks::parse(&processor, &headers, &body))
    }
}

impl ticks::Guest for Sandbox {
    fn tick(_: ticks::Timing) -> Result<(), String> {
        webhooks::run(peers::now()).map_err(|problem| {
            problem.log("tick");
            problem.detail().to_owned()
        })
    }
}

/// Refuses what is meant for another processor.
fn admit(processor: &str) -> Result<(), Error> {
    let name = peers::name();
    if processor == name {
        Ok(())
    } else {
        Err(Error::Misdirected(name))
    }
}

/// A problem of ours: who asks cannot know how far it went.
fn uncertain(problem: &Problem) -> Error {
    problem.log("call");
    Error::Uncertain(problem.detail().to_owned())
}

#[cfg(test)]
mod tests;
