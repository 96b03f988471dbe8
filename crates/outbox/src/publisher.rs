//! The events provider behind the service's link.

use bindings::stoa::events::publisher;
use bindings::stoa::events::types::Error;
pub use bindings::stoa::events::types::Event;

/// The publisher's import, as generated.
#[allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    reason = "generated code; documented in wit/"
)]
pub(crate) mod bindings {
    wit_bindgen::generate!({
        path: [
            "../../wit/deps/wasi-io",
            "../../wit/deps/wrpc-rpc",
            "../../wit/stoa-events",
            "wit",
        ],
        world: "stoa:outbox/relay",
        additional_derives: [PartialEq],
        with: {
            "stoa:events/publisher@0.1.0": generate,
            "stoa:events/types@0.1.0": generate,
            "wasi:io/error@0.2.0": stoa_kit::bindings::wasi::io::error,
            "wrpc:rpc/error@0.1.0": stoa_kit::bindings::wrpc::rpc::error,
        },
    });
}

/// Why events were not published, or nobody knows whether they were.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// They are not acceptable, and will be no better another time.
    #[error("not acceptable: {0}")]
    Invalid(String),
    /// It did not work out this time.
    #[error("the events provider does not answer: {0}")]
    Unavailable(String),
}

/// Publishes by the service's link to `stoa:events/publisher`.
pub fn publish(events: &[Event]) -> Result<(), Refusal> {
    match publisher::publish(events) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Error::Invalid(why))) => Err(Refusal::Invalid(why)),
        Ok(Err(Error::Unavailable(why))) => Err(Refusal::Unavailable(why)),
        Err(error) => Err(Refusal::Unavailable(error.to_debug_string())),
    }
}
