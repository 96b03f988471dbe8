//! Heartbeats: how a service says that it is there.

use crate::bindings::exports::stoa::clock::ticks::Timing;
pub use crate::bindings::stoa::lattice::heartbeat::Beat;
use crate::bindings::wasmcloud::messaging::consumer;
use crate::bindings::wasmcloud::messaging::types::BrokerMessage;
use crate::{config, digest};

/// Beats go to this subject and the service's id.
pub const SUBJECT_PREFIX: &str = "stoa.heartbeat.";

/// A service is gone when it has missed this many beats.
pub const MISSED_BEATS: u32 = 3;

/// Publishes one beat of the service `id`.
///
/// Configuration: `lattice`, the lattice's name (default `default`).
pub fn publish(id: &str, version: &str, timing: &Timing) -> Result<(), String> {
    let lattice = config::get("lattice").unwrap_or_else(|| "default".to_owned());
    let beat = Beat {
        service: id.to_owned(),
        location: format!("lattice://{lattice}/{id}"),
        instance: lattice,
        version: version.to_owned(),
        digest: digest::content_digest(),
        sequence: timing.sequence,
        lease: timing.interval.saturating_mul(MISSED_BEATS),
    };
    consumer::publish(&BrokerMessage {
        subject: format!("{SUBJECT_PREFIX}{id}"),
        body: serde_json::to_vec(&beat).map_err(|error| error.to_string())?,
        reply_to: None,
    })
}
