//! The key-value provider: `wasi:keyvalue@0.2.0-draft` and
//! `stoa:keyvalue/records` over NATS JetStream, with reads from a local copy.
//!
//! | module | what it is |
//! |---|---|
//! | [`config`] | what provider and links may say |
//! | `wasi`, `records` | the two interfaces served |
//! | [`view`] | what a link reaches: its own bucket, and others to read |
//! | [`bucket`] | reads, writes, compare-and-set |
//! | [`copy`](mod@copy), `follower` | the local copy of a bucket, and the task that keeps it |
//! | [`backend`] | the broker, behind one trait |
//!
//! Provider config: `nats_url`, left out: the lattice's own connection. Link
//! config: `bucket` (`stoa`), `ttl` in seconds (none), and `reads` (none), the
//! names of other buckets, separated by commas. A bucket that does not exist is
//! created on file storage. One that exists with another TTL is left as it is
//! and served as it is, and log and health say so: shortening the life of data
//! is an operator's decision (delete the bucket, or edit its stream).
//!
//! The entries of a bucket in `reads` are `<bucket>/<key>` to whoever reads
//! them by `records`. Such a bucket is never created for the reader, who does
//! not know its TTL: a link that has it as `bucket` does that, before or after.
//! All links to one bucket share one copy.

pub mod backend;
pub mod bindings;
pub mod bucket;
pub mod config;
pub mod copy;
mod follower;
pub mod key;
mod records;
pub mod view;
mod wasi;

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use stoa_provider::health;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};
use tokio::time::Instant;
use tracing::{error, warn};
use wasmcloud_provider_sdk::{
    Context, HealthCheckRequest, HealthCheckResponse, LinkConfig, LinkDeleteInfo, Provider,
    get_connection,
};

use crate::backend::{JetStream, Missing};
use crate::bucket::Bucket;
use crate::config::{Access, ConfigError};
use crate::view::View;

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
type Link = Result<Arc<View<JetStream>>, ConfigError>;

/// Why a caller has no bucket.
#[derive(Debug, thiserror::Error)]
enum NoBucket {
    #[error("there is no link by this name from the caller to the key-value store")]
    Unlinked,
    #[error("the link's config is wrong: {0}")]
    Misconfigured(ConfigError),
}

/// A call under way, and what it reaches.
struct Call {
    view: Arc<View<JetStream>>,
    _under_way: OwnedRwLockReadGuard<()>,
}

impl Deref for Call {
    type Target = View<JetStream>;

    fn deref(&self) -> &Self::Target {
        &self.view
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
            Some(Ok(view)) => Ok(Call {
                view: Arc::clone(view),
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

    /// What a link reaches. A bucket that any link has already is shared.
    fn view(&self, links: &HashMap<LinkKey, Link>, access: &Access) -> View<JetStream> {
        let bucket = |name: &str, missing| {
            let mut views = links.values().flatten();
            views
                .find_map(|view| view.bucket(name))
                .unwrap_or_else(|| Arc::new(self.bucket(name.to_owned(), missing)))
        };
        let ttl = access.own.ttl;
        let own = bucket(&access.own.name, Missing::Create { ttl });
        own.create_if_missing(ttl);
        let others = access.reads.iter();
        let others = others.map(|name| bucket(name, Missing::Await)).collect();
        View::new(own, ttl, others)
    }

    fn bucket(&self, name: String, missing: Missing) -> Bucket<JetStream> {
        let nats = match &self.nats {
            Some(client) => client.clone(),
            None => Client::clone(&get_connection().nats),
        };
        let backend = JetStream::new(nats, name.clone());
        Bucket::new(name, backend, missing)
    }
}

impl Provider for KeyValueProvider {
    async fn receive_link_config_as_target(&self, link: LinkConfig<'_>) -> anyhow::Result<()> {
        let access = Access::from_link(link.config);
        let key = (link.source_id.to_owned(), link.link_name.to_owned());
        let mut links = self.links.write().await;
        let view = access.map(|access| Arc::new(self.view(&links, &access)));
        let outcome = view.as_ref().map(|_| ()).map_err(Clone::clone);
        links.insert(key, view);
        Ok(outcome?)
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
            .flat_map(|((source, name), link)| match link {
                Ok(view) => view.troubles(),
                Err(error) => vec![format!("link {name} of {source}: {error}")],
            })
            .collect();
        troubles.sort();
        troubles.dedup();
        Ok(health(&troubles))
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
