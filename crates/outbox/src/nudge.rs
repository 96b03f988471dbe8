//! How an event leaves soon after the commit, and not with the next tick.
//!
//! A service has no time of its own once it has answered, and to relay before
//! would make every request wait for the broker. So it says that there is
//! something, which costs a message that nobody answers, and the events
//! provider calls back: at once, and one call at a time. If the message gets
//! lost, the next tick does it.

use stoa_kit::bindings::exports::stoa::clock::ticks::Timing;
use stoa_kit::bindings::wasmcloud::messaging::consumer;
use stoa_kit::bindings::wasmcloud::messaging::types::BrokerMessage;

/// Nudges go to this subject and the service's id.
pub const SUBJECT_PREFIX: &str = "stoa.outbox.";
/// The names of the ticks that relay begin with this.
const TICK_PREFIX: &str = "outbox-";

/// Says that the outbox of the service `id` has something in it. To be called
/// when the transaction is through.
pub fn nudge(id: &str) {
    // Natively there is no host; and if this fails, the tick comes.
    if cfg!(target_family = "wasm") {
        let message = BrokerMessage {
            subject: format!("{SUBJECT_PREFIX}{id}"),
            body: Vec::new(),
            reply_to: None,
        };
        consumer::publish(&message).ok();
    }
}

/// Whether a tick is one at which to relay.
pub fn is_due(timing: &Timing) -> bool {
    timing.name.starts_with(TICK_PREFIX)
}
