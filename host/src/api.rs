//! The shop's own API, as this program uses it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value;
use tokio::time::sleep;

use crate::missing::Missing;

/// How often a product is sent until it counts as refused.
const ATTEMPTS: u32 = 5;

/// The wait before the second attempt; later ones are that much longer each.
const PAUSE: Duration = Duration::from_millis(100);

/// What answers.
const GATEWAY: &str = "gateway";

/// A client of the gateway. Clones share the access token.
#[derive(Clone)]
pub struct Api {
    base: String,
    token: Arc<RwLock<Option<String>>>,
    client: Client,
}

impl Api {
    /// A client of the gateway at `base`, without a token.
    pub fn new(base: &str) -> anyhow::Result<Self> {
        let client = Client::builder()
            .timeout(Duration::from_secs(30))
            .no_proxy()
            .build()
            .context("cannot make an HTTP client")?;
        Ok(Self {
            base: base.to_owned(),
            token: Arc::default(),
            client,
        })
    }

    /// Gives the client, and every clone of it, another access token.
    pub fn renew(&self, token: String) {
        *self.token.write().unwrap_or_else(PoisonError::into_inner) = Some(token);
    }

    /// Whether all services are there; else which are not.
    pub async fn ready(&self) -> Result<(), Missing> {
        let response = self
            .client
            .get(format!("{}/health/ready", self.base))
            .timeout(Duration::from_secs(2))
            .send()
            .await
            .map_err(|_| Missing::one(GATEWAY, "does not answer yet"))?;
        if response.status() == StatusCode::OK {
            return Ok(());
        }
        let problem: Value = response.json().await.unwrap_or_default();
        Err(unready(
            problem["detail"].as_str().unwrap_or("is not ready"),
        ))
    }

    /// Creates a product. `false` when it is there already.
    ///
    /// A call that got lost is made again: as no two products have one SKU,
    /// the product is written once however often it is sent.
    pub async fn create_product(&self, product: &Value) -> anyhow::Result<bool> {
        let mut attempts = 1;
        loop {
            let request = self
                .client
                .post(format!("{}/products", self.base))
                .json(product);
            let (is_final, failure) = match self.authorised(request).send().await {
                Err(error) => (false, anyhow!(error).context("the gateway does not answer")),
                Ok(response) => match response.status() {
                    StatusCode::CREATED => return Ok(true),
                    StatusCode::CONFLICT => return Ok(false),
                    status => {
                        let text = response.text().await.unwrap_or_default();
                        let failure = anyhow!("POST /products was answered {status}: {text}");
                        (!status.is_server_error(), failure)
                    }
                },
            };
            if is_final || attempts == ATTEMPTS {
                return Err(failure);
            }
            sleep(PAUSE * attempts).await;
            attempts += 1;
        }
    }

    fn authorised(&self, request: RequestBuilder) -> RequestBuilder {
        let token = self.token.read().unwrap_or_else(PoisonError::into_inner);
        match &*token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
}

/// The services that an answer of `/health/ready` names: `Not there yet: a, b.`
fn unready(detail: &str) -> Missing {
    let list = detail.strip_prefix("Not there yet: ");
    let Some(list) = list.and_then(|list| list.strip_suffix('.')) else {
        return Missing::one(GATEWAY, detail);
    };
    let mut missing = Missing::default();
    for service in list.split(", ") {
        missing.add(service, "");
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_that_are_not_there_yet_are_read_off_the_answer() {
        let missing = unready("Not there yet: account, product.");
        assert_eq!(missing.to_string(), "account, product");
        let missing = unready("The key-value store is not there.");
        let told = "gateway (The key-value store is not there.)";
        assert_eq!(missing.to_string(), told);
    }
}
