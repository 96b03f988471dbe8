//! Publishing: events into the stream, acknowledged by the broker.

use std::collections::HashMap;

use async_nats::{HeaderMap, header};
use futures::future::try_join_all;

use crate::event::Event;
use crate::streams::{Broker, Unavailable, bounded};

/// How many events a call may have.
pub const MAX_EVENTS: usize = 256;

/// Why events were not published, or not all of them.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// None was published, and it will be no better another time.
    #[error("{0}")]
    Invalid(String),
    /// Some may have been.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Publishes events and returns when the broker has them all. Those of one
/// subject go one after the other: if the connection breaks, a later one may
/// arrive where an earlier one did not.
pub async fn publish(broker: &Broker, events: &[Event]) -> Result<(), Error> {
    if events.is_empty() || events.len() > MAX_EVENTS {
        let problem = format!("not 1 to {MAX_EVENTS} events");
        return Err(Error::Invalid(problem));
    }
    for (number, event) in events.iter().enumerate() {
        let invalid = |error| Error::Invalid(format!("event {number}: {error}"));
        event.check().map_err(invalid)?;
    }
    bounded(async {
        broker.connected().await;
        let Err(error) = store_all(broker, events).await else {
            return Ok(());
        };
        // Perhaps there is no stream yet. What is stored is not stored again.
        tracing::debug!(%error, "not published at once");
        broker.events().await?;
        store_all(broker, events).await
    })
    .await?;
    Ok(())
}

async fn store_all(broker: &Broker, events: &[Event]) -> Result<(), Unavailable> {
    let mut subjects: HashMap<&str, Vec<&Event>> = HashMap::new();
    for event in events {
        subjects.entry(&event.subject).or_default().push(event);
    }
    try_join_all(subjects.into_values().map(async |events| {
        for event in events {
            store(broker, event.address(), &event.id, event).await?;
        }
        Ok(())
    }))
    .await?;
    Ok(())
}

/// Stores something in a stream, once for an id, and waits for the broker to
/// say that it is there.
pub(crate) async fn store(
    broker: &Broker,
    address: String,
    id: &str,
    content: &impl serde::Serialize,
) -> Result<(), Unavailable> {
    let content = serde_json::to_vec(content).map_err(Unavailable::because)?;
    let mut headers = HeaderMap::new();
    headers.insert(header::NATS_MESSAGE_ID, id);
    let stored = broker
        .context
        .publish_with_headers(address, headers, content.into())
        .await
        .map_err(Unavailable::because)?;
    stored.await.map_err(Unavailable::because)?;
    Ok(())
}
