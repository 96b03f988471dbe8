//! `stoa host`: a plain wasmCloud host, for a lattice that somebody else
//! started. It takes its options from the environment as well, by the names
//! that wasmCloud's own program has, and is what this program does when it is
//! called `wasmcloud`: `wash up --host-path` starts it.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::engine;
use crate::lattice::NAME;

/// How a plain host runs.
#[derive(clap::Args)]
pub struct Options {
    /// The lattice to join.
    #[arg(long, env = "WASMCLOUD_LATTICE", default_value = NAME)]
    lattice: String,
    #[command(flatten)]
    part: Part,
    /// A label of the host, `name=value`; repeat it for more.
    #[arg(long = "label", value_parser = label)]
    labels: Vec<(String, String)>,
    #[command(flatten)]
    engine: engine::Options,
    #[command(flatten)]
    code: engine::CodeCache,
}

/// What every part of a lattice has that runs by itself.
#[derive(clap::Args)]
pub struct Part {
    /// The NATS server's host.
    #[arg(long, env = "WASMCLOUD_CTL_HOST", default_value = "127.0.0.1")]
    nats_host: String,
    /// The NATS server's port.
    #[arg(long, env = "WASMCLOUD_CTL_PORT", default_value_t = 4222)]
    nats_port: u16,
    /// What is logged, as in `RUST_LOG`.
    #[arg(long, env = "RUST_LOG", default_value = engine::LOG)]
    log: String,
}

impl Part {
    /// The NATS server's URL.
    pub fn nats(&self) -> String {
        format!("nats://{}:{}", self.nats_host, self.nats_port)
    }

    /// Begins to log, to standard error.
    pub fn log(&self) -> anyhow::Result<()> {
        let filter =
            EnvFilter::try_new(&self.log).context("--log is not a filter as in RUST_LOG")?;
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .init();
        Ok(())
    }
}

/// Resolves when this process is asked to end: by Ctrl-C or SIGTERM.
pub fn asked_to_end() -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a label is name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs a host until Ctrl-C, SIGTERM or a command from the lattice.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    options.part.log()?;
    let end = asked_to_end()?;
    let code = options.code.folder(None)?;
    let nats = options.part.nats();
    let mut config = engine::config(&nats, &options.lattice, options.engine, code)?;
    config.labels = labels(options);
    let id = config.host_key.as_ref().map(|key| key.public_key());
    let (host, shutdown) = engine::start(config).await?;
    tracing::info!(host = id, lattice = options.lattice, "joined the lattice");
    tokio::select! {
        () = end => {}
        _ = host.stopped() => {}
    }
    drop(host);
    tokio::time::timeout(Duration::from_secs(30), shutdown)
        .await
        .context("the host did not stop in time")?
}

/// The labels on the command line and in `WASMCLOUD_LABEL_*`.
fn labels(options: &Options) -> HashMap<String, String> {
    let named = std::env::vars().filter_map(|(name, value)| {
        let name = name.strip_prefix("WASMCLOUD_LABEL_")?;
        Some((name.to_owned(), value))
    });
    named.chain(options.labels.iter().cloned()).collect()
}
