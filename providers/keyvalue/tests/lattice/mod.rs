//! The part of a lattice that the provider sees: links, callers, health.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::Client;
use nkeys::XKey;
use stoa_harness::patience;
use stoa_keyvalue_provider::bindings::exports::stoa::keyvalue::records::{
    Error, Handler as Records,
};
use stoa_keyvalue_provider::{KeyValueProvider, bindings};
use tokio::task::JoinHandle;
use wasmcloud_provider_sdk::provider::{WrpcClient, receive_link_for_provider};
use wasmcloud_provider_sdk::{
    Context, InterfaceLinkDefinition, Provider as _, ProviderConnection, serve_provider_exports,
};

use crate::nats::Nats;

const PROVIDER: &str = "keyvalue";

/// The provider in this process, as a host would embed it.
pub(crate) struct Lattice {
    /// The provider.
    pub(crate) provider: KeyValueProvider,
    connection: ProviderConnection,
}

impl Lattice {
    /// The provider on a client of its own, without links.
    pub(crate) async fn start(nats: &Nats) -> Self {
        let client = nats.client().await;
        Self {
            connection: connection(client.clone(), PROVIDER),
            provider: KeyValueProvider::new(Some(client)),
        }
    }

    /// The provider, and the component `shop` linked to it.
    pub(crate) async fn with_bucket(nats: &Nats, config: &[(&str, &str)]) -> Self {
        let lattice = Self::start(nats).await;
        lattice.link("shop", config).await;
        lattice.opened("shop").await;
        lattice
    }

    /// Waits until the buckets of a component's link answer. A call waits for
    /// them, but not as long as a busy machine may need to open them.
    pub(crate) async fn opened(&self, source: &str) {
        answered(async || {
            let list = Records::list(&self.provider, Some(caller(source)), String::new());
            list.await.unwrap()
        })
        .await;
    }

    /// Puts a link from a component.
    pub(crate) async fn link(&self, source: &str, config: &[(&str, &str)]) {
        let link = InterfaceLinkDefinition {
            source_id: source.to_owned(),
            target: PROVIDER.to_owned(),
            name: "default".to_owned(),
            target_config: config
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            ..InterfaceLinkDefinition::default()
        };
        receive_link_for_provider(&self.provider, &self.connection, link)
            .await
            .unwrap();
    }

    /// Deletes it.
    pub(crate) async fn unlink(&self, source: &str) {
        let link = InterfaceLinkDefinition {
            source_id: source.to_owned(),
            target: PROVIDER.to_owned(),
            name: "default".to_owned(),
            ..InterfaceLinkDefinition::default()
        };
        self.provider.delete_link_as_target(&link).await.unwrap();
    }

    /// Serves the provider on the wire, and a client by which `shop` calls it.
    pub(crate) async fn serve(&self) -> (WrpcClient, Serving) {
        let server = self.connection.get_wrpc_client(PROVIDER).await.unwrap();
        let provider = self.provider.clone();
        let (ready, is_ready) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let shutdown = std::future::pending();
            let serving =
                serve_provider_exports(&server, provider, shutdown, async |wrpc, provider| {
                    let invocations = Box::pin(bindings::serve(wrpc, provider)).await?;
                    ready.send(()).ok();
                    Ok(invocations)
                });
            Box::pin(serving).await.unwrap();
        });
        is_ready.await.unwrap();
        self.connection.nats.flush().await.unwrap();
        let shop = connection(Client::clone(&self.connection.nats), "shop");
        (shop.get_wrpc_client(PROVIDER).await.unwrap(), Serving(task))
    }
}

/// Ends the serving when it is dropped.
pub(crate) struct Serving(JoinHandle<()>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a call of this component comes with.
pub(crate) fn caller(source: &str) -> Context {
    let tracing = HashMap::from([("link-name".to_owned(), "default".to_owned())]);
    Context {
        component: Some(source.to_owned()),
        tracing,
    }
}

fn connection(client: Client, id: &str) -> ProviderConnection {
    ProviderConnection::new(
        client,
        id,
        "lattice",
        "host".to_owned(),
        HashMap::new(),
        XKey::new(),
        XKey::new(),
    )
    .unwrap()
}

/// How long to wait for anything that comes by itself.
const LONGEST: Duration = Duration::from_mins(2);

/// From one look to the next.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits for a condition.
pub(crate) async fn eventually(condition: impl AsyncFn() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(patience(LONGEST), wait)
        .await
        .expect("the condition does not come true");
}

/// The answer of a call when there is one: a bucket may not be open yet.
pub(crate) async fn answered<T>(call: impl AsyncFn() -> Result<T, Error>) -> T {
    let wait = async {
        loop {
            match call().await {
                Ok(answer) => return answer,
                Err(Error::Unavailable(_)) => tokio::time::sleep(PAUSE).await,
                Err(other) => panic!("{other:?}"),
            }
        }
    };
    tokio::time::timeout(patience(LONGEST), wait)
        .await
        .expect("the bucket does not answer")
}

/// A caller's view of what travels.
pub(crate) mod wire {
    #![allow(
        clippy::pedantic,
        missing_docs,
        unused_qualifications,
        reason = "generated code"
    )]

    wit_bindgen_wrpc::generate!({
        inline: "
            package stoa:keyvalue-test;
            world caller { import stoa:keyvalue/records@0.1.0; }
        ",
        world: "stoa:keyvalue-test/caller",
        path: ["../../wit/deps/wrpc-keyvalue", "wit"],
        generate_all,
    });
}
