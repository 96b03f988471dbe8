//! The provider, a publisher and a handler on a real lattice connection.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that meets something else has failed"
)]

#[expect(dead_code, reason = "the other tests also stop the server")]
#[path = "../../keyvalue/tests/nats/mod.rs"]
mod nats;

use std::collections::HashMap;
use std::time::Duration;

use async_nats::Client;
use nkeys::XKey;
use stoa_events_provider::{EventsProvider, bindings};
use stoa_harness::patience;
use tokio::sync::mpsc;
use uuid::Uuid;
use wasmcloud_provider_sdk::provider::receive_link_for_provider;
use wasmcloud_provider_sdk::{
    Context, HealthCheckRequest, InterfaceLinkDefinition, Provider as _, ProviderConnection,
    serve_provider_exports,
};

use component::exports::stoa::clock::ticks::{Handler as Ticks, Timing};
use component::exports::stoa::events::handler::{Error, Event, Handler};
use component::stoa::events::publisher;
use nats::Nats;

mod component {
    #![allow(clippy::pedantic, unused_qualifications, reason = "generated code")]

    wit_bindgen_wrpc::generate!({
        inline: "
            package stoa:events-test;
            world component {
                import stoa:events/publisher@0.1.0;
                export stoa:events/handler@0.1.0;
                export stoa:clock/ticks@0.1.0;
            }
        ",
        world: "stoa:events-test/component",
        path: ["../../wit/stoa-clock", "wit"],
        generate_all,
    });
}

/// A component that hands on what it hears: events, and the names of ticks.
#[derive(Clone)]
struct Mail(mpsc::UnboundedSender<Result<Event, String>>);

impl Handler<Option<Context>> for Mail {
    async fn handle(
        &self,
        context: Option<Context>,
        event: Event,
    ) -> anyhow::Result<Result<(), Error>> {
        assert_eq!(context.unwrap().component.as_deref(), Some("events"));
        self.0.send(Ok(event)).ok();
        Ok(Ok(()))
    }
}

impl Ticks<Option<Context>> for Mail {
    async fn tick(&self, _: Option<Context>, timing: Timing) -> anyhow::Result<Result<(), String>> {
        self.0.send(Err(timing.name)).ok();
        Ok(Ok(()))
    }
}

fn connection(client: Client, id: &str) -> ProviderConnection {
    let (host, config) = ("host".to_owned(), HashMap::new());
    let (own, hosts) = (XKey::new(), XKey::new());
    ProviderConnection::new(client, id, "lattice", host, config, own, hosts).unwrap()
}

async fn put(
    provider: &EventsProvider<ProviderConnection>,
    connection: &ProviderConnection,
    (name, interface): (&str, &str),
    config: &[(&str, &str)],
) {
    let config = config.iter();
    let link = InterfaceLinkDefinition {
        source_id: "events".to_owned(),
        target: "mail".to_owned(),
        name: name.to_owned(),
        interfaces: vec![interface.to_owned()],
        source_config: config
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        ..InterfaceLinkDefinition::default()
    };
    receive_link_for_provider(provider, connection, link)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_component_publishes_another_handles() {
    let nats = Nats::start().await;
    let client = nats.client().await;
    let events = connection(client.clone(), "events");
    let provider = EventsProvider::new(events.clone(), Some(client.clone()));
    let (heard, mut messages) = mpsc::unbounded_channel();
    let mail = connection(client.clone(), "mail");
    let handling = tokio::spawn(async move {
        let wrpc = mail.get_wrpc_client("mail").await.unwrap();
        let shutdown = std::future::pending();
        let serving = serve_provider_exports(&wrpc, Mail(heard), shutdown, component::serve);
        Box::pin(serving).await
    });
    let publishing = tokio::spawn({
        let (events, provider) = (events.clone(), provider.clone());
        async move {
            let wrpc = events.get_wrpc_client("events").await.unwrap();
            let shutdown = std::future::pending();
            let serving = serve_provider_exports(&wrpc, provider, shutdown, bindings::serve);
            Box::pin(serving).await
        }
    });
    put(
        &provider,
        &events,
        ("default", "handler"),
        &[("types", "account.*")],
    )
    .await;
    put(&provider, &events, ("outbox-mail", "ticks"), &[]).await;

    let shop = connection(client.clone(), "shop");
    let shop = shop.get_wrpc_client("events").await.unwrap();
    let event = component::stoa::events::types::Event {
        id: Uuid::now_v7().to_string(),
        type_: "account.created".to_owned(),
        subject: "7".to_owned(),
        occurred: 1,
        data: "{\"email\":\"ann@example.com\"}".to_owned(),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
    };
    // The provider may not be listening yet.
    let published = async {
        while !matches!(
            publisher::publish(&shop, None, std::slice::from_ref(&event)).await,
            Ok(Ok(()))
        ) {}
    };
    let longest = patience(Duration::from_mins(1));
    tokio::time::timeout(longest, published)
        .await
        .expect("nobody takes it");
    let got = tokio::time::timeout(longest, messages.recv()).await;
    let got = got.expect("nothing arrives").unwrap().unwrap();
    assert_eq!((got.id, got.type_), (event.id, event.type_));
    assert_eq!((got.subject, got.occurred), (event.subject, 1));
    assert_eq!((got.data, got.traceparent), (event.data, event.traceparent));

    client.publish("stoa.outbox.mail", "".into()).await.unwrap();
    let tick = tokio::time::timeout(longest, messages.recv()).await;
    assert_eq!(tick.expect("no tick").unwrap().unwrap_err(), "outbox-mail");
    provider.shutdown().await.unwrap();
    handling.abort();
    publishing.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_without_types_is_unhealthy_until_it_has_some() {
    let nats = Nats::start().await;
    let client = nats.client().await;
    let events = connection(client.clone(), "events");
    let provider = EventsProvider::new(events.clone(), Some(client));
    let health = async || provider.health_request(&HealthCheckRequest {}).await;
    put(&provider, &events, ("default", "handler"), &[]).await;
    let wrong = health().await.unwrap();
    assert!(!wrong.healthy);
    assert!(wrong.message.unwrap().contains("types"));
    put(
        &provider,
        &events,
        ("default", "handler"),
        &[("types", "*")],
    )
    .await;
    assert!(health().await.unwrap().healthy);
    provider.shutdown().await.unwrap();
}
