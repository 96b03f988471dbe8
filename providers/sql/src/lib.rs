//! The SQL provider: answers `stoa:sql/client` for components, each from the
//! database that its link names.
//!
//! This module is the wiring: [`SqlProvider`] finds a caller's database and
//! passes the call on. It serves the lattice through the provider SDK (see
//! `main.rs`) and can as well be called directly, in the same process.

mod backend;
mod bindings;
mod config;
mod links;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use stoa_provider::health;
use tokio::sync::Notify;
use tracing::instrument;
use wasmcloud_provider_sdk::{
    Context, HealthCheckRequest, HealthCheckResponse, LinkConfig, LinkDeleteInfo, Provider,
    ProviderConfigUpdate, propagate_trace_for_ctx,
};

pub use backend::{Backend, Limits, Sqlite};
pub use bindings::serve;
pub use config::{Config, DatabaseName, InvalidName};
pub use stoa_provider::Caller;

/// The interface's types.
pub mod types {
    pub use crate::bindings::stoa::sql::types::*;
}

use bindings::exports::stoa::sql::client;
use links::{Links, NoDatabase};
use types::{Error, Migration, Outcome, Statement};

/// The provider. Clones are the same provider.
#[derive(Clone)]
pub struct SqlProvider {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    /// `None` after the shutdown.
    links: RwLock<Option<Links>>,
    started: Instant,
    link_lost: Notify,
}

impl SqlProvider {
    /// A provider without links. Nothing is opened before the first call.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            shared: Arc::new(Shared {
                config,
                links: RwLock::new(Some(Links::default())),
                started: Instant::now(),
                link_lost: Notify::new(),
            }),
        }
    }

    /// Links a caller to the database that `config` names. A name that cannot
    /// be is reported to the caller, at its calls. Must be called on a tokio
    /// runtime, as all that is async here.
    pub fn link(&self, caller: Caller, config: &HashMap<String, String>) {
        let database = DatabaseName::of_link(config, &caller.component);
        match &database {
            Ok(database) => tracing::info!(?caller, %database, "linked"),
            Err(error) => tracing::warn!(?caller, %error, "linked without a database"),
        }
        let Config {
            data_dir, limits, ..
        } = &self.shared.config;
        let open = |name: &DatabaseName| -> Arc<dyn Backend> {
            Arc::new(Sqlite::new(&name.file(data_dir), limits.clone()))
        };
        self.change_links(|links| links.put(caller, database, open));
    }

    /// Takes a link away; closes the database when it was its last one.
    pub fn unlink(&self, caller: Caller) {
        tracing::info!(?caller, "unlinked");
        self.change_links(|links| links.remove(caller));
    }

    /// `stoa:sql/client.query`
    pub async fn query(
        &self,
        caller: Caller,
        schema: u32,
        statement: Statement,
    ) -> Result<Outcome, Error> {
        self.database(&caller)?.query(schema, statement).await
    }

    /// `stoa:sql/client.transact`
    pub async fn transact(
        &self,
        caller: Caller,
        schema: u32,
        statements: Vec<Statement>,
    ) -> Result<Vec<Outcome>, Error> {
        self.database(&caller)?.transact(schema, statements).await
    }

    /// `stoa:sql/client.migrate`
    pub async fn migrate(&self, caller: Caller, migrations: Vec<Migration>) -> Result<u32, Error> {
        self.database(&caller)?.migrate(migrations).await
    }

    /// The databases that could not be reached at their last call, with the
    /// reason.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let links = self.shared.links.read();
        let links = links.unwrap_or_else(PoisonError::into_inner);
        let fault = |(name, database): (&DatabaseName, &Arc<dyn Backend>)| {
            database.fault().map(|reason| format!("{name}: {reason}"))
        };
        links
            .iter()
            .flat_map(Links::databases)
            .filter_map(fault)
            .collect()
    }

    /// Waits for the calls that run and closes all databases. Later calls are
    /// `unavailable`.
    pub async fn close(&self) {
        let links = self.lock_links().take();
        let databases = links.iter().flat_map(Links::databases);
        futures::future::join_all(databases.map(|(_, database)| database.close())).await;
    }

    /// Resolves when a caller shows up whose link never arrived, though the
    /// provider had time to get it. The host sends a provider its links again
    /// only when it starts it: the process should end then. Who embeds the
    /// provider sets its links himself and need not wait for this.
    pub async fn link_lost(&self) {
        self.shared.link_lost.notified().await;
    }

    fn database(&self, caller: &Caller) -> Result<Arc<dyn Backend>, Error> {
        let unavailable = |reason: String| Err(Error::Unavailable(reason));
        let links = self.shared.links.read();
        let links = links.unwrap_or_else(PoisonError::into_inner);
        let Some(links) = links.as_ref() else {
            return unavailable("the provider is shutting down".to_owned());
        };
        let Caller { component, link } = caller;
        match links.database(caller) {
            Ok(database) => Ok(database),
            Err(NoDatabase::Invalid(name)) => unavailable(name.to_string()),
            Err(NoDatabase::Removed) => {
                unavailable(format!("the link {link:?} of {component} was removed"))
            }
            Err(NoDatabase::Unknown) => {
                tracing::warn!(component, link, "called without a link");
                if self.shared.started.elapsed() > self.shared.config.grace {
                    self.shared.link_lost.notify_one();
                }
                unavailable(format!("{component} has no link {link:?} to this provider"))
            }
        }
    }

    fn lock_links(&self) -> std::sync::RwLockWriteGuard<'_, Option<Links>> {
        let links = self.shared.links.write();
        links.unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the links and closes the database that this leaves unused, in
    /// the background: its calls may still run, and other links are waiting.
    fn change_links(&self, change: impl FnOnce(&mut Links) -> Option<Arc<dyn Backend>>) {
        let unused = self.lock_links().as_mut().and_then(change);
        if let Some(database) = unused {
            tokio::spawn(async move { database.close().await });
        }
    }
}

impl Provider for SqlProvider {
    async fn on_config_update(&self, update: impl ProviderConfigUpdate) -> anyhow::Result<()> {
        if Config::parse(update.get_values()).data_dir != self.shared.config.data_dir {
            tracing::warn!("a new data_dir is used from the provider's next start");
        }
        Ok(())
    }

    async fn receive_link_config_as_target(&self, link: LinkConfig<'_>) -> anyhow::Result<()> {
        let caller = Caller::new(link.source_id, link.link_name);
        self.link(caller, link.config);
        Ok(())
    }

    async fn delete_link_as_target(&self, link: impl LinkDeleteInfo) -> anyhow::Result<()> {
        let caller = Caller::new(link.get_source_id(), link.get_link_name());
        self.unlink(caller);
        Ok(())
    }

    async fn health_request(&self, _: &HealthCheckRequest) -> anyhow::Result<HealthCheckResponse> {
        Ok(health(&self.faults()))
    }

    async fn shutdown(&self) -> anyhow::Result<()> {
        self.close().await;
        Ok(())
    }
}

/// The outer result is the transport's; a database's answer, error or not, is
/// the inner one.
impl client::Handler<Option<Context>> for SqlProvider {
    #[instrument(level = "debug", skip_all)]
    async fn query(
        &self,
        context: Option<Context>,
        schema: u32,
        statement: Statement,
    ) -> anyhow::Result<Result<Outcome, Error>> {
        propagate_trace_for_ctx!(context);
        let caller = Caller::of(context.as_ref());
        Ok(SqlProvider::query(self, caller, schema, statement).await)
    }

    #[instrument(level = "debug", skip_all)]
    async fn transact(
        &self,
        context: Option<Context>,
        schema: u32,
        statements: Vec<Statement>,
    ) -> anyhow::Result<Result<Vec<Outcome>, Error>> {
        propagate_trace_for_ctx!(context);
        let caller = Caller::of(context.as_ref());
        Ok(SqlProvider::transact(self, caller, schema, statements).await)
    }

    #[instrument(level = "debug", skip_all)]
    async fn migrate(
        &self,
        context: Option<Context>,
        migrations: Vec<Migration>,
    ) -> anyhow::Result<Result<u32, Error>> {
        propagate_trace_for_ctx!(context);
        let caller = Caller::of(context.as_ref());
        Ok(SqlProvider::migrate(self, caller, migrations).await)
    }
}
