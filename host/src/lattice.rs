//! The wasmCloud host in this process, and the control interface to it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use tokio::time::timeout;
use wasmcloud_control_interface::{Client, ClientBuilder, CtlResponse, Host, HostInventory};
use wasmcloud_host::wasmbus;

use crate::engine::{self, DRAIN_LIMIT};

/// The lattice's name. Several lattices on one machine have a NATS server each.
pub const NAME: &str = "default";

/// How long after one host the next may say that it is there.
const ROLL_CALL: Duration = Duration::from_millis(150);

/// A running host.
pub struct Lattice {
    host: Arc<wasmbus::Host>,
    id: String,
    shutdown: BoxFuture<'static, anyhow::Result<()>>,
    client: Client,
}

impl Lattice {
    /// Starts the host on the NATS server at `nats`, with a folder for compiled
    /// code.
    pub async fn start(
        nats: &str,
        options: engine::Options,
        code: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let config = engine::config(nats, NAME, options, code)?;
        let key = config.host_key.as_ref().context("a host has a key")?;
        let id = key.public_key();
        let (host, shutdown) = engine::start(config).await?;
        Ok(Self {
            host,
            id,
            shutdown,
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
        // Other hosts of the lattice go on.
        let inventory = inventory(&self.client, &self.id).await?;
        let mut providers: Vec<_> = inventory
            .providers()
            .iter()
            .map(|p| p.id().to_owned())
            .collect();
        providers.sort_by_key(|id| (id != "http-server", id.clone()));
        for id in providers {
            if let Err(error) = self.client.stop_provider(&self.id, &id).await {
                tracing::warn!(provider = id, %error, "cannot stop the provider");
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

/// The ids of the lattice's hosts.
///
/// Nobody knows how many there are: the first has time to answer, the others
/// have to follow within [`ROLL_CALL`].
pub async fn hosts(client: &Client) -> anyhow::Result<Vec<String>> {
    let nats = client.nats_client();
    let inbox = nats.new_inbox();
    let mut answers = nats.subscribe(inbox.clone()).await?;
    let ping = format!("wasmbus.ctl.v1.{NAME}.host.ping");
    nats.publish_with_reply(ping, inbox, Vec::new().into())
        .await?;
    let mut hosts = Vec::new();
    let mut patience = DRAIN_LIMIT;
    while let Ok(Some(answer)) = timeout(patience, answers.next()).await {
        let answer: CtlResponse<Host> = serde_json::from_slice(&answer.payload)
            .map_err(|_| anyhow!("the lattice has no host"))?;
        hosts.extend(answer.data().map(|host| host.id().to_owned()));
        patience = ROLL_CALL;
    }
    if hosts.is_empty() {
        bail!("the lattice does not answer: no host is there");
    }
    Ok(hosts)
}

/// What runs on a host.
pub async fn inventory(client: &Client, host: &str) -> anyhow::Result<HostInventory> {
    let response = client
        .get_host_inventory(host)
        .await
        .map_err(|error| anyhow!("host {host} does not answer: {error}"))?;
    response
        .into_data()
        .with_context(|| format!("host {host} does not say what it runs"))
}

/// What runs on each host of the lattice.
pub async fn inventories(client: &Client) -> anyhow::Result<Vec<HostInventory>> {
    let mut inventories = Vec::new();
    for host in hosts(client).await? {
        inventories.push(inventory(client, &host).await?);
    }
    Ok(inventories)
}
