//! `stoa:events/publisher`, for components.

use wasmcloud_provider_sdk::Context;

use crate::bindings::exports::stoa::events::publisher::{self, Error};
use crate::event::Event;
use crate::publishing::{self, publish};
use crate::{EventsProvider, Lattice};

impl<L: Lattice> publisher::Handler<Option<Context>> for EventsProvider<L> {
    async fn publish(
        &self,
        _: Option<Context>,
        events: Vec<publisher::Event>,
    ) -> anyhow::Result<Result<(), Error>> {
        let _under_way = self.calls.read().await;
        let events: Vec<_> = events.into_iter().map(Event::from).collect();
        Ok(publish(&self.broker(), &events).await.map_err(Error::from))
    }
}

impl From<publisher::Event> for Event {
    fn from(event: publisher::Event) -> Self {
        Self {
            id: event.id,
            kind: event.type_,
            subject: event.subject,
            occurred: event.occurred,
            data: event.data,
            traceparent: event.traceparent,
        }
    }
}

impl From<publishing::Error> for Error {
    fn from(error: publishing::Error) -> Self {
        match error {
            publishing::Error::Invalid(problem) => Self::Invalid(problem),
            publishing::Error::Unavailable(problem) => Self::Unavailable(problem.to_string()),
        }
    }
}
