//! How the wasmCloud host is set up: the same for `stoa up` and `stoa host`.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures::future::BoxFuture;
use nix::unistd::Uid;
use nkeys::KeyPair;
use url::Url;
use wasmcloud_core::logging::Level;
use wasmcloud_host::WasmbusHostConfig;
use wasmcloud_host::wasmbus::{Features, Host};

/// The version, and how this program was compiled.
pub const VERSION: &str = match KIND {
    Kind::Quick => concat!(env!("CARGO_PKG_VERSION"), " (quick engine)"),
    Kind::Release => concat!(env!("CARGO_PKG_VERSION"), " (release engine)"),
};

/// How this program was compiled: `cargo xtask` tells the compiler.
pub const KIND: Kind = match option_env!("STOA_ENGINE") {
    Some(name) if matches!(name.as_bytes(), b"quick") => Kind::Quick,
    _ => Kind::Release,
};

/// How a program is compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// In minutes, for the first start and for changes.
    Quick,
    /// For speed.
    Release,
}

impl Kind {
    /// What whoever starts it should know of it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Quick => "quick engine; `cargo xtask up --release` has the one for speed",
            Self::Release => "release engine",
        }
    }
}

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

/// Where compiled code is kept.
#[derive(Clone, clap::Args)]
pub struct CodeCache {
    /// The folder in which compiled code of components is kept for the next
    /// start. Nobody else may write to it: what is in it is run.
    #[arg(long = "code-cache", value_name = "FOLDER", env = "STOA_CODE_CACHE")]
    folder: Option<PathBuf>,
}

impl CodeCache {
    /// The folder, made where it is missing; `default` where none was named.
    pub fn folder(&self, default: Option<PathBuf>) -> anyhow::Result<Option<PathBuf>> {
        let Some(folder) = self.folder.clone().or(default) else {
            return Ok(None);
        };
        let folder = std::path::absolute(folder)?;
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder);
        made.with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let found = folder.metadata()?;
        if found.uid() != Uid::effective().as_raw() || found.mode() & 0o022 != 0 {
            bail!(
                "{} must be yours, and nobody else may write to it: compiled code is kept there",
                folder.display()
            );
        }
        Ok(Some(folder))
    }
}

/// A host, and how to end it.
pub type Started = (Arc<Host>, BoxFuture<'static, anyhow::Result<()>>);

/// The configuration of a host on the NATS server at `nats`, with a folder for
/// compiled code.
pub fn config(
    nats: &str,
    lattice: &str,
    options: Options,
    code: Option<PathBuf>,
) -> anyhow::Result<WasmbusHostConfig> {
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
    Ok(adapt(config, options, code))
}

#[cfg(feature = "patched")]
fn adapt(config: WasmbusHostConfig, options: Options, code: Option<PathBuf>) -> WasmbusHostConfig {
    WasmbusHostConfig {
        code_cache: code,
        embedded_providers: match options.providers {
            Providers::Embedded => crate::embedded::providers(),
            Providers::Archives => wasmcloud_host::wasmbus::EmbeddedProviders::default(),
        },
        local_calls: options.calls == Calls::Local,
        ..config
    }
}

/// wasmCloud as released has none of it.
#[cfg(not(feature = "patched"))]
fn adapt(config: WasmbusHostConfig, _: Options, _: Option<PathBuf>) -> WasmbusHostConfig {
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
