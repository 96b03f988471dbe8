//! The key-value provider: `wasi:keyvalue@0.2.0-draft` and
//! `stoa:keyvalue/records` over NATS JetStream, with reads from a local copy.
//!
//! | module | what it is |
//! |---|---|
//! | [`config`] | what provider and links may say |
//! | `wasi`, `records` | the two interfaces served |
//! | [`bucket`] | reads, writes, compare-and-set |
//! | [`copy`](mod@copy), `follower` | the local copy of a bucket, and the task that keeps it |
//! | [`backend`] | the broker, behind one trait |
//!
//! Provider config: `nats_url`, left out: the lattice's own connection. Link
//! config: `bucket` (`stoa`) and `ttl` in seconds (none). A bucket that does
//! not exist is created on file storage. One that exists with another TTL is
//! left as it is and served as it is, and log and health say so: shortening
//! the life of data is an operator's decision (delete the bucket, or edit its
//! stream).

pub mod backend;
pub mod bindings;
pub mod bucket;
pub mod config;
pub mod copy;
mod follower;
pub mod key;
mod records;
mod wasi;

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};
use tokio::time::Instant;
use tracing::{error, warn};
use wasmcloud_provider_sdk::{
    Context, HealthCheckRequest, HealthCheckResponse, LinkConfig, LinkDeleteInfo, Provider,
    get_connection,
};

use crate::backend::JetStream;
use crate::bucket::Bucket;
use crate::config::{BucketConfig, ConfigError};

/// A link put may be lost while the provider starts. A caller without a link
/// is nothing unusual for this long.
const GRACE: Duration = Duration::from_secs(10);
/// How long a shutdown waits for the calls under way.
const DRAIN: Duration = Duration::from_secs(3);

/// The provider. Clones are the same provider.
#[derive(Clone)]
pub struct KeyValueProvider {
    nats: Option<Client>,
    on_unlinked: Option<fn()>,
    started: Instant,
    links: Arc<RwLock<HashMap<LinkKey, Link>>>,
    /// Read-locked by every call, so that a shutdown can wait for them.
    calls: Arc<RwLock<()>>,
}

/// The caller's id and the name of its link.
type LinkKey = (String, String);
type Link = Result<Arc<Bucket<JetStream>>, ConfigError>;

/// Why a caller has no bucket.
#[derive(Debug, thiserror::Error)]
enum NoBucket {
    #[error("there is no link by this name from the caller to the key-value store")]
    Unlinked,
    #[error("the link's config is wrong: {0}")]
    Misconfigured(ConfigError),
}

/// A call under way, in its bucket.
struct Call {
    bucket: Arc<Bucket<JetStream>>,
    _under_way: OwnedRwLockReadGuard<()>,
}

impl Deref for Call {
    type Target = Bucket<JetStream>;

    fn deref(&self) -> &Self::Target {
        &self.bucket
    }
}

impl KeyValueProvider {
    /// A provider on this client, or on the lattice's connection, which
    /// [`get_connection`] has once the provider runs.
    pub fn new(nats: Option<Client>) -> Self {
        Self {
            nats,
            on_unlinked: None,
            started: Instant::now(),
            links: Arc::default(),
            calls: Arc::default(),
        }
    }

    /// What to do about a caller without a link after the grace period: its
    /// link put was lost. A process of its own exits, and the host starts it
    /// again with all links; inside another process, nothing.
    #[must_use]
    pub fn on_unlinked(mut self, act: fn()) -> Self {
        self.on_unlinked = Some(act);
        self
    }

    async fn call(&self, context: Option<&Context>) -> Result<Call, NoBucket> {
        let under_way = Arc::clone(&self.calls).read_owned().await;
        let caller = context.and_then(|context| context.component.as_deref());
        let name = context.map_or("default", Context::link_name);
        let key = (caller.unwrap_or_default().to_owned(), name.to_owned());
        match self.links.read().await.get(&key) {
            Some(Ok(bucket)) => Ok(Call {
                bucket: Arc::clone(bucket),
                _under_way: under_way,
            }),
            Some(Err(error)) => Err(NoBucket::Misconfigured(error.clone())),
            None => {
                warn!(source = key.0, link = key.1, "call without a link");
                self.unlinked();
                Err(NoBucket::Unlinked)
            }
        }
    }

    fn unlinked(&self) {
        let Some(act) = self.on_unlinked else { return };
        if self.started.elapsed() > GRACE {
            let calls = Arc::clone(&self.calls);
            tokio::spawn(async move {
                drain(&calls).await;
                error!("a link is missing");
                act();
            });
        }
    }

    fn bucket(
        &self,
        links: &HashMap<LinkKey, Link>,
        config: BucketConfig,
    ) -> Arc<Bucket<JetStream>> {
        let same = |bucket: &&Arc<Bucket<JetStream>>| *bucket.config() == config;
        if let Some(bucket) = links.values().flatten().find(same) {
            return Arc::clone(bucket);
        }
        let nats = match &self.nats {
            Some(client) => client.clone(),
            None => Client::clone(&get_connection().nats),
        };
        let backend = JetStream::new(nats, config.clone());
        Arc::new(Bucket::new(config, backend))
    }
}

impl Provider for KeyValueProvider {
    async fn receive_link_config_as_target(&self, link: LinkConfig<'_>) -> anyhow::Result<()> {
        let config = BucketConfig::from_link(link.config);
        let key = (link.source_id.to_owned(), link.link_name.to_owned());
        let mut links = self.links.write().await;
        let bucket = config.clone().map(|config| self.bucket(&links, config));
        links.insert(key, bucket);
        Ok(config.map(|_| ())?)
    }

    async fn delete_link_as_target(&self, link: impl LinkDeleteInfo) -> anyhow::Result<()> {
        let key = (
            link.get_source_id().to_owned(),
            link.get_link_name().to_owned(),
        );
        self.links.write().await.remove(&key);
        Ok(())
    }

    async fn health_request(&self, _: &HealthCheckRequest) -> anyhow::Result<HealthCheckResponse> {
        let links = self.links.read().await;
        let mut troubles: Vec<_> = links
            .iter()
            .filter_map(|((source, name), link)| match link {
                Ok(bucket) => bucket.trouble(),
                Err(error) => Some(format!("link {name} of {source}: {error}")),
            })
            .collect();
        troubles.sort();
        troubles.dedup();
        Ok(HealthCheckResponse {
            healthy: troubles.is_empty(),
            message: (!troubles.is_empty()).then(|| troubles.join("; ")),
        })
    }

    async fn shutdown(&self) -> anyhow::Result<()> {
        // The buckets end with the provider: a last call still finds its own.
        drain(&self.calls).await;
        Ok(())
    }
}

/// Waits for the calls under way, but not for ever.
async fn drain(calls: &RwLock<()>) {
    if tokio::time::timeout(DRAIN, calls.write()).await.is_err() {
        warn!("calls are still under way");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_caller_without_a_link_is_acted_upon_after_the_grace_period() {
        static ACTED: AtomicUsize = AtomicUsize::new(0);
        let provider = KeyValueProvider::new(None).on_unlinked(|| {
            ACTED.fetch_add(1, Ordering::Relaxed);
        });
        let call = async || {
            let refused = provider.call(None).await;
            assert!(matches!(refused, Err(NoBucket::Unlinked)));
            tokio::time::sleep(Duration::from_millis(1)).await;
            ACTED.load(Ordering::Relaxed)
        };
        assert_eq!(call().await, 0);
        tokio::time::advance(GRACE).await;
        assert_eq!(call().await, 1);
    }
}
