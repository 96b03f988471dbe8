//! The ticker as a process of its own, started by a host.

use anyhow::Context as _;
use stoa_provider::lost;
use stoa_ticker_provider::{OwnProcess, TickerProvider};
use wasmcloud_provider_sdk::{get_connection, initialize_observability, run_provider};

const NAME: &str = "stoa-ticker";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    initialize_observability!(NAME, None::<std::path::PathBuf>);
    stoa_provider::end_with_host()?;
    let provider = TickerProvider::new(OwnProcess);
    let shutdown = run_provider(provider.clone(), NAME)
        .await
        .context("the provider does not start")?;
    let knows = async |component: &str, link: &str| provider.knows(component, link).await;
    tokio::select! {
        () = shutdown => Ok(()),
        // The host starts the provider again, with all links.
        () = lost::link(get_connection(), knows) => std::process::exit(1),
    }
}
