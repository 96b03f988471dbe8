//! The events provider: `stoa:events` over NATS JetStream. Components publish
//! into a stream, and each component that it is linked to hears of the types
//! in the link's config, in order for each subject, until it says that it has
//! handled them.
//!
//! | module | what it is |
//! |---|---|
//! | [`config`], [`pace`] | what a link may say, and how long things take |
//! | [`event`], [`handler`] | what is brought, and to whom |
//! | [`publishing`], `publisher` | into the stream, and the interface for that |
//! | [`lanes`] | the order of events |
//! | [`pushing`], `session`, `work` | the way of the events to one handler |
//! | `consumer`, `lease` | that handler on the broker, and who may act for it |
//! | [`dead`], [`admin`] | events that were given up, and what to do about them |
//! | [`nudges`] | outboxes that have something in them |
//! | [`streams`] | what is kept on the broker |
//! | [`links`] | the tasks: one per link, replaced and ended with it |
//!
//! Config of a link to a handler, on the source side: `types` (no default),
//! `parallel` (16), `timeout_ms` (20000) and `history_s` (600). A link to the
//! publisher needs none, nor does one to `stoa:clock/ticks` of a service that
//! has an outbox.

pub mod admin;
pub mod bindings;
pub mod config;
mod consumer;
pub mod dead;
pub mod event;
pub mod handler;
pub mod lanes;
mod lease;
pub mod links;
pub mod nudges;
pub mod pace;
mod publisher;
pub mod publishing;
pub mod pushing;
mod session;
pub mod streams;
mod wire;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use stoa_provider::health;
pub use stoa_provider::{Lattice, OwnProcess};
use tokio::sync::{Mutex, RwLock};
use tracing::warn;
use wasmcloud_provider_sdk::{
    HealthCheckRequest, HealthCheckResponse, LinkConfig, LinkDeleteInfo, Provider, get_connection,
};

use crate::config::{ConfigError, Subscription};
use crate::handler::Handler;
use crate::links::Links;
use crate::nudges::Nudges;
use crate::pace::Pace;
use crate::pushing::{Pushing, Trouble};
use crate::streams::Broker;
use crate::wire::Component;

/// The interface by which an outbox is relayed.
const TICKS: &str = "ticks";
/// How long a shutdown waits for the calls under way.
const DRAIN: Duration = Duration::from_secs(2);

/// The provider. Clones are the same provider.
#[derive(Clone)]
pub struct EventsProvider<L> {
    lattice: L,
    nats: Option<Client>,
    links: Arc<Links>,
    /// Links whose config is wrong, for the health.
    refused: Arc<Mutex<BTreeMap<Handler, ConfigError>>>,
    /// Read-locked by every call, so that a shutdown can wait for them.
    calls: Arc<RwLock<()>>,
}

impl<L: Lattice> EventsProvider<L> {
    /// A provider that reaches its components there, on this client, or on the
    /// lattice's connection, which [`get_connection`] has once the provider
    /// runs.
    pub fn new(lattice: L, nats: Option<Client>) -> Self {
        Self {
            lattice,
            nats,
            links: Arc::default(),
            refused: Arc::default(),
            calls: Arc::default(),
        }
    }

    /// Whether a link was received, with a good config or not.
    pub async fn knows(&self, component: &str, link: &str) -> bool {
        let handler = Handler {
            component: component.to_owned(),
            link: link.to_owned(),
        };
        self.refused.lock().await.contains_key(&handler) || self.links.has(&handler).await
    }

    fn broker(&self) -> Broker {
        Broker::new(match &self.nats {
            Some(client) => client.clone(),
            None => Client::clone(&get_connection().nats),
        })
    }
}

impl<L: Lattice> Provider for EventsProvider<L> {
    async fn receive_link_config_as_source(&self, link: LinkConfig<'_>) -> anyhow::Result<()> {
        let handler = Handler {
            component: link.target_id.to_owned(),
            link: link.link_name.to_owned(),
        };
        // A service with an outbox.
        if link
            .wit_metadata
            .2
            .iter()
            .any(|interface| interface == TICKS)
        {
            let client = self.lattice.client(link.target_id, nudges::TIMEOUT).await?;
            let nudges = Nudges {
                broker: self.broker(),
                target: Component(client),
                service: handler,
            };
            self.links.put_nudges(nudges).await;
            return Ok(());
        }
        let subscription = match Subscription::from_link(link.config) {
            Ok(subscription) => subscription,
            Err(error) => {
                self.links.delete(&handler).await;
                self.refused.lock().await.insert(handler, error.clone());
                return Err(error.into());
            }
        };
        self.refused.lock().await.remove(&handler);
        let timeout = subscription.timeout;
        let client = self.lattice.client(link.target_id, timeout).await?;
        let pushing = Pushing {
            broker: self.broker(),
            target: Arc::new(Component(client)),
            handler,
            subscription,
            pace: Pace::default(),
            trouble: Trouble::default(),
        };
        self.links.put(pushing).await;
        Ok(())
    }

    async fn delete_link_as_source(&self, link: impl LinkDeleteInfo) -> anyhow::Result<()> {
        let handler = Handler {
            component: link.get_target_id().to_owned(),
            link: link.get_link_name().to_owned(),
        };
        self.links.delete(&handler).await;
        self.refused.lock().await.remove(&handler);
        Ok(())
    }

    async fn health_request(&self, _: &HealthCheckRequest) -> anyhow::Result<HealthCheckResponse> {
        let describe = |handler: &Handler, problem: &dyn std::fmt::Display| {
            let Handler { component, link } = handler;
            format!("link {link} to {component}: {problem}")
        };
        let refused = self.refused.lock().await;
        let refused = refused
            .iter()
            .map(|(handler, error)| describe(handler, error));
        let stuck = self.links.troubles().await;
        let stuck = stuck.iter().map(|(handler, why)| describe(handler, why));
        let mut troubles: Vec<_> = refused.chain(stuck).collect();
        troubles.sort();
        Ok(health(&troubles))
    }

    async fn shutdown(&self) -> anyhow::Result<()> {
        self.links.stop(DRAIN).await;
        if tokio::time::timeout(DRAIN, self.calls.write())
            .await
            .is_err()
        {
            warn!("calls are still under way");
        }
        Ok(())
    }
}
