//! What a test says on the lattice's NATS server itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_nats::jetstream;
use async_nats::jetstream::consumer::pull::OrderedConfig;
use futures::StreamExt as _;
use serde_json::{Value, json};
use stoa_harness::{Lattice, patience};
use tokio::runtime::Runtime;

/// How long a message may be on its way, there and back.
const ANSWER: Duration = Duration::from_mins(1);

/// A connection to a lattice's NATS server.
pub(crate) struct Bus {
    runtime: Runtime,
    client: async_nats::Client,
}

impl Bus {
    pub(crate) fn of(lattice: &Lattice) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let client = runtime
            .block_on(async_nats::connect(lattice.nats()))
            .expect("the NATS server answers");
        Self { runtime, client }
    }

    /// Publishes a message; it has reached the server then.
    pub(crate) fn publish(&self, subject: &str, body: impl Into<Vec<u8>>) {
        let (subject, body) = (subject.to_owned(), body.into());
        self.runtime.block_on(async {
            let published = self.client.publish(subject, body.into()).await;
            published.expect("the message is published");
            self.client.flush().await.expect("the message is sent");
        });
    }

    /// Begins a call the way a component does, and never goes on with it.
    /// `first` is the beginning of its encoded parameters.
    pub(crate) fn abandon_call(&self, target: &str, function: &str, first: &[u8]) {
        let subject = format!("default.{target}.wrpc.0.0.1.{function}");
        let (inbox, first) = (self.client.new_inbox(), first.to_vec());
        self.runtime.block_on(async {
            let mut accepted = self
                .client
                .subscribe(inbox.clone())
                .await
                .expect("an inbox");
            let call = self.client.publish_with_reply(subject, inbox, first.into());
            call.await.expect("the call begins");
            let accepted = tokio::time::timeout(patience(ANSWER), accepted.next());
            assert!(
                matches!(accepted.await, Ok(Some(_))),
                "the call was accepted"
            );
        });
    }

    /// The types of the events about something, in the order of the stream.
    pub(crate) fn events(&self, subject: &str) -> Vec<String> {
        let filter = format!("stoa.events.*.*.{subject}");
        self.runtime.block_on(async {
            let jetstream = jetstream::new(self.client.clone());
            let stream = jetstream.get_stream("STOA_EVENTS").await;
            let stream = stream.expect("the stream of events");
            let reader = stream.create_consumer(OrderedConfig {
                filter_subject: filter,
                ..OrderedConfig::default()
            });
            let mut reader = reader.await.expect("a reader");
            let count = reader.info().await.expect("a reader's state").num_pending;
            let messages = reader.messages().await.expect("messages");
            let subjects = messages
                .take(usize::try_from(count).expect("a count"))
                .map(|message| message.expect("a message").subject.to_string());
            let kinds = subjects.map(|subject| {
                let words: Vec<_> = subject.split('.').collect();
                words[2..words.len() - 1].join(".")
            });
            kinds.collect().await
        })
    }

    /// Publishes a beat on the subject of the service that it names.
    pub(crate) fn beat(&self, beat: &Value) {
        let service = beat["service"].as_str().expect("a beat names a service");
        self.publish(&format!("stoa.heartbeat.{service}"), beat.to_string());
    }

    /// Asks the lattice's hosts something, as `wash` does.
    pub(crate) fn control(&self, subject: &str, command: &Value) -> Value {
        let mut answer = self.ask(&format!("wasmbus.ctl.v1.default.{subject}"), command);
        assert_eq!(answer["success"], true, "{answer}");
        answer["response"].take()
    }

    /// Waits until the lattice's hosts have said so often what they run. After
    /// each time wadm compares it with what the manifest wants.
    pub(crate) fn wait_for_heartbeats(&self, count: usize) {
        self.runtime.block_on(async {
            let heartbeats = self.client.subscribe("wasmbus.evt.default.host_heartbeat");
            let heartbeats = heartbeats.await.expect("a subscription").take(count);
            let heard = tokio::time::timeout(patience(ANSWER), heartbeats.count());
            assert_eq!(heard.await, Ok(count), "no heartbeats");
        });
    }

    /// The id of the lattice's first host.
    pub(crate) fn host(&self) -> String {
        let host = self.control("host.ping", &json!({}))["id"].take();
        host.as_str().expect("a host").to_owned()
    }

    /// Asks wadm something about manifests.
    pub(crate) fn wadm(&self, subject: &str, command: &Value) -> Value {
        let answer = self.ask(&format!("wadm.api.default.model.{subject}"), command);
        assert_ne!(answer["result"], "error", "{answer}");
        answer
    }

    fn ask(&self, subject: &str, command: &Value) -> Value {
        let request = async_nats::Request::new()
            .payload(command.to_string().into())
            .timeout(Some(patience(ANSWER)));
        let answer = self
            .runtime
            .block_on(self.client.send_request(subject.to_owned(), request))
            .expect("an answer");
        serde_json::from_slice(&answer.payload).expect("JSON")
    }
}

/// A beat of the component `service`, good for five minutes.
pub(crate) fn beat(service: &str, sequence: u64) -> Value {
    json!({
        "service": service, "instance": "default", "location": format!("lattice://default/{service}"),
        "version": "1.0.0", "digest": "", "sequence": sequence, "lease": 300_000,
    })
}

/// A sequence number as the ticker makes them: the time in milliseconds.
pub(crate) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(now.expect("a clock").as_millis()).expect("a date")
}
