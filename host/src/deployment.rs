//! wadm in this process: takes the manifest and makes it so.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::de::DeserializeOwned;
use serde_json::Value;
use stoa_wadm::{StreamPersistence, WadmConfig};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use wadm_types::api::{
    DeployModelResponse, DeployResult, PutModelResponse, PutResult, Status, StatusResponse,
    StatusType,
};

use crate::lattice;
use crate::missing::Missing;

/// How long wadm may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What wadm's state is without any host.
const EMPTY_MAP: &[u8] = b"{}";

/// The kind of wadm's scalers that place components and providers on hosts.
const PLACED: &str = "SpreadScaler";

/// A running wadm.
pub struct Deployment {
    tasks: JoinSet<anyhow::Result<()>>,
    /// Its interface.
    pub wadm: Wadm,
}

/// wadm's interface on the lattice.
pub struct Wadm {
    nats: async_nats::Client,
}

/// How far a deployment is.
pub enum Progress {
    /// Everything the manifest names runs.
    Deployed,
    /// What is still missing, with wadm's reasons.
    Waiting(Missing),
}

impl Deployment {
    /// Starts wadm. What a former run left in its streams is forgotten first:
    /// the manifest that comes is the whole truth.
    pub async fn start(nats: &str) -> anyhow::Result<Self> {
        let client = async_nats::connect(nats)
            .await
            .with_context(|| format!("cannot reach the NATS server at {nats}"))?;
        forget_last_run(&client).await?;
        let config = WadmConfig {
            nats_server: nats.to_owned(),
            stream_persistence: StreamPersistence::Memory,
            ..WadmConfig::default()
        };
        let tasks = stoa_wadm::start(config)
            .await
            .context("wadm did not start")?;
        Ok(Self {
            tasks,
            wadm: Wadm::new(client),
        })
    }

    /// Resolves when wadm is gone though nobody stopped it.
    pub async fn died(&mut self) -> anyhow::Error {
        match self.tasks.join_next().await {
            Some(Ok(Err(error))) => error.context("wadm ended by itself"),
            _ => anyhow::anyhow!("wadm ended by itself; see stoa.log"),
        }
    }

    /// Stops wadm. What it deployed stays.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

impl Wadm {
    /// The wadm on this connection's lattice.
    pub fn new(nats: async_nats::Client) -> Self {
        Self { nats }
    }

    /// Waits until wadm has heard of a host: a manifest deployed before finds
    /// none to run on, and fails.
    pub async fn wait_for_host(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let key = format!("host_{}", lattice::NAME);
        let state = async_nats::jetstream::new(self.nats.clone())
            .get_key_value(WadmConfig::default().state_bucket)
            .await
            .context("wadm has no state")?;
        loop {
            let hosts = state
                .get(&key)
                .await
                .context("wadm's state cannot be read")?;
            if hosts.is_some_and(|hosts| hosts.len() > EMPTY_MAP.len()) {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("wadm did not hear of the host in time; see stoa.log");
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Puts the manifest in place and deploys it.
    pub async fn deploy(&self, name: &str, manifest: String) -> anyhow::Result<()> {
        let put: PutModelResponse = self.request("put", manifest).await?;
        if put.result == PutResult::Error {
            bail!("wadm refuses the manifest: {}", put.message);
        }
        let deploy: DeployModelResponse = self
            .request(&format!("deploy.{name}"), "{}".to_owned())
            .await?;
        if deploy.result != DeployResult::Acknowledged {
            bail!("wadm does not deploy the manifest: {}", deploy.message);
        }
        Ok(())
    }

    /// How far the deployment is. An error when it has failed.
    pub async fn progress(&self, name: &str) -> anyhow::Result<Progress> {
        let response: StatusResponse = self
            .request(&format!("status.{name}"), String::new())
            .await?;
        let Some(status) = response.status else {
            return Ok(Progress::Waiting(Missing::one("wadm", &response.message)));
        };
        match status.info.status_type {
            StatusType::Deployed => Ok(Progress::Deployed),
            StatusType::Failed => bail!("the deployment failed: {}", missing(&status)),
            _ => Ok(Progress::Waiting(missing(&status))),
        }
    }

    /// The manifest that was put in place last.
    pub async fn manifest(&self, name: &str) -> anyhow::Result<Value> {
        let mut response: Value = self
            .request(&format!("get.{name}"), "{}".to_owned())
            .await?;
        match response["manifest"].take() {
            Value::Null => bail!("wadm has no application {name}"),
            manifest => Ok(manifest),
        }
    }

    async fn request<T: DeserializeOwned>(&self, what: &str, payload: String) -> anyhow::Result<T> {
        let subject = format!("wadm.api.{}.model.{what}", lattice::NAME);
        let request = async_nats::Request::new()
            .payload(payload.into())
            .timeout(Some(PATIENCE));
        let message = self
            .nats
            .send_request(subject, request)
            .await
            .context("wadm does not answer")?;
        serde_json::from_slice(&message.payload).context("wadm's answer is not understood")
    }
}

/// What is not as the manifest wants it: components and providers first, then
/// their links and configurations.
fn missing(status: &Status) -> Missing {
    let scalers = status.scalers.iter();
    let waiting = scalers.filter(|scaler| scaler.info.status_type != StatusType::Deployed);
    let (parts, others): (Vec<_>, Vec<_>) = waiting.partition(|scaler| scaler.kind == PLACED);
    let mut missing = Missing::default();
    for scaler in parts.into_iter().chain(others) {
        missing.add(&scaler.name, &scaler.info.message);
    }
    if missing == Missing::default() {
        return Missing::one("wadm", &status.info.message);
    }
    missing
}

/// Removes the streams of wadm and of the host's links, configuration and
/// component specifications. The shop's own data is elsewhere.
async fn forget_last_run(client: &async_nats::Client) -> anyhow::Result<()> {
    use futures::TryStreamExt as _;
    let jetstream = async_nats::jetstream::new(client.clone());
    let names: Vec<String> = jetstream
        .stream_names()
        .try_collect()
        .await
        .context("cannot list the streams of the NATS server")?;
    for name in names {
        let lattices = [
            "KV_LATTICEDATA_",
            "KV_CONFIGDATA_",
            "KV_wadm_",
            "wadm_",
            "wasmbus_",
        ];
        if lattices.iter().any(|prefix| name.starts_with(prefix)) {
            jetstream
                .delete_stream(&name)
                .await
                .with_context(|| format!("cannot remove the stream {name} of the last run"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_placed_is_named_before_its_links() {
        let scaler = |kind: &str, name: &str, status: &str, message: &str| {
            json!({"id": name, "kind": kind, "name": name,
                "status": {"type": status, "message": message}})
        };
        let status: Status = serde_json::from_value(json!({
            "status": {"type": "reconciling", "message": "all of it once more"},
            "scalers": [
                scaler("LinkScaler", "gateway -(stoa:http)-> product", "reconciling", "Putting"),
                scaler("SpreadScaler", "gateway", "deployed", ""),
                scaler("SpreadScaler", "sql", "reconciling", "Scaling"),
            ],
        }))
        .unwrap();
        let told = "gateway -(stoa:http)-> product (Putting); sql (Scaling)";
        assert_eq!(missing(&status).to_string(), told);
        assert_eq!(
            missing(&status).briefly(),
            "sql, gateway -(stoa:http)-> product"
        );
    }

    #[test]
    fn without_a_host_wadm_is_what_is_waited_for() {
        let status: Status = serde_json::from_value(json!({
            "status": {"type": "waiting", "message": "no hosts"}, "scalers": [],
        }))
        .unwrap();
        assert_eq!(missing(&status).to_string(), "wadm (no hosts)");
    }
}
