//! The provider as a process of its own, started by a wasmCloud host.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use stoa_mail_provider::{Config, MailProvider, serve};
use wasmcloud_provider_sdk::{
    get_connection, initialize_observability, load_host_data, run_provider, serve_provider_exports,
};

const NAME: &str = "stoa-mail-provider";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Reads the host's data from standard input, where the log level comes from.
    initialize_observability!(NAME, None::<&Path>);
    stoa_provider::end_with_host()?;
    let host = load_host_data().context("no data from the host")?;
    let provider = MailProvider::new(Config::parse(&host.config));

    let shutdown = run_provider(provider.clone(), NAME)
        .await
        .context("cannot run as a provider")?;
    let connection = get_connection();
    let wrpc = connection
        .get_wrpc_client(connection.provider_key())
        .await
        .context("cannot reach the lattice")?;

    tokio::select! {
        served = serve_provider_exports(&wrpc, provider.clone(), shutdown, serve) => served,
        () = restart_wanted(&provider) => bail!("a link was lost: ending, to be started again with all links"),
    }
}

/// Resolves when the process should end so that the host starts it again, with
/// the mails under way sent and the callers answered.
async fn restart_wanted(provider: &MailProvider) {
    provider.link_lost().await;
    provider.close().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
}
