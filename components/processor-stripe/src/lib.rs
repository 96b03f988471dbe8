//! Stripe, as a processor of payments.
//!
//! A charge is a `PaymentIntent`. Requests are put together in `request` and
//! answers read in `answer`, both without asking anybody; `http` is the way to
//! Stripe, and `webhook` the way back. Besides the gateway it is the only
//! component that reaches out of the lattice.

mod amount;
mod answer;
mod bindings;
mod http;
mod request;
mod settings;
mod webhook;

use stoa_kit::Timestamp;
use stoa_kit::bindings::stoa::http::types::Header;

use crate::bindings::exports::stoa::payments::processor::{Guest, RpcError};
use crate::bindings::stoa::payments::types::{
    Authorization, Cancellation, Capture, Error, Outcome, Question, Refund, Standing, Webhook,
};
use crate::http::{Answer, Deadline};
use crate::request::Ask;
use crate::settings::{Secret, Settings};

/// The component.
#[derive(Debug)]
pub struct Stripe;

impl Guest for Stripe {
    fn authorize(call: Authorization) -> Result<Result<Outcome, Error>, RpcError> {
        Ok(with_settings(
            &call.order.processor,
            |settings, deadline| {
                let ask = request::authorize(&call, &settings.terms)?;
                answer::authorized(&send(settings, &ask, deadline)?)
            },
        ))
    }

    fn capture(call: Capture) -> Result<Result<Outcome, Error>, RpcError> {
        Ok(with_settings(
            &call.order.processor,
            |settings, deadline| {
                let ask = request::capture(&call)?;
                answer::captured(&send(settings, &ask, deadline)?)
            },
        ))
    }

    fn cancel(call: Cancellation) -> Result<Result<Outcome, Error>, RpcError> {
        Ok(with_settings(
            &call.order.processor,
            |settings, deadline| {
                let ask = request::cancel(&call)?;
                answer::canceled(&send(settings, &ask, deadline)?)
            },
        ))
    }

    fn refund(call: Refund) -> Result<Result<Outcome, Error>, RpcError> {
        Ok(with_settings(
            &call.order.processor,
            |settings, deadline| {
                let ask = request::refund(&call)?;
                answer::refunded(&send(settings, &ask, deadline)?)
            },
        ))
    }

    fn status(question: Question) -> Result<Result<Option<Standing>, Error>, RpcError> {
        Ok(with_settings(&question.processor, |settings, deadline| {
            status(settings, &question, deadline)
        }))
    }

    fn parse_webhook(
        processor: String,
        headers: Vec<Header>,
        body: String,
    ) -> Result<Result<Webhook, Error>, RpcError> {
        Ok(settings::admit(&processor).and_then(|()| {
            let now = Timestamp::now().0 / 1_000;
            let secrets = settings::webhook_secrets();
            let secrets: Vec<_> = secrets.iter().map(Secret::reveal).collect();
            webhook::parse(&headers, &body, &secrets, now)
        }))
    }
}

fn with_settings<T>(
    processor: &str,
    act: impl FnOnce(&Settings, Deadline) -> Result<T, Error>,
) -> Result<T, Error> {
    settings::admit(processor)?;
    act(&Settings::read()?, Deadline::new())
}

/// Asks for the intent, and for its refunds where there can be any.
fn status(
    settings: &Settings,
    question: &Question,
    deadline: Deadline,
) -> Result<Option<Standing>, Error> {
    let found = send(settings, &request::find(question)?, deadline)?;
    let Some(intent) = answer::intent(&found)? else {
        return Ok(None);
    };
    let mut standing = answer::standing(&intent)?;
    if standing.captured > 0 {
        let refunds = send(settings, &request::refunds(&standing.charge), deadline)?;
        standing.refunds = answer::refunds(&refunds)?;
    }
    Ok(Some(standing))
}

fn send(settings: &Settings, ask: &Ask, deadline: Deadline) -> Result<Answer, Error> {
    // Whatever went wrong on the way: nobody knows how far it got.
    http::send(settings, ask, deadline).map_err(Error::Uncertain)
}
