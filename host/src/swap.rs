//! `stoa swap`: puts another build of a component in the place of the one that
//! runs, without losing a request.
//!
//! The hosts come first: each compiles the build while the old one serves, and
//! refuses one that it cannot run. Only then is the manifest that wadm keeps
//! changed, so that what is wanted is what runs. The file `wadm.yaml` stays as
//! it is: it counts when the lattice is started again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep};
use wasmcloud_control_interface::{Client, ComponentDescription};

use crate::deployment::Wadm;
use crate::lattice;
use crate::state::Folder;
use crate::terminal::Terminal;

/// How long hosts may take to compile a build.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often they are asked.
const EVERY: Duration = Duration::from_millis(50);

/// The annotation by which wadm's scalers know their components.
const SCALER: &str = "wasmcloud.dev/scaler";

/// The file with what ran before.
const RECORD: &str = "swapped.json";

/// What is swapped.
#[derive(clap::Args)]
pub struct Options {
    /// The component's id, such as `product`.
    component: String,
    /// The build to run: a `.wasm` file.
    #[arg(required_unless_present = "rollback", conflicts_with = "rollback")]
    file: Option<PathBuf>,
    /// Goes back to the build that ran before the last swap.
    #[arg(long)]
    rollback: bool,
}

/// Swaps, and says when the new build answers.
pub async fn run(
    folder: &Folder,
    options: &Options,
    terminal: &mut Terminal,
) -> anyhow::Result<()> {
    let run = folder.running()?;
    let client = lattice::client(&run.nats).await?;
    let connection = async_nats::connect(&run.nats).await;
    let wadm = Wadm::new(connection.context("the lattice does not answer")?);
    let component = &options.component;
    let hosts = running(&client, component).await?;
    let Some(before) = hosts.values().next().cloned() else {
        bail!("no component {component} runs: `stoa status` shows what does");
    };
    let mut builds = Builds::read(folder);
    let image = match &options.file {
        Some(file) => keep(folder, component, file)?,
        None => builds
            .0
            .get(component)
            .cloned()
            .ok_or_else(|| anyhow!("{component} was not swapped yet: nothing to go back to"))?,
    };
    let swapped = async {
        update(&client, component, &hosts, &image).await?;
        let owners = owners(&client, component, &hosts).await?;
        if want(&wadm, &run.application, component, &image).await? {
            taken_over(&client, component, &hosts, &owners).await?;
        }
        anyhow::Ok(())
    };
    if let Err(error) = swapped.await {
        // What was changed before it failed goes back.
        for (host, image) in &hosts {
            let _ = client.update_component(host, component, image, None).await;
        }
        return Err(error.context(format!("{component} stays as it was")));
    }
    if before != image {
        builds.0.insert(component.clone(), before);
        builds.write(folder)?;
    }
    terminal.step(format_args!("{component} runs {}", file_name(&image)));
    Ok(())
}

/// Forgets what was swapped.
pub fn forget(folder: &Folder) {
    let _ = fs::remove_file(folder.path(RECORD));
}

/// The hosts that run a component, and which build.
async fn running(client: &Client, component: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let mut hosts = BTreeMap::new();
    for host in lattice::hosts(client).await? {
        if let Some(image) = build_on(client, &host, component).await? {
            hosts.insert(host, image);
        }
    }
    Ok(hosts)
}

/// The build that a host runs.
async fn build_on(client: &Client, host: &str, component: &str) -> anyhow::Result<Option<String>> {
    let found = on(client, host, component).await?;
    Ok(found.map(|found| found.image_ref().to_owned()))
}

async fn on(
    client: &Client,
    host: &str,
    component: &str,
) -> anyhow::Result<Option<ComponentDescription>> {
    let inventory = lattice::inventory(client, host).await?;
    let mut components = inventory.components().iter();
    let found = components.find(|found| found.id() == component);
    Ok(found.cloned())
}

/// Which of wadm's scalers looks after a component, by host.
async fn owners(
    client: &Client,
    component: &str,
    hosts: &BTreeMap<String, String>,
) -> anyhow::Result<BTreeMap<String, Option<String>>> {
    let mut owners = BTreeMap::new();
    for host in hosts.keys() {
        let found = on(client, host, component).await?;
        let annotations = found.and_then(|found| found.annotations().cloned());
        let owner = annotations.and_then(|annotations| annotations.get(SCALER).cloned());
        owners.insert(host.clone(), owner);
    }
    Ok(owners)
}

/// Waits until wadm's new scaler has found a component as it wants it: until
/// then its command is on the way, and would undo a swap that comes before it.
async fn taken_over(
    client: &Client,
    component: &str,
    hosts: &BTreeMap<String, String>,
    before: &BTreeMap<String, Option<String>>,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while owners(client, component, hosts).await? == *before {
        if Instant::now() > deadline {
            bail!("wadm does not take the build over: see stoa.log");
        }
        sleep(EVERY).await;
    }
    Ok(())
}

/// Has every host run the build, and waits until they do.
async fn update(
    client: &Client,
    component: &str,
    hosts: &BTreeMap<String, String>,
    image: &str,
) -> anyhow::Result<()> {
    for host in hosts.keys() {
        let answer = client
            .update_component(host, component, image, None)
            .await
            .map_err(|error| anyhow!("host {host} does not answer: {error}"))?;
        if !answer.succeeded() {
            bail!("host {host} refuses the build: {}", answer.message());
        }
    }
    let deadline = Instant::now() + PATIENCE;
    for host in hosts.keys() {
        while build_on(client, host, component).await?.as_deref() != Some(image) {
            if Instant::now() > deadline {
                bail!(
                    "the build does not run after {} s: see stoa.log",
                    PATIENCE.as_secs()
                );
            }
            sleep(EVERY).await;
        }
    }
    Ok(())
}

/// Changes the manifest that wadm keeps, unless it says so already.
async fn want(
    wadm: &Wadm,
    application: &str,
    component: &str,
    image: &str,
) -> anyhow::Result<bool> {
    let mut manifest = wadm.manifest(application).await?;
    if !set_image(&mut manifest, application, component, image)? {
        return Ok(false);
    }
    // wadm names the version.
    if let Some(annotations) = manifest["metadata"]["annotations"].as_object_mut() {
        annotations.remove("version");
    }
    wadm.deploy(application, manifest.to_string()).await?;
    Ok(true)
}

/// Sets the image of a component; whether that changed anything.
fn set_image(
    manifest: &mut Value,
    application: &str,
    component: &str,
    image: &str,
) -> anyhow::Result<bool> {
    let components = manifest["spec"]["components"].as_array_mut();
    let found = components.into_iter().flatten().find(|entry| {
        let id = match &entry["properties"]["id"] {
            // What has no id gets one from wadm.
            Value::Null => format!(
                "{application}-{}",
                entry["name"].as_str().unwrap_or_default()
            ),
            id => id.as_str().unwrap_or_default().to_owned(),
        };
        entry["type"] == "component" && id == component
    });
    let found = found.with_context(|| format!("the manifest has no component {component}"))?;
    let image = Value::from(image);
    let changed = found["properties"]["image"] != image;
    found["properties"]["image"] = image;
    Ok(changed)
}

/// Copies a build to where it stays, under a name that no other build has: a
/// host never reads a path twice.
fn keep(folder: &Folder, component: &str, file: &Path) -> anyhow::Result<String> {
    let wasm = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    if !wasm.starts_with(b"\0asm") {
        bail!("{} is no WebAssembly file", file.display());
    }
    let hash: String = Sha256::digest(&wasm)[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let builds = folder.path("builds");
    fs::create_dir_all(&builds).with_context(|| format!("cannot make {}", builds.display()))?;
    let kept = std::path::absolute(builds.join(format!("{component}-{hash}.wasm")))?;
    fs::write(&kept, wasm).with_context(|| format!("cannot write {}", kept.display()))?;
    Ok(format!("file://{}", kept.display()))
}

fn file_name(image: &str) -> &str {
    image.rsplit('/').next().unwrap_or(image)
}

/// The images that ran before the last swaps, by component.
struct Builds(BTreeMap<String, String>);

impl Builds {
    fn read(folder: &Folder) -> Self {
        let stored = fs::read(folder.path(RECORD)).ok();
        let builds = stored.and_then(|json| serde_json::from_slice(&json).ok());
        Self(builds.unwrap_or_default())
    }

    fn write(&self, folder: &Folder) -> anyhow::Result<()> {
        let path = folder.path(RECORD);
        fs::write(&path, serde_json::to_vec_pretty(&self.0)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_image_of_the_component_is_changed_and_no_other() {
        let mut manifest = json!({"spec": {"components": [
            {"name": "shop", "type": "component", "properties": {"id": "product", "image": "old"}},
            {"name": "product", "type": "capability", "properties": {"image": "old"}},
            {"name": "cart", "type": "component", "properties": {"image": "old"}},
        ]}});
        assert!(set_image(&mut manifest, "stoa", "product", "new").unwrap());
        assert!(!set_image(&mut manifest, "stoa", "product", "new").unwrap());
        set_image(&mut manifest, "stoa", "stoa-cart", "new").unwrap();
        let images = manifest["spec"]["components"].as_array().unwrap().iter();
        let images: Vec<_> = images.map(|c| c["properties"]["image"].clone()).collect();
        assert_eq!(images, ["new", "old", "new"]);
        assert!(set_image(&mut manifest, "stoa", "shop", "new").is_err());
    }
}
