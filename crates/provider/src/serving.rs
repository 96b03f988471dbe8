//! How a provider whose calls need a link lives as a process of its own.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context as _, bail};
use wasmcloud_provider_sdk::provider::WrpcClient;
use wasmcloud_provider_sdk::{Provider, get_connection, run_provider};

/// How long the last answers may take to reach their callers.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// Makes a provider known to its host. Returns the client by which calls come
/// in, and what resolves when the host says that it is time to end.
pub async fn start(
    provider: impl Provider,
    name: &str,
) -> anyhow::Result<(WrpcClient, impl Future<Output = ()>)> {
    let shutdown = run_provider(provider, name)
        .await
        .context("cannot run as a provider")?;
    let connection = get_connection();
    let wrpc = connection
        .get_wrpc_client(connection.provider_key())
        .await
        .context("cannot reach the lattice")?;
    Ok((wrpc, shutdown))
}

/// Serves until the host says that it is time to end, or until `closed`
/// resolves: a link was lost, and the provider has closed what it had. That is
/// an error, so that the host starts the process again, with all links. Who
/// called is answered first.
pub async fn serve_until(
    closed: impl Future<Output = ()>,
    serving: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let answered = async {
        closed.await;
        tokio::time::sleep(LAST_ANSWERS).await;
    };
    tokio::select! {
        served = serving => served,
        () = answered => bail!("a link was lost: ending, to be started again with all links"),
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lost_link_ends_the_process_after_the_last_answers() {
        let answer = async {
            tokio::time::sleep(LAST_ANSWERS / 2).await;
            Ok(())
        };
        assert!(serve_until(ready(()), answer).await.is_ok());
        assert!(serve_until(ready(()), pending()).await.is_err());
    }

    #[tokio::test]
    async fn without_a_lost_link_the_host_decides() {
        assert!(serve_until(pending(), ready(Ok(()))).await.is_ok());
    }
}
