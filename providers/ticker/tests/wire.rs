//! The provider and a component on a real lattice connection.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that meets something else has failed"
)]

#[expect(dead_code, reason = "the key-value tests also stop the server")]
#[path = "../../keyvalue/tests/nats/mod.rs"]
mod nats;

use std::collections::HashMap;
use std::time::Duration;

use async_nats::Client;
use nkeys::XKey;
use stoa_harness::patience;
use stoa_ticker_provider::TickerProvider;
use tokio::sync::mpsc;
use wasmcloud_provider_sdk::provider::receive_link_for_provider;
use wasmcloud_provider_sdk::{
    Context, HealthCheckRequest, InterfaceLinkDefinition, Provider as _, ProviderConnection,
    serve_provider_exports,
};

use exports::exports::stoa::clock::ticks::{Handler, Timing};
use nats::Nats;

mod exports {
    #![allow(clippy::pedantic, unused_qualifications, reason = "generated code")]

    wit_bindgen_wrpc::generate!({
        inline: "
            package stoa:ticker-test;
            world component { export stoa:clock/ticks@0.1.0; }
        ",
        world: "stoa:ticker-test/component",
        path: "../../wit/stoa-clock",
        generate_all,
    });
}

/// A component that hands its ticks on, and complains: ticking goes on.
#[derive(Clone)]
struct Component(mpsc::UnboundedSender<Timing>);

impl Handler<Option<Context>> for Component {
    async fn tick(
        &self,
        context: Option<Context>,
        timing: Timing,
    ) -> anyhow::Result<Result<(), String>> {
        assert_eq!(context.unwrap().component.as_deref(), Some("ticker"));
        self.0.send(timing).ok();
        Ok(Err("not now".to_owned()))
    }
}

fn connection(client: Client, id: &str) -> ProviderConnection {
    let (host, config) = ("host".to_owned(), HashMap::new());
    let (own, hosts) = (XKey::new(), XKey::new());
    ProviderConnection::new(client, id, "lattice", host, config, own, hosts).unwrap()
}

async fn put(
    provider: &TickerProvider<ProviderConnection>,
    connection: &ProviderConnection,
    interval_ms: &str,
) {
    let link = InterfaceLinkDefinition {
        source_id: "ticker".to_owned(),
        target: "product".to_owned(),
        name: "heartbeat".to_owned(),
        source_config: HashMap::from([("interval_ms".to_owned(), interval_ms.to_owned())]),
        ..InterfaceLinkDefinition::default()
    };
    receive_link_for_provider(provider, connection, link)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linked_component_is_called_as_soon_as_it_is_there() {
    let nats = Nats::start().await;
    let client = nats.client().await;
    let ticker = connection(client.clone(), "ticker");
    let provider = TickerProvider::new(ticker.clone());
    put(&provider, &ticker, "100").await;

    let (ticks, mut received) = mpsc::unbounded_channel();
    let serving = tokio::spawn(async move {
        let component = connection(client, "product");
        let wrpc = component.get_wrpc_client("product").await.unwrap();
        let shutdown = std::future::pending();
        let serving = serve_provider_exports(&wrpc, Component(ticks), shutdown, exports::serve);
        Box::pin(serving).await
    });
    let mut last = 0;
    for _ in 0..3 {
        let tick = tokio::time::timeout(patience(Duration::from_mins(1)), received.recv());
        let timing = tick.await.expect("no tick comes").unwrap();
        assert_eq!((timing.name.as_str(), timing.interval), ("heartbeat", 100));
        assert!(timing.sequence > last);
        last = timing.sequence;
    }
    provider.shutdown().await.unwrap();
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_with_a_wrong_config_is_unhealthy_until_it_is_right() {
    let nats = Nats::start().await;
    let ticker = connection(nats.client().await, "ticker");
    let provider = TickerProvider::new(ticker.clone());
    let health = async || provider.health_request(&HealthCheckRequest {}).await;
    put(&provider, &ticker, "soon").await;
    let wrong = health().await.unwrap();
    assert!(!wrong.healthy);
    assert!(wrong.message.unwrap().contains("interval_ms"));
    put(&provider, &ticker, "60000").await;
    assert!(health().await.unwrap().healthy);
    provider.shutdown().await.unwrap();
}
