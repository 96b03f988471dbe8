//! A component on the lattice as a handler of events, and as one that has an
//! outbox.

use async_nats::HeaderMap;
use wrpc_transport::{Invoke, SendFuture as _};

use crate::bindings::stoa::clock::ticks::{self, Timing};
use crate::bindings::stoa::events::{handler, types};
use crate::event::Event;
use crate::handler::{Failure, Target};
use crate::nudges::{INTERVAL, Relay};

/// A component, called over wRPC.
pub(crate) struct Component<C>(pub(crate) C);

impl<C: Invoke<Context = Option<HeaderMap>> + 'static> Target for Component<C> {
    async fn handle(&self, event: &Event) -> Result<(), Failure> {
        let event = types::Event::from(event.clone());
        match handler::handle(&self.0, None, &event).send().await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(types::Error::Invalid(problem) | types::Error::Unavailable(problem))) => {
                Err(Failure::Component(problem))
            }
            Err(error) => Err(Failure::Call(format!("{error:#}"))),
        }
    }
}

impl<C: Invoke<Context = Option<HeaderMap>> + 'static> Relay for Component<C> {
    async fn relay(&self, link: &str, now: u64) -> Result<(), Failure> {
        let timing = Timing {
            name: link.to_owned(),
            sequence: now,
            interval: INTERVAL,
        };
        match ticks::tick(&self.0, None, &timing).send().await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(problem)) => Err(Failure::Component(problem)),
            Err(error) => Err(Failure::Call(format!("{error:#}"))),
        }
    }
}

impl From<Event> for types::Event {
    fn from(event: Event) -> Self {
        Self {
            id: event.id,
            type_: event.kind,
            subject: event.subject,
            occurred: event.occurred,
            data: event.data,
            traceparent: event.traceparent,
        }
    }
}
