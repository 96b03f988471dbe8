//! The wasmCloud host in this process, and the control interface to it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use futures::future::BoxFuture;
use url::Url;
use wasmcloud_control_interface::{Client, ClientBuilder, HostInventory};
use wasmcloud_core::logging::Level;
use wasmcloud_host::WasmbusHostConfig;
use wasmcloud_host::wasmbus::{Features, Host};

/// The lattice's name. Several lattices on one machine have a NATS server each.
pub const NAME: &str = "default";

/// The longest a call to a component may take, in all.
const EXECUTION_LIMIT: Duration = Duration::from_secs(20);

/// The longest a caller waits for a call over the lattice.
const CALL_LIMIT: Duration = Duration::from_secs(5);

/// How long a provider may take to finish what it does when it is stopped.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// How often the host tells wadm what runs: how soon wadm mends what is amiss.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// A running host.
pub struct Lattice {
    host: Arc<Host>,
    shutdown: BoxFuture<'static, anyhow::Result<()>>,
    client: Client,
}

impl Lattice {
    /// Starts the host on the NATS server at `nats`.
    pub async fn start(nats: &str) -> anyhow::Result<Self> {
        let url = Url::parse(nats).context("the NATS server's address is no URL")?;
        let (host, shutdown) = Box::pin(Host::new(WasmbusHostConfig {
            ctl_nats_url: url.clone(),
            rpc_nats_url: url,
            lattice: Arc::from(NAME),
            rpc_timeout: CALL_LIMIT,
            max_execution_time: EXECUTION_LIMIT,
            provider_shutdown_delay: Some(DRAIN_LIMIT),
            heartbeat_interval: Some(HEARTBEAT),
            allow_file_load: true,
            log_level: Level::Info,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            experimental_features: Features::new()
                .enable_builtin_http_server()
                .enable_builtin_http_client()
                .enable_builtin_messaging_nats()
                .enable_rpc_interface(),
            ..WasmbusHostConfig::default()
        }))
        .await
        .context("the wasmCloud host did not start")?;
        Ok(Self {
            host,
            shutdown: Box::pin(shutdown),
            client: client(nats).await?,
        })
    }

    /// Resolves when the host was told over the lattice to stop.
    pub async fn stopped(&self) {
        let _ = self.host.stopped().await;
    }

    /// Lets the HTTP server go first, then the other providers finish what
    /// they do, then ends the host.
    pub async fn stop(self) -> anyhow::Result<()> {
        for inventory in inventories(&self.client).await? {
            let mut providers: Vec<_> = inventory
                .providers()
                .iter()
                .map(|p| p.id().to_owned())
                .collect();
            providers.sort_by_key(|id| (id != "http-server", id.clone()));
            for id in providers {
                if let Err(error) = self.client.stop_provider(inventory.host_id(), &id).await {
                    tracing::warn!(provider = id, %error, "cannot stop the provider");
                }
            }
        }
        drop(self.host);
        self.shutdown
            .await
            .context("the wasmCloud host did not stop cleanly")
    }
}

/// A client of the control interface.
pub async fn client(nats: &str) -> anyhow::Result<Client> {
    let connection = async_nats::connect(nats)
        .await
        .with_context(|| format!("cannot reach the NATS server at {nats}"))?;
    Ok(ClientBuilder::new(connection)
        .lattice(NAME)
        .timeout(DRAIN_LIMIT + Duration::from_secs(1))
        .build())
}

/// What runs on each host of the lattice.
pub async fn inventories(client: &Client) -> anyhow::Result<Vec<HostInventory>> {
    let hosts = client
        .get_hosts()
        .await
        .map_err(|error| anyhow!("the lattice does not answer: {error}"))?;
    let mut inventories = Vec::new();
    for host in hosts.iter().filter_map(|response| response.data()) {
        let response = client
            .get_host_inventory(host.id())
            .await
            .map_err(|error| anyhow!("host {} does not answer: {error}", host.id()))?;
        inventories.extend(response.into_data());
    }
    Ok(inventories)
}
