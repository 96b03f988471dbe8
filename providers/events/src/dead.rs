//! Dead letters: events with which a handler did not succeed, and why.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::handler::Handler;
use crate::publishing::store;
use crate::streams::{Broker, DEAD, Unavailable};

/// An event that was given up for one handler. On the broker it is a JSON
/// object of these fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The event.
    pub event: Event,
    /// Whom it could not be brought to.
    pub handler: Handler,
    /// The last error.
    pub error: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it was given up, in milliseconds since the Unix epoch.
    pub died: i64,
}

impl DeadLetter {
    /// Given up now.
    pub(crate) fn new(event: Event, handler: Handler, error: String, tries: u32) -> Self {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            event,
            handler,
            error,
            tries,
            died: i64::try_from(now.as_millis()).unwrap_or(i64::MAX),
        }
    }

    /// Puts it to the dead letters and returns when it is there. `number` is
    /// the event's in the stream: to be put there twice makes no difference.
    pub(crate) async fn bury(&self, broker: &Broker, number: u64) -> Result<(), Unavailable> {
        let consumer = self.handler.consumer();
        let address = format!("{DEAD}.{consumer}.{}", self.event.id);
        store(broker, address, &format!("{consumer}.{number}"), self).await
    }
}
