//! How the wasmCloud host is set up: the same for `stoa up` and `stoa host`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::future::BoxFuture;
use nkeys::KeyPair;
use url::Url;
use wasmcloud_core::logging::Level;
use wasmcloud_host::WasmbusHostConfig;
use wasmcloud_host::wasmbus::{Features, Host};

/// The longest a call to a component may take, in all.
const EXECUTION_LIMIT: Duration = Duration::from_secs(20);

/// The longest a request to the lattice itself may take. A component's calls
/// have half of [`EXECUTION_LIMIT`].
const CALL_LIMIT: Duration = Duration::from_secs(5);

/// How long a provider may take to finish what it does when it is stopped.
pub const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// How often the host tells wadm what runs: how soon wadm mends what is amiss.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// What is logged, unless somebody says otherwise. Of the host's own parts only
/// what happens, not what happens in each call: to keep track of that costs
/// more than many a call.
pub const LOG: &str = "info,async_nats=warn,wadm=warn,cranelift=warn,wasmtime=warn,\
    wasmcloud_runtime=warn,wasmcloud_host=warn,wasmcloud_host::wasmbus::handler=info,\
    wasmcloud_host::wasmbus::lifecycle=info,wasmcloud_host::wasmbus::providers::embedded=info";

/// Where things run, and how they reach each other.
#[derive(Clone, Copy, clap::Args)]
pub struct Options {
    /// Where the capability providers run.
    #[arg(long, value_enum, env = "STOA_PROVIDERS", default_value = "embedded")]
    pub providers: Providers,
    /// How calls reach what runs on the same host. `nats` is for tests: what
    /// works inside a host must work between hosts.
    #[arg(
        long,
        value_enum,
        env = "STOA_CALLS",
        default_value = "local",
        hide = true
    )]
    pub calls: Calls,
}

/// Where the capability providers run.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Providers {
    /// Inside the host, in the place of the archives that the manifest names.
    Embedded,
    /// From their archives, each in a process of its own.
    Archives,
}

/// How calls reach what runs on the same host.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Calls {
    /// Inside the host.
    Local,
    /// Through NATS, like calls to other hosts.
    Nats,
}

/// A host, and how to end it.
pub type Started = (Arc<Host>, BoxFuture<'static, anyhow::Result<()>>);

/// The configuration of a host on the NATS server at `nats`.
pub fn config(nats: &str, lattice: &str, options: Options) -> anyhow::Result<WasmbusHostConfig> {
    let url = Url::parse(nats).context("the NATS server's address is no URL")?;
    let config = WasmbusHostConfig {
        ctl_nats_url: url.clone(),
        rpc_nats_url: url,
        lattice: Arc::from(lattice),
        host_key: Some(Arc::new(KeyPair::new_server())),
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
    };
    Ok(adapt(config, options))
}

#[cfg(feature = "patched")]
fn adapt(config: WasmbusHostConfig, options: Options) -> WasmbusHostConfig {
    WasmbusHostConfig {
        embedded_providers: match options.providers {
            Providers::Embedded => crate::embedded::providers(),
            Providers::Archives => wasmcloud_host::wasmbus::EmbeddedProviders::default(),
        },
        local_calls: options.calls == Calls::Local,
        ..config
    }
}

/// wasmCloud as released has neither.
#[cfg(not(feature = "patched"))]
fn adapt(config: WasmbusHostConfig, _: Options) -> WasmbusHostConfig {
    config
}

/// Starts a host.
pub async fn start(config: WasmbusHostConfig) -> anyhow::Result<Started> {
    #[cfg(feature = "patched")]
    let started = Host::start(config).await;
    #[cfg(not(feature = "patched"))]
    let started = Box::pin(Host::new(config))
        .await
        .map(|(host, shutdown)| -> Started { (host, Box::pin(shutdown)) });
    started.context("the wasmCloud host did not start")
}

/// Whether this host runs the provider of an archive itself.
#[cfg(feature = "patched")]
pub fn is_embedded(archive: &Path, options: Options) -> bool {
    options.providers == Providers::Embedded && crate::embedded::providers().stand_in_for(archive)
}

/// wasmCloud as released has no provider of its own.
#[cfg(not(feature = "patched"))]
pub fn is_embedded(_: &Path, _: Options) -> bool {
    false
}
