//! The others: the payment service, the clock and the configuration. In tests
//! they are what `tests` has for them.

#[cfg(test)]
pub(crate) use crate::tests::{deliver, name, now, secret};
#[cfg(not(test))]
pub(crate) use host::{deliver, name, now, secret};

/// What the payment service makes of a webhook.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Delivery {
    Taken,
    /// It will never be taken.
    Refused(String),
    /// It may be, later.
    Failed(String),
}

#[cfg(not(test))]
mod host {
    use stoa_kit::bindings::stoa::http::types::Header;
    use stoa_kit::{Timestamp, config};

    use crate::bindings::stoa::payments::webhooks::{self, Error};
    use crate::peers::Delivery;

    pub(crate) fn now() -> Timestamp {
        Timestamp::now()
    }

    /// Configuration: `name`, the processor's name with the payment service.
    pub(crate) fn name() -> String {
        config::get("name").unwrap_or_else(|| "sandbox".to_owned())
    }

    /// Configuration: `webhook_secret`, with which webhooks are signed.
    pub(crate) fn secret() -> String {
        config::get("webhook_secret").unwrap_or_default()
    }

    pub(crate) fn deliver(headers: &[Header], body: &str) -> Delivery {
        match webhooks::deliver(&name(), headers, body) {
            Ok(Ok(())) => Delivery::Taken,
            Ok(Err(Error::Refused(why))) => Delivery::Refused(why),
            Ok(Err(Error::Unavailable(why))) => Delivery::Failed(why),
            Err(error) => Delivery::Failed(error.to_debug_string()),
        }
    }
}
