//! Finds out about links that were lost.
//!
//! A host publishes a link once, and a provider that is just starting, or
//! whose connection is down, does not hear it. A provider that is called
//! notices by a caller it does not know; one that calls would not do so for ever.
//! So it compares what it has with what the lattice says.

use std::time::Duration;

use serde::Deserialize;
use tracing::{debug, error};
use wasmcloud_provider_sdk::ProviderConnection;

/// A link that was put is heard of within this time.
const GRACE: Duration = Duration::from_secs(10);
const EVERY: Duration = Duration::from_mins(1);
const TIMEOUT: Duration = Duration::from_secs(2);

/// What a host answers to `link.get` of the control interface, as far as it
/// matters here.
#[derive(Deserialize)]
struct Answer {
    response: Option<Vec<Link>>,
}

#[derive(Clone, Deserialize, PartialEq, Eq)]
struct Link {
    source_id: String,
    target: String,
    name: String,
}

/// Returns when a link to a component has been missing for a while: the lattice
/// has it, and the provider does not know it, by the component's id and the
/// link's name. A link whose config is wrong is known as well.
pub async fn link(connection: &ProviderConnection, knows: impl AsyncFn(&str, &str) -> bool) {
    let mut suspect = None;
    tokio::time::sleep(GRACE).await;
    loop {
        let missing = missing(connection, &knows).await;
        if let Some(link) = &missing
            && missing == suspect
        {
            let Link { target, name, .. } = link;
            error!(component = target, link = name, "a link is missing");
            return;
        }
        let pause = if missing.is_some() { GRACE } else { EVERY };
        suspect = missing;
        tokio::time::sleep(pause).await;
    }
}

async fn missing(
    connection: &ProviderConnection,
    knows: &impl AsyncFn(&str, &str) -> bool,
) -> Option<Link> {
    let links = match links(connection).await {
        Ok(links) => links,
        Err(error) => {
            debug!(%error, "the lattice does not tell its links");
            return None;
        }
    };
    for link in links {
        if link.source_id == connection.provider_key() && !knows(&link.target, &link.name).await {
            return Some(link);
        }
    }
    None
}

async fn links(connection: &ProviderConnection) -> anyhow::Result<Vec<Link>> {
    let subject = format!("wasmbus.ctl.v1.{}.link.get", connection.lattice);
    let request = connection.nats.request(subject, Vec::new().into());
    let message = tokio::time::timeout(TIMEOUT, request).await??;
    let answer: Answer = serde_json::from_slice(&message.payload)?;
    Ok(answer.response.unwrap_or_default())
}
