//! `stoa wadm`: a plain wadm, for lattices that somebody else started. It
//! keeps applications where its defaults say, in streams of the NATS server,
//! and serves every lattice there is on that server.

use anyhow::{Context as _, bail};
use stoa_wadm::WadmConfig;

use crate::host::{Part, asked_to_end};

/// Runs wadm until Ctrl-C or SIGTERM.
pub async fn run(part: &Part) -> anyhow::Result<()> {
    part.log()?;
    let end = asked_to_end()?;
    let nats_server = part.nats();
    tracing::info!(nats = nats_server, "starting wadm");
    let mut tasks = stoa_wadm::start(WadmConfig {
        nats_server,
        ..WadmConfig::default()
    })
    .await
    .context("wadm did not start")?;
    tokio::select! {
        () = end => tasks.shutdown().await,
        ended = tasks.join_next() => {
            if let Some(ended) = ended {
                ended?.context("wadm ended by itself")?;
            }
            bail!("wadm ended by itself");
        }
    }
    Ok(())
}
