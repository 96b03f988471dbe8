//! The others: the processors, the clock and the configuration. In tests they
//! are what `fixtures` has for them.

use crate::bindings::stoa::payments::types::{
    Authorization, Cancellation, Capture, Money, Order, Refund,
};
use crate::fields::CaptureMethod;
use crate::operation::{Kind, Operation};
use crate::payment::Payment;

#[cfg(test)]
pub(crate) use crate::fixtures::{now, processor, processors};
#[cfg(not(test))]
pub(crate) use host::{now, processor, processors};

/// Why there is no outcome.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Trouble {
    /// It was not done and never will be: a mistake of ours.
    Permanent(String),
    /// It may have been done.
    Uncertain(String),
}

/// A call to a processor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Call {
    Authorize(Authorization),
    Capture(Capture),
    Cancel(Cancellation),
    Refund(Refund),
}

impl Call {
    /// The call that an operation is about: the same one every time.
    pub(crate) fn of(payment: &Payment, operation: &Operation) -> Self {
        let order = Order {
            processor: payment.processor.clone(),
            key: operation.key.clone(),
            payment: payment.id.to_string(),
        };
        let intent = &operation.intent;
        let amount = Money {
            amount: intent.amount,
            currency: payment.amount.currency().code().to_owned(),
        };
        let charge = payment.charge.clone().unwrap_or_default();
        match intent.kind {
            Kind::Authorize => Self::Authorize(Authorization {
                order,
                charge: payment.charge.clone(),
                amount,
                method: intent.method.clone().unwrap_or_default(),
                capture: payment.capture == CaptureMethod::Automatic,
                reference: payment.reference.clone(),
            }),
            Kind::Capture => Self::Capture(Capture {
                order,
                charge,
                amount,
            }),
            Kind::Cancel => Self::Cancel(Cancellation {
                order,
                charge,
                reason: intent.reason.clone(),
            }),
            Kind::Refund => Self::Refund(Refund {
                order,
                charge,
                refund: intent.refund.map(|id| id.to_string()).unwrap_or_default(),
                amount,
                reason: intent.reason.clone(),
            }),
        }
    }
}

#[cfg(not(test))]
mod host {
    use stoa_kit::{Timestamp, config};

    /// The wall clock.
    pub(crate) fn now() -> Timestamp {
        Timestamp::now()
    }

    /// The processors that there are; the first one is the default.
    /// Configuration: `processors`, names separated by commas.
    pub(crate) fn processors() -> Vec<String> {
        let names = config::get("processors").unwrap_or_else(|| "sandbox".to_owned());
        let names = names.split(',').map(str::trim);
        names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// The processors; see `wit/stoa-payments`.
    pub(crate) mod processor {
        use stoa_kit::bindings::stoa::http::types::Header;

        use crate::bindings::stoa::payments::processor as host;
        use crate::bindings::stoa::payments::types::{Error, Outcome, Question, Standing, Webhook};
        use crate::bindings::wasmcloud::bus::lattice::{CallTargetInterface, set_link_name};
        use crate::payment::Payment;
        use crate::peers::{Call, Trouble};

        /// How often a call is made that went to another processor.
        const ATTEMPTS: u32 = 5;

        pub(crate) fn call(processor: &str, call: &Call) -> Result<Outcome, Trouble> {
            on_link(processor, || match call {
                Call::Authorize(call) => host::authorize(call),
                Call::Capture(call) => host::capture(call),
                Call::Cancel(call) => host::cancel(call),
                Call::Refund(call) => host::refund(call),
            })
        }

        pub(crate) fn status(payment: &Payment) -> Result<Option<Standing>, Trouble> {
            let question = Question {
                processor: payment.processor.clone(),
                payment: payment.id.to_string(),
                charge: payment.charge.clone(),
            };
            on_link(&payment.processor, || host::status(&question))
        }

        pub(crate) fn parse_webhook(
            processor: &str,
            headers: &[Header],
            body: &str,
        ) -> Result<Webhook, Trouble> {
            on_link(processor, || host::parse_webhook(processor, headers, body))
        }

        /// Makes a call on the link that is named after the processor. The
        /// name is shared by all calls that this component makes at the time:
        /// somebody else's call may set it between our two lines. Who is not
        /// meant refuses without doing anything, and we try again.
        fn on_link<T>(
            processor: &str,
            call: impl Fn() -> Result<Result<T, Error>, host::RpcError>,
        ) -> Result<T, Trouble> {
            let mut other = String::new();
            for _ in 0..ATTEMPTS {
                let interface = CallTargetInterface::new("stoa", "payments", "processor");
                set_link_name(processor, vec![interface]).map_err(Trouble::Uncertain)?;
                match call() {
                    Ok(Ok(value)) => return Ok(value),
                    Ok(Err(Error::Permanent(why))) => return Err(Trouble::Permanent(why)),
                    Ok(Err(Error::Uncertain(why))) => return Err(Trouble::Uncertain(why)),
                    Ok(Err(Error::Misdirected(name))) => other = name,
                    Err(error) => return Err(Trouble::Uncertain(error.to_debug_string())),
                }
            }
            Err(Trouble::Uncertain(format!(
                "the link {processor} leads to the processor {other}"
            )))
        }
    }
}
