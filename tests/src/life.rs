//! What goes down and comes up again: components, providers, NATS, and the
//! whole lattice. Each test has a lattice of its own.

mod asking;
mod catalogue;

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use stoa_harness::{Client, Lattice, Process, eventually};

use crate::auth::Person;
use crate::bus::Bus;
use asking::Asking;
pub(crate) use catalogue::draft;
use catalogue::{catalogue, create};

/// Providers in processes of their own.
const ARCHIVES: &[&str] = &["--providers", "archives"];

/// Stops a component the way `wash` does, behind wadm's back.
pub(crate) fn stop_component(lattice: &Lattice, component: &str) {
    let bus = Bus::of(lattice);
    let host = bus.host();
    let inventory = bus.control(&format!("host.get.{host}"), &json!({}));
    let components = inventory["components"].as_array().expect("components");
    let running = components.iter().find(|found| found["id"] == component);
    let running = running.expect("the component runs");
    let command = json!({
        "component_ref": running["image_ref"], "component_id": component,
        "annotations": running["annotations"], "count": 0, "host_id": host,
    });
    bus.control(&format!("component.scale.{host}"), &command);
}

/// The process of a provider or of NATS.
pub(crate) fn part(lattice: &Lattice, name: &str) -> Process {
    let parts = Process::all_of(lattice.folder());
    let mut parts = parts.iter().filter(|process| {
        let program = process.command.split(' ').next().unwrap_or_default();
        process.id != lattice.pid() && program.contains(name)
    });
    let part = parts.next().cloned().expect("the part runs");
    assert_eq!(parts.next(), None, "one process of {name}");
    part
}

/// Waits until none of a lattice's processes is left.
fn nothing_is_left(processes: &[Process]) {
    eventually(&format!("the end of {processes:?}"), || {
        processes.iter().all(|process| !process.is_alive())
    });
}

pub(crate) fn a_component_that_was_stopped_comes_back_and_answers_are_200_503_or_504_until_then() {
    let lattice = Lattice::start();
    let admin = lattice.admin();
    let before = create(&admin, 3);
    let asking = Asking::start(&lattice.anonymous(), "/products");
    stop_component(&lattice, "product");
    lattice.wait_for_log("component started id=product", 2);
    asking.forget();
    asking.wait_for(200);
    asking.stop();
    assert_eq!(catalogue(&admin), before);

    let asking = Asking::start(&admin, "/services");
    stop_component(&lattice, "registry");
    // Who reads the catalogue does not notice.
    lattice.anonymous().get("/products").send().expect(200);
    lattice.wait_for_log("component started id=registry", 2);
    asking.forget();
    asking.wait_for(200);
    asking.stop();
}

pub(crate) fn a_database_provider_that_is_killed_comes_back_with_all_products() {
    let lattice = Lattice::start_as(ARCHIVES);
    let admin = lattice.admin();
    let before = create(&admin, 20);
    let asking = Asking::start(&lattice.anonymous(), "/products");
    let sql = part(&lattice, "_sql_");
    sql.signal("KILL");
    eventually("another process", || {
        !sql.is_alive() && Process::all_of(lattice.folder()).len() == 7
    });
    asking.forget();
    asking.wait_for(200);
    asking.stop();
    assert_eq!(catalogue(&admin), before);
    let more = admin.post("/products", &draft("AFTERWARDS")).send();
    more.expect(201);
}

pub(crate) fn a_key_value_provider_that_is_killed_comes_back_with_all_services() {
    let lattice = Lattice::start_as(ARCHIVES);
    let admin = lattice.admin();
    let body = json!({"id": "kept", "url": "http://127.0.0.1:1"});
    let registered = admin.post("/services", &body).send().expect(201).body;
    let asking = Asking::start(&lattice.anonymous(), "/health/ready");
    let keyvalue = part(&lattice, "_keyvalue_");
    keyvalue.signal("KILL");
    eventually("another process", || {
        !keyvalue.is_alive() && Process::all_of(lattice.folder()).len() == 7
    });
    asking.forget();
    asking.wait_for(200);
    asking.stop();
    let kept = admin.get("/services/kept").send().expect(200).body;
    assert_eq!(
        kept["instances"][0]["registered"],
        registered["instances"][0]["registered"]
    );
    lattice.anonymous().get("/products").send().expect(200);
}

pub(crate) fn a_ticker_that_is_killed_comes_back_before_a_lease_runs_out() {
    let lattice = Lattice::start_as(ARCHIVES);
    let admin = lattice.admin();
    let beat = |service: &str| {
        let shown = admin.get(&format!("/services/{service}")).send();
        shown.expect(200).body["instances"][0]["sequence"].as_u64()
    };
    let services = ["account", "auth", "email", "gateway", "product", "registry"];
    let before = services.map(beat);
    let asking = Asking::start(&lattice.anonymous(), "/health/ready");
    part(&lattice, "_ticker_").signal("KILL");
    for (service, before) in services.iter().zip(before) {
        // Twice, so that it is none that was on its way.
        eventually(&format!("a beat of {service}"), || beat(service) > before);
        let first = beat(service);
        eventually(&format!("another of {service}"), || beat(service) > first);
    }
    let seen = asking.stop();
    assert!(seen.iter().all(|status| *status == 200), "{seen:?}");
}

pub(crate) fn a_caller_that_ends_in_the_middle_of_a_call_blocks_no_other() {
    let lattice = Lattice::start();
    let bus = Bus::of(&lattice);
    // An empty list and an empty text are one byte each, 0.
    for (provider, function, first) in [
        ("keyvalue", "stoa:keyvalue/records@0.1.0.get-many", &[0][..]),
        ("keyvalue", "stoa:keyvalue/records@0.1.0.list", &[0]),
        ("keyvalue", "stoa:keyvalue/records@0.1.0.put", &[0, 0, 0]),
        ("account", "stoa:http/service@0.1.0.handle", &[0]),
        ("product", "stoa:http/service@0.1.0.handle", &[0]),
        ("registry", "stoa:http/service@0.1.0.handle", &[0]),
    ] {
        bus.abandon_call(provider, function, first);
    }
    let admin = lattice.admin();
    admin.get("/services").send().expect(200);
    let body = json!({"id": "written", "url": "http://127.0.0.1:1"});
    admin.post("/services", &body).send().expect(201);
    create(&admin, 1);
}

pub(crate) fn without_nats_the_lattice_ends_and_says_so() {
    let mut lattice = Lattice::start_as(ARCHIVES);
    let processes = Process::all_of(lattice.folder());
    assert_eq!(processes.len(), 7, "{processes:?}");
    part(&lattice, "nats-server").signal("KILL");
    let ended = lattice.ended();
    assert!(!ended.status.success());
    let last = ended.printed.trim_end().lines().last().unwrap_or_default();
    assert!(
        last.starts_with("stoa: the NATS server ended by itself"),
        "{ended:?}"
    );
    nothing_is_left(&processes);
    assert!(!lattice.folder().join("run.json").exists());
}

pub(crate) fn a_restart_keeps_products_registrations_and_sessions() {
    let lattice = Lattice::start();
    let admin = lattice.admin();
    let before = create(&admin, 30);
    let body = json!({"id": "kept", "url": "http://127.0.0.1:1"});
    admin.post("/services", &body).send().expect(201);
    let person = Person::on(&lattice, "kept@example.com");
    let processes = Process::all_of(lattice.folder());
    let folder = lattice.stop();
    nothing_is_left(&processes);
    for leftover in ["run.json", "tmp", "data/product.db-wal"] {
        assert!(!folder.path().join(leftover).exists(), "{leftover}");
    }

    let lattice = Lattice::start_on(folder);
    let kept = lattice.with_token(&person.access_token);
    kept.get(&person.path()).send().expect(200);
    let admin = lattice.admin();
    assert_eq!(catalogue(&admin), before);
    let kept = admin.get("/services/kept").send().expect(200);
    assert_eq!(kept.body["url"], "http://127.0.0.1:1");
}

pub(crate) fn what_was_answered_before_a_kill_is_there_after_it_exactly_once() {
    let lattice = Lattice::start();
    let processes = Process::all_of(lattice.folder());
    let admin = lattice.admin();
    let killed = AtomicBool::new(false);
    let (answered, folder) = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                scope.spawn({
                    let (admin, killed) = (admin.clone(), &killed);
                    move || write_until(&admin, writer, killed)
                })
            })
            .collect();
        eventually("a hundred products", || catalogue(&admin).len() >= 100);
        let folder = lattice.kill();
        killed.store(true, Ordering::Relaxed);
        let answered = writers
            .into_iter()
            .map(|writer| writer.join().expect("a writer"));
        (answered.flatten().collect::<Vec<_>>(), folder)
    });
    assert!(answered.len() >= 90, "{}", answered.len());
    nothing_is_left(&processes);

    let lattice = Lattice::start_on(folder);
    let found = catalogue(&lattice.admin());
    for product in &answered {
        let sku = product["sku"].as_str().expect("a SKU");
        assert_eq!(found.get(sku), Some(product));
    }
    // Each writer may have been in the middle of one more.
    assert!(found.len() <= answered.len() + 4);
}

/// Creates products one after the other; those that were answered 201.
fn write_until(admin: &Client, writer: u32, killed: &AtomicBool) -> Vec<serde_json::Value> {
    let mut answered = Vec::new();
    for number in 0.. {
        let sku = format!("W{writer}-{number:05}");
        match admin.post("/products", &draft(&sku)).try_send() {
            Ok(answer) if answer.status == 201 => answered.push(answer.body),
            Ok(answer) => assert!(matches!(answer.status, 503 | 504), "{answer:?}"),
            Err(_) => break,
        }
        if killed.load(Ordering::Relaxed) {
            break;
        }
    }
    answered
}

pub(crate) fn an_interrupt_from_a_terminal_stops_everything_in_order() {
    let mut lattice = Lattice::start();
    let admin = lattice.admin();
    create(&admin, 3);
    let processes = Process::all_of(lattice.folder());
    // Ctrl-C reaches every process of the group; NATS has one of its own.
    for process in &processes {
        if !process.command.contains("nats-server") || process.id == lattice.pid() {
            process.signal("INT");
        }
    }
    let ended = lattice.ended();
    assert!(ended.status.success(), "{ended:?}");
    nothing_is_left(&processes);
    let log = lattice.log();
    assert!(
        !log.contains("restarting provider"),
        "a provider ended too early"
    );
    assert!(
        !log.contains("shutting down forcefully"),
        "a provider ended too late"
    );
    assert!(!lattice.folder().join("data/product.db-wal").exists());
}
