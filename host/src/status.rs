//! `stoa status`: what runs, and how it is.

use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use futures::TryStreamExt as _;
use serde_json::Value;
use wasmcloud_control_interface::Client;

use crate::lattice;
use crate::state::Folder;
use crate::terminal::Terminal;

/// The registry's bucket.
const SERVICES: &str = "services";

/// Prints components, providers, links and services.
pub async fn run(folder: &Folder, terminal: &mut Terminal) -> anyhow::Result<()> {
    let run = folder.running()?;
    let client = lattice::client(&run.nats).await?;
    let inventories = lattice::inventories(&client).await?;

    terminal.line(format_args!("gateway {}   nats {}", run.http, run.nats));
    let mut components = Vec::new();
    let mut providers = Vec::new();
    for inventory in &inventories {
        for component in inventory.components() {
            components.push([
                component.id().to_owned(),
                component.max_instances().to_string(),
                file_name(component.image_ref()),
            ]);
        }
        for provider in inventory.providers() {
            providers.push([
                provider.id().to_owned(),
                health(&client, provider.id()).await,
                file_name(provider.image_ref().unwrap_or_default()),
            ]);
        }
    }
    table(terminal, ["COMPONENT", "INSTANCES", "IMAGE"], components);
    table(terminal, ["PROVIDER", "HEALTH", "IMAGE"], providers);

    let links = client
        .get_links()
        .await
        .map_err(|error| anyhow!("the lattice does not answer: {error}"))?;
    let links = links.data().map(Vec::as_slice).unwrap_or_default();
    let links = links.iter().map(|link| {
        [
            format!("{} -> {}", link.source_id(), link.target()),
            link.name().to_owned(),
            format!(
                "{}:{}/{}",
                link.wit_namespace(),
                link.wit_package(),
                link.interfaces().join(",")
            ),
        ]
    });
    table(terminal, ["LINK", "NAME", "INTERFACE"], links.collect());

    let services = services(&run.nats).await?;
    table(
        terminal,
        ["SERVICE", "LAST BEAT", "LOCATION"],
        services.iter().map(service).collect(),
    );
    Ok(())
}

/// The registry's records, as it keeps them: its routes are for administrators.
async fn services(nats: &str) -> anyhow::Result<Vec<Value>> {
    let nats = async_nats::connect(nats).await;
    let nats = nats.context("the lattice does not answer")?;
    let bucket = async_nats::jetstream::new(nats)
        .get_key_value(SERVICES)
        .await
        .context("there is no registry")?;
    let keys: Vec<String> = bucket.keys().await?.try_collect().await?;
    let mut services = Vec::new();
    for key in keys {
        if let Some(record) = bucket.get(key).await? {
            services.push(serde_json::from_slice(&record)?);
        }
    }
    Ok(services)
}

fn service(service: &Value) -> [String; 3] {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let instances = service["instances"].as_array().into_iter().flatten();
    let freshest = instances.max_by_key(|instance| instance["beat"].as_i64());
    let freshest = freshest.unwrap_or(&Value::Null);
    [
        text(&service["id"]),
        freshest["beat"].as_u64().map_or("-".to_owned(), |beat| {
            let age = UNIX_EPOCH.elapsed().unwrap_or_default();
            let age = age.saturating_sub(Duration::from_millis(beat));
            format!("{:.1} s ago", age.as_secs_f64())
        }),
        text(&freshest["location"]),
    ]
}

/// What a provider says of itself.
async fn health(client: &Client, id: &str) -> String {
    let subject = format!("wasmbus.rpc.{}.{id}.health", lattice::NAME);
    let request = async_nats::Request::new()
        .payload("{}".into())
        .timeout(Some(Duration::from_secs(1)));
    match client.nats_client().send_request(subject, request).await {
        Ok(message) => match serde_json::from_slice::<Value>(&message.payload) {
            Ok(answer) if answer["healthy"] == true => "healthy".to_owned(),
            Ok(answer) => format!(
                "ill: {}",
                answer["message"].as_str().unwrap_or("no reason given")
            ),
            Err(_) => "unknown".to_owned(),
        },
        Err(_) => "no answer".to_owned(),
    }
}

fn file_name(image: &str) -> String {
    image.rsplit('/').next().unwrap_or(image).to_owned()
}

/// Prints rows in aligned columns, ordered by the first.
fn table(terminal: &mut Terminal, head: [&str; 3], mut rows: Vec<[String; 3]>) {
    rows.sort();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].len()]).max().unwrap_or_default()
    };
    let (first, second) = (width(0), width(1));
    terminal.line("");
    for row in std::iter::once(head.map(str::to_owned)).chain(rows) {
        let [a, b, c] = row;
        terminal.line(format_args!("{a:first$}  {b:second$}  {c}"));
    }
}
