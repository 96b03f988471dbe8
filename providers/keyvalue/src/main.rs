//! The key-value provider as a process of its own, started by a host.

use anyhow::Context as _;
use stoa_keyvalue_provider::config::NatsServer;
use stoa_keyvalue_provider::{KeyValueProvider, bindings};
use wasmcloud_provider_sdk::{
    get_connection, initialize_observability, load_host_data, run_provider, serve_provider_exports,
};

const NAME: &str = "stoa-keyvalue";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    initialize_observability!(NAME, None::<std::path::PathBuf>);
    stoa_provider::end_with_host()?;
    let nats = match NatsServer::from_config(&load_host_data()?.config)? {
        Some(server) => Some(server.connect().await?),
        None => None,
    };
    let provider = KeyValueProvider::new(nats).on_unlinked(|| std::process::exit(1));
    let shutdown = run_provider(provider.clone(), NAME)
        .await
        .context("the provider does not start")?;
    let connection = get_connection();
    let wrpc = connection
        .get_wrpc_client(connection.provider_key())
        .await?;
    let serving = serve_provider_exports(&wrpc, provider, shutdown, bindings::serve);
    Box::pin(serving).await
}
