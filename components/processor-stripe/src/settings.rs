//! Where Stripe is, and what it knows us by. Secrets are the host's where it
//! has them, and else configuration; they are never shown or logged.

use stoa_kit::config;
use stoa_services::Location;
use zeroize::Zeroizing;

use crate::bindings::stoa::payments::types::Error;
use crate::bindings::wasmcloud::secrets::reveal::reveal;
use crate::bindings::wasmcloud::secrets::store::{self, SecretValue};
use crate::request::Terms;

/// A text that nobody gets to see: it has no `Debug` and is wiped when dropped.
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    /// The text, for the one place where it is needed.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// The secret with this name.
    fn read(name: &str) -> Option<Self> {
        of_the_host(name)
            .or_else(|| config::get(name))
            .map(Zeroizing::new)
            .filter(|text| !text.is_empty())
            .map(Self)
    }
}

fn of_the_host(name: &str) -> Option<String> {
    match reveal(&store::get(name).ok()?) {
        SecretValue::String(text) => Some(text),
        SecretValue::Bytes(bytes) => String::from_utf8(bytes).ok(),
    }
}

/// What requests need.
pub(crate) struct Settings {
    pub(crate) base: Location,
    pub(crate) api_key: Secret,
    pub(crate) terms: Terms,
}

impl Settings {
    /// Configuration: `base_url` (default Stripe's), `payment_method_types`
    /// (default `card`), `return_url`. Secret: `api_key`.
    ///
    /// Errors: uncertain, for what was begun before may be done.
    pub(crate) fn read() -> Result<Self, Error> {
        let base = config::get("base_url").unwrap_or_else(|| "https://api.stripe.com".to_owned());
        let base = Location::parse(&base).filter(|base| matches!(base, Location::Http { .. }));
        let types = config::get("payment_method_types").unwrap_or_else(|| "card".to_owned());
        let types = types.split(',').map(str::trim);
        Ok(Self {
            base: base.ok_or_else(|| missing("base_url"))?,
            api_key: Secret::read("api_key").ok_or_else(|| missing("api_key"))?,
            terms: Terms {
                method_types: types.map(str::to_owned).collect(),
                return_url: config::get("return_url"),
            },
        })
    }
}

fn missing(what: &str) -> Error {
    Error::Uncertain(format!("{what} is not configured"))
}

/// The secrets with which webhooks may be signed. Secrets: `webhook_secret`,
/// and `webhook_secret_old` while it is being changed.
pub(crate) fn webhook_secrets() -> Vec<Secret> {
    ["webhook_secret", "webhook_secret_old"]
        .into_iter()
        .filter_map(Secret::read)
        .collect()
}

/// Refuses what is meant for another processor. Configuration: `name`, the
/// processor's name with the payment service.
pub(crate) fn admit(processor: &str) -> Result<(), Error> {
    let name = config::get("name").unwrap_or_else(|| "stripe".to_owned());
    if processor == name {
        Ok(())
    } else {
        Err(Error::Misdirected(name))
    }
}
