//! Components that are replaced, stopped and started while they are in use.

use std::collections::HashMap;
use std::fs;

use serde_json::{Value, json};
use stoa_harness::{Build, Client, GATEWAY, Lattice, PRODUCT, eventually, root};

use super::load::{Load, Noticed};
use crate::bus::Bus;
use crate::life::draft;

/// Waits until this build answers. How long that takes is the benchmark's to
/// say.
#[track_caller]
fn wait_for(build: &Build, client: &Client, other: bool) {
    eventually("the build", || build.is_other(client) == other);
}

fn image(file: &std::path::Path) -> String {
    format!("file://{}", file.display())
}

/// Swaps as `wash update component` does.
fn update(bus: &Bus, component: &str, image: &str) {
    let host = bus.host();
    let command = json!({
        "host_id": host, "component_id": component, "new_component_ref": image,
    });
    bus.control(&format!("component.update.{host}"), &command);
}

/// Swaps as somebody does who edits the manifest and deploys it anew.
fn redeploy(bus: &Bus, component: &str, image: &str) {
    let mut manifest = bus.wadm("get.stoa", &json!({}))["manifest"].take();
    let components = manifest["spec"]["components"]
        .as_array_mut()
        .expect("components");
    let found = components
        .iter_mut()
        .find(|found| found["name"] == component);
    found.expect("the component")["properties"]["image"] = Value::from(image);
    let annotations = manifest["metadata"]["annotations"].as_object_mut();
    annotations.expect("annotations").remove("version");
    bus.wadm("put", &manifest);
    bus.wadm("deploy.stoa", &json!({}));
}

/// Every answer has this status.
#[track_caller]
fn all_are(status: u16, answers: &[Noticed]) {
    let wrong: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status != status)
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}: {:?}",
        wrong.len(),
        answers.len(),
        wrong[0]
    );
}

fn lattice_with_a_product() -> (Lattice, String) {
    // An issuer that is not the default: while it is swapped, a component must
    // not be without its configuration.
    let lattice = Lattice::start_with(&[("issuer: stoa", "issuer: https://shop.example")]);
    let created = lattice
        .admin()
        .post("/products", &draft("SWAPPED"))
        .send()
        .expect(201);
    let id = created.body["id"].as_str().expect("an id").to_owned();
    (lattice, format!("/products/{id}"))
}

pub(crate) fn a_swap_loses_no_request_however_it_is_made() {
    let (lattice, path) = lattice_with_a_product();
    let client = lattice.anonymous();
    let bus = Bus::of(&lattice);
    let other = PRODUCT.altered(&lattice);
    let load = Load::start(&lattice.admin(), move |client, _| client.get(&path));
    let mut runs_other = false;
    for round in 0..9 {
        runs_other = !runs_other;
        let build = if runs_other {
            other.clone()
        } else {
            PRODUCT.built()
        };
        // A build has a name of its own each time, as hosts and wadm know
        // builds by their names.
        let file = lattice.folder().join(format!("product-{round}.wasm"));
        fs::copy(build, &file).expect("a copy");
        match round % 3 {
            0 => update(&bus, "product", &image(&file)),
            1 => redeploy(&bus, "product", &image(&file)),
            _ => {
                let file = file.to_str().expect("text");
                lattice.stoa(&["swap", "product", file]).expect("the swap");
            }
        }
        wait_for(&PRODUCT, &client, runs_other);
    }
    // wadm has looked whether all is as it should be.
    bus.wait_for_heartbeats(2);
    assert!(PRODUCT.is_other(&client), "the last swap was undone");
    let answers = load.stop();
    all_are(200, &answers);
    let slowest = answers.iter().max_by_key(|answer| answer.took);
    assert!(slowest.is_some_and(Noticed::is_prompt), "{slowest:?}");

    let said = lattice.stoa(&["swap", "product", "--rollback"]);
    said.expect("the rollback");
    assert!(!PRODUCT.is_other(&client));
}

pub(crate) fn the_gateway_is_swapped_without_losing_a_request() {
    let (lattice, path) = lattice_with_a_product();
    let client = lattice.anonymous();
    let other = GATEWAY.altered(&lattice);
    let load = Load::start(&lattice.admin(), move |client, _| client.get(&path));
    for round in 0..6 {
        let runs_other = round % 2 == 0;
        let file = if runs_other {
            other.clone()
        } else {
            GATEWAY.built()
        };
        let said = lattice.stoa(&["swap", "gateway", file.to_str().expect("text")]);
        said.expect("the swap");
        wait_for(&GATEWAY, &client, runs_other);
    }
    all_are(200, &load.stop());
}

pub(crate) fn what_is_written_during_swaps_is_there_once() {
    let lattice = Lattice::start();
    let admin = lattice.admin();
    let bus = Bus::of(&lattice);
    let images = [image(&PRODUCT.altered(&lattice)), image(&PRODUCT.built())];
    let load = Load::start(&admin, |client, number| {
        client.post("/products", &draft(&format!("SWAP-{number}")))
    });
    for round in 0..8 {
        let before = load.count();
        update(&bus, "product", &images[round % 2]);
        eventually("more products", || load.count() > before + 20);
    }
    let answers = load.stop();
    all_are(201, &answers);
    let mut stored = HashMap::<_, usize>::new();
    let mut next = Some("/products?limit=100".to_owned());
    while let Some(path) = next {
        let page = admin.get(&path).send().expect(200);
        for product in page.body["data"].as_array().expect("products") {
            let id = product["id"].as_str().expect("an id").to_owned();
            *stored.entry(id).or_default() += 1;
        }
        let cursor = page.body["next"].as_str();
        next = cursor.map(|cursor| format!("/products?limit=100&cursor={cursor}"));
    }
    assert_eq!(stored.len(), answers.len());
    for answer in answers {
        let product: Value = serde_json::from_str(&answer.text).expect("JSON");
        let id = product["id"].as_str().expect("an id");
        assert_eq!(stored.get(id), Some(&1), "{id}");
    }
}

pub(crate) fn a_build_that_cannot_run_leaves_the_old_one_serving() {
    let (lattice, path) = lattice_with_a_product();
    let bus = Bus::of(&lattice);
    let load = Load::start(&lattice.admin(), move |client, _| client.get(&path));
    let mut wasm = fs::read(PRODUCT.built()).expect("the component");
    wasm.truncate(wasm.len() / 2);
    let broken = lattice.folder().join("broken.wasm");
    fs::write(&broken, wasm).expect("a file");

    let said = lattice.stoa(&["swap", "product", broken.to_str().expect("text")]);
    let said = said.expect_err("the build cannot run");
    assert!(said.contains("product stays as it was"), "{said}");
    // A core module is no component.
    let core = lattice.folder().join("core.wasm");
    fs::write(&core, b"\0asm\x01\0\0\0").expect("a file");
    let said = lattice.stoa(&["swap", "product", core.to_str().expect("text")]);
    let said = said.expect_err("it has no exports");
    assert!(said.contains("product stays as it was"), "{said}");
    redeploy(&bus, "product", &image(&broken));
    lattice.wait_for_log("failed to scale component", 3);
    // Nobody answers at the registry, and the quick engine asks none.
    redeploy(&bus, "product", "registry.invalid/product:1");
    eventually("why there is no such image", || {
        let log = lattice.log();
        log.contains("registry.invalid/product:1 is an image of a registry, and this host was")
            || log.contains("failed to fetch component under OCI reference")
    });
    bus.wait_for_heartbeats(1);
    let file = root().join("wadm.yaml");
    let said = lattice.stoa(&["swap", "product", file.to_str().expect("text")]);
    assert!(said.expect_err("no component").contains("no WebAssembly"));
    all_are(200, &load.stop());

    // And the next build that can run does.
    let other = PRODUCT.altered(&lattice);
    let said = lattice.stoa(&["swap", "product", other.to_str().expect("text")]);
    said.expect("the swap");
    assert!(PRODUCT.is_other(&lattice.anonymous()));
}

/// A component that is stopped ends what it has begun; then requests are
/// refused at once, until wadm starts it again.
pub(crate) fn a_component_that_is_stopped_and_started_answers_503_in_between() {
    let (lattice, path) = lattice_with_a_product();
    let load = Load::start(&lattice.admin(), move |client, _| client.get(&path));
    for starts in 2..5 {
        let before = load.count();
        crate::life::stop_component(&lattice, "product");
        eventually("an end", || load.has(503, before));
        // wadm starts it again.
        lattice.wait_for_log("component started id=product", starts);
        let before = load.count();
        eventually("the component", || load.has(200, before));
    }
    let answers = load.stop();
    for answer in &answers {
        assert!(matches!(answer.status, 200 | 503), "{answer:?}");
        assert!(answer.is_prompt(), "{answer:?}");
    }
}
