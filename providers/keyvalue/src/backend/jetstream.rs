//! A NATS JetStream key-value bucket (NATS ADR-8): a stream `KV_<bucket>`
//! that keeps the last message of each subject `$KV.<bucket>.<key>`.
//!
//! Writes are published here rather than through `kv::Store`, because its
//! `delete` does not tell the revision; and the watch is our own consumer,
//! because that of `kv::Store` ends at once on an empty bucket.

use std::error::Error as _;
use std::future::Future;
use std::time::{Duration, SystemTime};

use async_nats::connection::State;
use async_nats::jetstream::consumer::push::OrderedConfig;
use async_nats::jetstream::consumer::{DeliverPolicy, ReplayPolicy};
use async_nats::jetstream::context::{
    GetStreamError, GetStreamErrorKind, KeyValueError, PublishErrorKind,
};
use async_nats::jetstream::kv::{self, Operation, Store};
use async_nats::jetstream::stream::StorageType;
use async_nats::jetstream::{self, ErrorCode, Message};
use async_nats::{Client, HeaderMap, HeaderValue, header};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::sync::watch;

use super::{Backend, Change, Error, Missing, Record, Watch};
use crate::key::Key;

/// For every request to NATS, waiting for the connection included.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How often the state of the connection is looked at while it matters.
const CONNECTION_POLL: Duration = Duration::from_millis(50);

const OPERATION: &str = "KV-Operation";
const DELETE: &str = "DEL";
const PURGE: &str = "PURGE";
/// Set by the server on the marker it leaves when it removes a key itself.
const MARKER: &str = "Nats-Marker-Reason";

/// One bucket over a NATS client.
pub struct JetStream {
    client: Client,
    context: jetstream::Context,
    name: String,
    /// The bucket as it was last opened by the watch.
    store: watch::Sender<Option<Store>>,
}

impl JetStream {
    /// The bucket of this name. Does not connect: the client may not have a
    /// server yet.
    pub fn new(client: Client, name: String) -> Self {
        let mut context = jetstream::new(client.clone());
        context.set_timeout(TIMEOUT);
        Self {
            client,
            context,
            name,
            store: watch::Sender::new(None),
        }
    }

    /// Gets the bucket, or creates it. An existing one is taken as it is.
    async fn open(&self, missing: Missing) -> Result<Option<Store>, Error> {
        self.connected().await;
        let ttl = match (self.context.get_key_value(&self.name).await, missing) {
            (Ok(store), _) => return Ok(Some(store)),
            (Err(error), _) if !is_missing(&error) => return Err(unavailable(error)),
            (Err(_), Missing::Await) => return Ok(None),
            (Err(_), Missing::Create { ttl }) => ttl,
        };
        let bucket = kv::Config {
            bucket: self.name.clone(),
            description: "Stoa key-value".to_owned(),
            history: 1,
            max_age: ttl.unwrap_or_default(),
            storage: StorageType::File,
            ..kv::Config::default()
        };
        match self.context.create_key_value(bucket).await {
            Ok(store) => Ok(Some(store)),
            // Somebody else was faster, with another configuration.
            Err(error) => match self.context.get_key_value(&self.name).await {
                Ok(store) => Ok(Some(store)),
                Err(_) => Err(unavailable(error)),
            },
        }
    }

    /// The bucket, once the watch has opened it and while NATS is there.
    async fn opened(&self) -> Result<Store, Error> {
        let mut stores = self.store.subscribe();
        let store = match stores.wait_for(Option::is_some).await {
            Ok(store) => store.clone(),
            Err(_) => None,
        };
        self.connected().await;
        store.ok_or_else(|| Error::Unavailable("the bucket is closed".to_owned()))
    }

    /// Waits for the connection. A request is not handed to a client without
    /// one: it would keep it, and send it long after it was given up.
    async fn connected(&self) {
        while self.client.connection_state() != State::Connected {
            tokio::time::sleep(CONNECTION_POLL).await;
        }
    }
}

impl Backend for JetStream {
    async fn write(
        &self,
        key: &Key,
        value: Option<Bytes>,
        expected: Option<u64>,
    ) -> Result<u64, Error> {
        bounded(async {
            let store = self.opened().await?;
            let mut headers = HeaderMap::new();
            if value.is_none() {
                headers.insert(OPERATION, DELETE);
            }
            if let Some(revision) = expected {
                let revision = HeaderValue::from(revision);
                headers.insert(header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, revision);
            }
            let subject = format!("{}{}", store.prefix, key.as_str());
            let acknowledged = self
                .context
                .publish_with_headers(subject, headers, value.unwrap_or_default())
                .await
                .map_err(unavailable)?
                .await;
            match acknowledged {
                Ok(ack) => Ok(ack.sequence),
                Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => {
                    Err(Error::WrongRevision)
                }
                Err(error) => Err(unavailable(error)),
            }
        })
        .await
    }

    async fn last(&self, key: &Key) -> Result<Option<Record>, Error> {
        bounded(async {
            let store = self.opened().await?;
            let entry = store.entry(key.as_str()).await.map_err(unavailable)?;
            Ok(entry.map(|entry| Record {
                value: (entry.operation == Operation::Put).then_some(entry.value),
                revision: entry.revision,
            }))
        })
        .await
    }

    async fn watch(&self, missing: Missing) -> Result<Option<Watch>, Error> {
        let Some(store) = bounded(self.open(missing)).await? else {
            return Ok(None);
        };
        let consumer = bounded(async {
            let consumer = OrderedConfig {
                deliver_subject: self.client.new_inbox(),
                description: Some("Stoa key-value copy".to_owned()),
                filter_subject: format!("{}>", store.prefix),
                replay_policy: ReplayPolicy::Instant,
                deliver_policy: DeliverPolicy::LastPerSubject,
                ..OrderedConfig::default()
            };
            store
                .stream
                .create_consumer(consumer)
                .await
                .map_err(unavailable)
        })
        .await?;
        let max_age = store.stream.cached_info().config.max_age;
        let empty = consumer.cached_info().num_pending == 0;
        let messages = bounded(async { consumer.messages().await.map_err(unavailable) }).await?;
        let prefix = store.prefix.clone();
        self.store.send_replace(Some(store));
        Ok(Some(Watch {
            ttl: (!max_age.is_zero()).then_some(max_age),
            empty,
            changes: messages
                .map_err(unavailable)
                .and_then(move |message| std::future::ready(change(&prefix, &message)))
                .take_until(disconnected(self.client.clone()))
                .boxed(),
        }))
    }
}

/// Whether the broker says that there is no such bucket, rather than nothing.
fn is_missing(error: &KeyValueError) -> bool {
    let stream = error.source().and_then(|why| why.downcast_ref());
    stream.is_some_and(|why: &GetStreamError| {
        matches!(why.kind(), GetStreamErrorKind::JetStream(said)
            if said.error_code() == ErrorCode::STREAM_NOT_FOUND)
    })
}

/// Returns when the client has lost its server. What the broker forgets then
/// (consumers live in its memory) is not worth finding out: the watch begins
/// anew.
async fn disconnected(client: Client) {
    while client.connection_state() == State::Connected {
        tokio::time::sleep(CONNECTION_POLL).await;
    }
}

fn change(prefix: &str, message: &Message) -> Result<Change, Error> {
    let info = message.info().map_err(unavailable)?;
    let key = message
        .subject
        .strip_prefix(prefix)
        .ok_or_else(|| Error::Unavailable(format!("{} is no key", message.subject)))?;
    let deleted = message.headers.as_ref().is_some_and(|headers| {
        let operation = headers.get(OPERATION).map(HeaderValue::as_str);
        matches!(operation, Some(DELETE | PURGE)) || headers.get(MARKER).is_some()
    });
    Ok(Change {
        key: key.to_owned(),
        record: Record {
            value: (!deleted).then(|| message.payload.clone()),
            revision: info.stream_sequence,
        },
        age: SystemTime::now()
            .duration_since(info.published.into())
            .unwrap_or_default(),
        current: info.pending == 0,
    })
}

async fn bounded<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(TIMEOUT, work)
        .await
        .unwrap_or_else(|_| Err(Error::Unavailable("no answer from NATS in time".to_owned())))
}

fn unavailable(error: impl std::fmt::Display) -> Error {
    Error::Unavailable(error.to_string())
}
