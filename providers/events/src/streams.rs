//! What the provider keeps on the broker: the events, the dead letters, and
//! the leases of those who bring them to a handler.

use std::future::Future;
use std::time::Duration;

use async_nats::Client;
use async_nats::connection::State;
use async_nats::jetstream::kv::{self, Store};
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType, Stream};
use async_nats::jetstream::{self, Context};

use crate::event::EVENTS;

/// The stream of all events.
pub const STREAM: &str = "STOA_EVENTS";
/// The stream of those that no handler could do anything with.
pub const DEAD_STREAM: &str = "STOA_EVENTS_DEAD";
/// Dead letters: `stoa.dead.<consumer>.<event id>`.
pub const DEAD: &str = "stoa.dead";
/// Events that one handler is to get again: `stoa.retry.<consumer>.<subject>`.
pub const RETRY: &str = "stoa.retry";
/// The bucket of the leases.
pub const LEASES: &str = "stoa-events";

const DAY: Duration = Duration::from_hours(24);
/// A handler that has been away for longer has lost something.
const AGE: Duration = DAY.saturating_mul(30);
const SIZE: i64 = 4 << 30;
/// Dead letters hold personal data, too: nobody looked at these in a quarter.
const DEAD_AGE: Duration = DAY.saturating_mul(90);
const DEAD_SIZE: i64 = 256 << 20;
/// A relay that died after it had published, and before it had noted that,
/// publishes again when it is back: by then a night may have passed. The broker
/// keeps the ids of this window in memory, some 100 bytes each: 5 MB for a
/// hundred thousand events a day.
const DUPLICATES: Duration = Duration::from_hours(12);

/// For every request to the broker, waiting for the connection included.
pub const TIMEOUT: Duration = Duration::from_secs(3);
/// How often the state of the connection is looked at while it matters.
const CONNECTION_POLL: Duration = Duration::from_millis(50);

/// The broker did not do it, or nobody knows whether it did.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

impl Unavailable {
    /// For want of an answer that would say more.
    pub(crate) fn because(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// The broker with what the provider keeps there.
#[derive(Clone)]
pub struct Broker {
    /// Its connection.
    pub client: Client,
    /// Its JetStream.
    pub context: Context,
}

impl Broker {
    /// Does not connect: the client may not have a server yet.
    pub fn new(client: Client) -> Self {
        let mut context = jetstream::new(client.clone());
        context.set_timeout(TIMEOUT);
        Self { client, context }
    }

    /// The stream of events, which is created if it is not there. One that is
    /// there is an operator's and taken as it is.
    pub async fn events(&self) -> Result<Stream, Unavailable> {
        self.stream(Config {
            name: STREAM.to_owned(),
            description: Some("What happened in Stoa".to_owned()),
            subjects: vec![format!("{EVENTS}.>"), format!("{RETRY}.>")],
            storage: StorageType::File,
            max_age: AGE,
            max_bytes: SIZE,
            duplicate_window: DUPLICATES,
            ..Config::default()
        })
        .await
    }

    /// The stream of dead letters. When it is full it takes no more, and an
    /// event stays where it is.
    pub async fn dead(&self) -> Result<Stream, Unavailable> {
        self.stream(Config {
            name: DEAD_STREAM.to_owned(),
            description: Some("Events that a handler of Stoa could not handle".to_owned()),
            subjects: vec![format!("{DEAD}.>")],
            storage: StorageType::File,
            max_age: DEAD_AGE,
            max_bytes: DEAD_SIZE,
            discard: DiscardPolicy::New,
            duplicate_window: DUPLICATES,
            ..Config::default()
        })
        .await
    }

    /// The bucket of the leases, which end after this time.
    pub async fn leases(&self, lease: Duration) -> Result<Store, Unavailable> {
        let bucket = kv::Config {
            bucket: LEASES.to_owned(),
            description: "Who brings events to which handler of Stoa".to_owned(),
            history: 1,
            max_age: lease,
            storage: StorageType::File,
            ..kv::Config::default()
        };
        bounded(async {
            if let Ok(store) = self.context.get_key_value(LEASES).await {
                return Ok(store);
            }
            match Box::pin(self.context.create_key_value(bucket)).await {
                Ok(store) => Ok(store),
                Err(error) => match self.context.get_key_value(LEASES).await {
                    Ok(store) => Ok(store),
                    Err(_) => Err(Unavailable::because(error)),
                },
            }
        })
        .await
    }

    async fn stream(&self, config: Config) -> Result<Stream, Unavailable> {
        let name = config.name.clone();
        bounded(async {
            self.connected().await;
            // Missing, or out of reach: creating it tells.
            if let Ok(stream) = self.context.get_stream(&name).await {
                return Ok(stream);
            }
            match Box::pin(self.context.create_stream(config)).await {
                Ok(stream) => Ok(stream),
                // Somebody else was faster.
                Err(error) => match self.context.get_stream(&name).await {
                    Ok(stream) => Ok(stream),
                    Err(_) => Err(Unavailable::because(error)),
                },
            }
        })
        .await
    }

    /// Waits for the connection. A request is not handed to a client without
    /// one: it would keep it, and send it long after it was given up.
    pub async fn connected(&self) {
        while self.client.connection_state() != State::Connected {
            tokio::time::sleep(CONNECTION_POLL).await;
        }
    }

    /// Returns when the connection is gone.
    pub async fn disconnected(&self) {
        while self.client.connection_state() == State::Connected {
            tokio::time::sleep(CONNECTION_POLL).await;
        }
    }
}

/// Work that is given up after [`TIMEOUT`].
pub async fn bounded<T>(
    work: impl Future<Output = Result<T, Unavailable>>,
) -> Result<T, Unavailable> {
    tokio::time::timeout(TIMEOUT, Box::pin(work))
        .await
        .unwrap_or_else(|_| Err(Unavailable("no answer from NATS in time".to_owned())))
}
