//! The events provider as a process of its own, started by a host.

use anyhow::Context as _;
use stoa_events_provider::{EventsProvider, OwnProcess, bindings};
use stoa_provider::lost;
use wasmcloud_provider_sdk::{
    get_connection, initialize_observability, run_provider, serve_provider_exports,
};

const NAME: &str = "stoa-events";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    initialize_observability!(NAME, None::<std::path::PathBuf>);
    stoa_provider::end_with_host()?;
    let provider = EventsProvider::new(OwnProcess, None);
    let shutdown = run_provider(provider.clone(), NAME)
        .await
        .context("the provider does not start")?;
    let connection = get_connection();
    let wrpc = connection
        .get_wrpc_client(connection.provider_key())
        .await?;
    let serving = serve_provider_exports(&wrpc, provider.clone(), shutdown, bindings::serve);
    let knows = async |component: &str, link: &str| provider.knows(component, link).await;
    tokio::select! {
        served = Box::pin(serving) => served,
        // The host starts the provider again, with all links.
        () = lost::link(connection, knows) => std::process::exit(1),
    }
}
