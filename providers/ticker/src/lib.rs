//! The ticker provider: calls `stoa:clock/ticks.tick` of each component it is
//! linked to, at the interval in the link's config.
//!
//! | module | what it is |
//! |---|---|
//! | [`config`] | what a link may say |
//! | [`ticking`] | when to call, and what to do about failures |
//! | [`links`] | the tasks: one per link, replaced and ended with it |
//!
//! Link config, on the source side: `interval_ms` (5000) and `jitter` (0.1).

pub mod bindings;
pub mod config;
pub mod links;
pub mod ticking;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stoa_provider::health;
pub use stoa_provider::{Lattice, OwnProcess};
use tokio::sync::Mutex;
use wasmcloud_provider_sdk::{
    HealthCheckRequest, HealthCheckResponse, LinkConfig, LinkDeleteInfo, Provider,
};

use crate::config::{ConfigError, Schedule};
use crate::links::Links;
use crate::ticking::Ticking;
use crate::wire::Component;

/// How long a shutdown waits for the calls under way.
const DRAIN: Duration = Duration::from_secs(2);

/// The provider. Clones are the same provider.
#[derive(Clone)]
pub struct TickerProvider<L> {
    lattice: L,
    links: Arc<Links>,
    /// Links whose config is wrong, by component and name, for the health.
    refused: Arc<Mutex<BTreeMap<(String, String), ConfigError>>>,
}

impl<L: Lattice> TickerProvider<L> {
    /// A provider that reaches its components there.
    pub fn new(lattice: L) -> Self {
        Self {
            lattice,
            links: Arc::default(),
            refused: Arc::default(),
        }
    }

    /// Whether a link was received, with a good config or not.
    pub async fn knows(&self, component: &str, name: &str) -> bool {
        let key = (component.to_owned(), name.to_owned());
        self.refused.lock().await.contains_key(&key) || self.links.has(component, name).await
    }
}

impl<L: Lattice> Provider for TickerProvider<L> {
    async fn receive_link_config_as_source(&self, link: LinkConfig<'_>) -> anyhow::Result<()> {
        let key = (link.target_id.to_owned(), link.link_name.to_owned());
        let schedule = match Schedule::from_link(link.config) {
            Ok(schedule) => schedule,
            Err(error) => {
                self.links.delete(link.target_id, link.link_name).await;
                self.refused.lock().await.insert(key, error.clone());
                return Err(error.into());
            }
        };
        self.refused.lock().await.remove(&key);
        let timeout = schedule.timeout();
        let client = self.lattice.client(link.target_id, timeout).await?;
        let (component, name) = key;
        let ticking = Ticking {
            target: Component(client),
            component,
            name,
            schedule,
        };
        self.links.put(ticking).await;
        Ok(())
    }

    async fn delete_link_as_source(&self, link: impl LinkDeleteInfo) -> anyhow::Result<()> {
        let (component, name) = (link.get_target_id(), link.get_link_name());
        self.links.delete(component, name).await;
        let key = (component.to_owned(), name.to_owned());
        self.refused.lock().await.remove(&key);
        Ok(())
    }

    async fn health_request(&self, _: &HealthCheckRequest) -> anyhow::Result<HealthCheckResponse> {
        let refused = self.refused.lock().await;
        let troubles: Vec<_> = refused
            .iter()
            .map(|((component, name), error)| format!("link {name} to {component}: {error}"))
            .collect();
        Ok(health(&troubles))
    }

    async fn shutdown(&self) -> anyhow::Result<()> {
        self.links.stop(DRAIN).await;
        Ok(())
    }
}
