//! The provider as a process of its own, started by a wasmCloud host.

use std::path::Path;

use anyhow::Context as _;
use stoa_sql_provider::{Config, SqlProvider, serve};
use wasmcloud_provider_sdk::{initialize_observability, load_host_data, serve_provider_exports};

const NAME: &str = "stoa-sql-provider";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Reads the host's data from standard input, where the log level comes from.
    initialize_observability!(NAME, None::<&Path>);
    stoa_provider::end_with_host()?;
    let host = load_host_data().context("no data from the host")?;
    let provider = SqlProvider::new(Config::parse(&host.config));

    let (wrpc, shutdown) = stoa_provider::start(provider.clone(), NAME).await?;
    let serving = serve_provider_exports(&wrpc, provider.clone(), shutdown, serve);
    // The databases are closed first.
    let closed = async {
        provider.link_lost().await;
        provider.close().await;
    };
    stoa_provider::serve_until(closed, Box::pin(serving)).await
}
