//! Capability providers that are built into the host.
//!
//! They are what archives hold, without a process of their own: calls reach
//! them, and they reach components, over the host's [`Exchange`]. All else is
//! as for an archive. They are told about links, configuration, health and
//! shutdown by the same messages, are in the inventory and in the events, and
//! take calls from other hosts. Where one ends by itself it is started again.

use core::fmt;
use core::future::Future;
use core::time::Duration;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use anyhow::Context as _;
use futures::future::BoxFuture;
use futures::stream::{select_all, StreamExt as _};
use nkeys::XKey;
use tokio::sync::{broadcast, oneshot, watch, RwLock, Semaphore};
use tokio::task::JoinSet;
use tracing::{error, info, warn};
use wascap::jwt::{CapabilityProvider, Token};
use wasmcloud_core::secrets::SecretValue;
use wasmcloud_core::{HealthCheckRequest, HealthCheckResponse, HostData};
use wasmcloud_provider_sdk::provider::{
    handle_provider_commands, receive_link_for_provider, InvocationStreams,
    ProviderCommandReceivers,
};
use wasmcloud_provider_sdk::{
    LinkConfig, LinkDeleteInfo, Provider, ProviderConfigUpdate, ProviderConnection,
    ProviderInitConfig,
};

use crate::wasmbus::config::ConfigBundle;
use crate::wasmbus::exchange::{Client, Draft, Exchange};
use crate::wasmbus::Host;
use crate::ResourceRef;

use super::{check_health, watch_config};

/// Calls of a provider that run at once. More wait in the queues.
const CALLS: usize = 256;
/// Calls of one function that wait.
const QUEUED: usize = 1024;
/// How long a provider that ended by itself stays down.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a shutdown waits for calls, unless the host says how long it may take.
const DRAIN: Duration = Duration::from_millis(200);

type Start = Arc<dyn Fn(ProviderHost) -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>;

/// The providers that are built into a host, by name.
#[derive(Clone, Default)]
pub struct EmbeddedProviders(BTreeMap<String, Start>);

impl EmbeddedProviders {
    /// With one more. It stands in for the images `wasmcloud+builtin://NAME`
    /// and `file://.../NAME.par.gz`; the latter's name may carry a hash of its
    /// content, of 16 hexadecimal digits after a dash.
    ///
    /// `start` makes the provider and ends with [`ProviderHost::run`].
    #[must_use]
    pub fn with<F, Fut>(mut self, name: &str, start: F) -> Self
    where
        F: Fn(ProviderHost) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let start: Start = Arc::new(move |host| Box::pin(start(host)));
        self.0.insert(name.to_owned(), start);
        self
    }

    /// Whether one stands in for this archive, which need not be there.
    #[must_use]
    pub fn stand_in_for(&self, archive: &Path) -> bool {
        name_of(archive).is_some_and(|name| self.0.contains_key(name))
    }

    /// The one that stands in for this image.
    pub(crate) fn find(&self, image: &ResourceRef<'_>) -> Option<Start> {
        let name = match image {
            ResourceRef::Builtin(name) => name,
            ResourceRef::File(path) => name_of(path)?,
            ResourceRef::Oci(_) => return None,
        };
        self.0.get(name).cloned()
    }
}

/// The name of the provider in an archive.
fn name_of(archive: &Path) -> Option<&str> {
    let name = archive.file_name()?.to_str()?.strip_suffix(".par.gz")?;
    Some(match name.rsplit_once('-') {
        Some((name, hash)) if hash.len() == 16 && u64::from_str_radix(hash, 16).is_ok() => name,
        _ => name,
    })
}

impl fmt::Debug for EmbeddedProviders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What a host has for a provider that is built into it.
pub struct ProviderHost {
    exchange: Arc<Exchange>,
    connection: ProviderConnection,
    data: HostData,
    drain: Duration,
    commands: ProviderCommandReceivers,
    quit: (broadcast::Sender<()>, broadcast::Receiver<()>),
    /// Told when the provider serves.
    ready: Option<oneshot::Sender<()>>,
}

impl ProviderHost {
    /// The provider's configuration.
    #[must_use]
    pub fn config(&self) -> &HashMap<String, String> {
        &self.data.config
    }

    /// The provider's connection to the lattice.
    #[must_use]
    pub fn connection(&self) -> &ProviderConnection {
        &self.connection
    }

    /// Where the provider's functions are served: what `serve` of its bindings
    /// wants. [`ProviderHost::run`] publishes them.
    #[must_use]
    pub fn exports(&self) -> Draft {
        self.exchange.draft(self.data.provider_key.as_str(), QUEUED)
    }

    /// A way to call components.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller {
            exchange: Arc::clone(&self.exchange),
            provider: Arc::from(self.data.provider_key.as_str()),
        }
    }

    /// Runs the provider until it is told to end.
    ///
    /// # Errors
    ///
    /// Fails if it cannot start.
    pub async fn run<P>(
        self,
        provider: P,
        exports: Draft,
        calls: InvocationStreams,
    ) -> anyhow::Result<()>
    where
        P: Provider + Send + 'static,
    {
        let Self {
            exchange,
            connection,
            data,
            drain,
            commands,
            quit: (quit_tx, quit_rx),
            ready,
        } = self;
        provider
            .init(Init(&data))
            .await
            .context("provider init failed")?;
        for link in data.link_definitions {
            if let Err(error) = receive_link_for_provider(&provider, &connection, link).await {
                error!(%error, "failed to initialize link during provider startup");
            }
        }
        let id = data.provider_key;
        let (serving, served) = watch::channel(());
        // Ends with this function at the latest.
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(id.clone(), calls, serving));
        exports.publish().await?;
        if let Some(ready) = ready {
            let _ = ready.send(());
        }
        let provider = Draining {
            provider,
            id,
            exchange,
            served,
            drain,
        };
        handle_provider_commands(provider, &connection, quit_rx, quit_tx, commands).await;
        Ok(())
    }
}

/// Calls components for a provider.
#[derive(Clone)]
pub struct Caller {
    exchange: Arc<Exchange>,
    provider: Arc<str>,
}

impl Caller {
    /// A client of a component, or of another target.
    #[must_use]
    pub fn client(&self, target: &str, timeout: Duration) -> Client {
        self.exchange
            .client(Arc::clone(&self.provider), target, timeout)
    }
}

/// Serves the calls of a provider until there will be no more, and drops
/// `serving` when the last has ended.
async fn serve(provider: String, calls: InvocationStreams, serving: watch::Sender<()>) {
    let permits = Arc::new(Semaphore::new(CALLS));
    let mut running = JoinSet::new();
    let mut calls = select_all(
        calls
            .into_iter()
            .map(|(instance, function, calls)| calls.map(move |call| (instance, function, call))),
    );
    while let Some((instance, function, call)) = calls.next().await {
        let call = match call {
            Ok(call) => call,
            Err(error) => {
                warn!(
                    ?error,
                    provider, instance, function, "failed to accept invocation"
                );
                continue;
            }
        };
        // Never closed.
        let permit = Arc::clone(&permits).acquire_owned().await;
        running.spawn(async move {
            let _permit = permit;
            if let Err(error) = call.await {
                warn!(?error, instance, function, "failed to serve invocation");
            }
        });
        while let Some(ended) = running.try_join_next() {
            report(&provider, ended);
        }
    }
    while let Some(ended) = running.join_next().await {
        report(&provider, ended);
    }
    drop(serving);
}

/// A panic ends its call, whose caller gets an error, and nothing else.
fn report(provider: &str, ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        error!(provider, %error, "a call of a provider panicked");
    }
}

/// A provider that is shut down after its last call.
struct Draining<P> {
    provider: P,
    id: String,
    exchange: Arc<Exchange>,
    served: watch::Receiver<()>,
    drain: Duration,
}

impl<P: Provider + Send> Provider for Draining<P> {
    async fn on_config_update(&self, update: impl ProviderConfigUpdate) -> anyhow::Result<()> {
        self.provider.on_config_update(update).await
    }

    async fn receive_link_config_as_source(&self, link: LinkConfig<'_>) -> anyhow::Result<()> {
        self.provider.receive_link_config_as_source(link).await
    }

    async fn receive_link_config_as_target(&self, link: LinkConfig<'_>) -> anyhow::Result<()> {
        self.provider.receive_link_config_as_target(link).await
    }

    async fn delete_link_as_source(&self, link: impl LinkDeleteInfo) -> anyhow::Result<()> {
        self.provider.delete_link_as_source(link).await
    }

    async fn delete_link_as_target(&self, link: impl LinkDeleteInfo) -> anyhow::Result<()> {
        self.provider.delete_link_as_target(link).await
    }

    async fn health_request(
        &self,
        request: &HealthCheckRequest,
    ) -> anyhow::Result<HealthCheckResponse> {
        self.provider.health_request(request).await
    }

    async fn shutdown(&self) -> anyhow::Result<()> {
        self.exchange.withdraw(&self.id).await;
        let mut served = self.served.clone();
        let calls = async { while served.changed().await.is_ok() {} };
        if tokio::time::timeout(self.drain, calls).await.is_err() {
            warn!(provider = self.id, "calls are still under way");
        }
        self.provider.shutdown().await
    }
}

struct Init<'a>(&'a HostData);

impl ProviderInitConfig for Init<'_> {
    fn get_provider_id(&self) -> &str {
        &self.0.provider_key
    }

    fn get_config(&self) -> &HashMap<String, String> {
        &self.0.config
    }

    fn get_secrets(&self) -> &HashMap<String, SecretValue> {
        &self.0.secrets
    }
}

/// What a provider is started with, again and again.
pub(crate) struct Embedded {
    pub(crate) id: String,
    pub(crate) start: Start,
    pub(crate) xkey: XKey,
    pub(crate) config_names: Vec<String>,
    pub(crate) claims_token: Option<Token<CapabilityProvider>>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) shutdown: Arc<AtomicBool>,
}

impl Host {
    /// Starts a provider that is built in, and looks after it.
    pub(crate) async fn start_embedded_provider(
        self: Arc<Self>,
        embedded: Embedded,
    ) -> anyhow::Result<JoinSet<()>> {
        let mut tasks = JoinSet::new();
        tasks.spawn(check_health(
            Arc::clone(&self.rpc_nats),
            self.ctl_nats.clone(),
            self.event_builder.clone(),
            Arc::clone(&self.host_config.lattice),
            self.host_key.public_key(),
            embedded.id.clone(),
        ));
        let (ready, started) = oneshot::channel();
        let mut life = self.live(&embedded, Some(ready)).await?;
        tokio::select! {
            biased;
            Ok(()) = started => {}
            ended = life.join_next() => {
                outcome(ended)?;
                anyhow::bail!("the provider ended as soon as it was started");
            }
        }
        tasks.spawn(async move {
            loop {
                let ended = outcome(life.join_next().await);
                self.exchange.withdraw(&embedded.id).await;
                if embedded.shutdown.load(Ordering::Relaxed) {
                    return;
                }
                let provider = &embedded.id;
                error!(provider, ?ended, "a provider ended: starting it again");
                life = loop {
                    tokio::time::sleep(PAUSE).await;
                    match self.live(&embedded, None).await {
                        Ok(life) => break life,
                        Err(error) => error!(provider, ?error, "failed to start a provider"),
                    }
                };
            }
        });
        Ok(tasks)
    }

    /// Starts a provider once.
    async fn live(
        &self,
        embedded: &Embedded,
        ready: Option<oneshot::Sender<()>>,
    ) -> anyhow::Result<JoinSet<anyhow::Result<()>>> {
        let lattice = &self.host_config.lattice;
        let host_id = self.host_key.public_key();
        let (quit_tx, quit_rx) = broadcast::channel(1);
        let commands = ProviderCommandReceivers::new(
            Arc::clone(&self.rpc_nats),
            &quit_tx,
            lattice,
            &embedded.id,
            &embedded.xkey.public_key(),
            &host_id,
        )
        .await?;
        // A link that is put from here on is heard of, and the others are in
        // the data.
        self.rpc_nats.flush().await?;
        let (data, config) = self
            .prepare_provider_config(
                &embedded.config_names,
                embedded.claims_token.as_ref(),
                &embedded.id,
                &embedded.xkey,
                &embedded.annotations,
            )
            .await?;
        let connection = ProviderConnection::new(
            Arc::clone(&self.rpc_nats),
            embedded.id.as_str(),
            Arc::clone(lattice),
            host_id,
            data.config.clone(),
            XKey::from_seed(&embedded.xkey.seed()?)?,
            Arc::clone(&self.secrets_xkey),
        )
        .context("failed to establish provider connection")?;
        let start = (embedded.start)(ProviderHost {
            exchange: Arc::clone(&self.exchange),
            connection,
            data,
            drain: self
                .host_config
                .provider_shutdown_delay
                .map_or(DRAIN, |d| d.mul_f64(0.6)),
            commands,
            quit: (quit_tx, quit_rx),
            ready,
        });
        let watching = self.watching(config, &embedded.id);
        let mut life = JoinSet::new();
        life.spawn(async move {
            let mut tasks = JoinSet::new();
            tasks.spawn(watching);
            start.await
        });
        info!(provider = embedded.id, "provider runs inside the host");
        Ok(life)
    }

    fn watching(
        &self,
        config: ConfigBundle,
        provider: &str,
    ) -> impl Future<Output = ()> + Send + 'static {
        watch_config(
            Arc::clone(&self.rpc_nats),
            Arc::new(RwLock::new(config)),
            Arc::clone(&self.host_config.lattice),
            provider.to_owned(),
        )
    }
}

/// How a life ended.
fn outcome(
    ended: Option<Result<anyhow::Result<()>, tokio::task::JoinError>>,
) -> anyhow::Result<()> {
    match ended {
        None | Some(Ok(Ok(()))) => Ok(()),
        Some(Ok(Err(error))) => Err(error),
        Some(Err(error)) => Err(anyhow::Error::new(error).context("the provider panicked")),
    }
}
