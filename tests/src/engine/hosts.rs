//! Several hosts on one lattice.

use std::collections::HashSet;
use std::thread;
use std::time::Duration;

use serde_json::json;
use stoa_harness::{Host, Probes, eventually, probe_image};

use super::calls::is_late;
use crate::bus::Bus;

/// Starts a probe on a host, behind wadm's back.
fn start_probe(bus: &Bus, host: &str, id: &str, name: &str) {
    bus.control(&format!("config.put.{name}"), &json!({"name": name}));
    scale(bus, host, id, 100, &[name]);
}

fn scale(bus: &Bus, host: &str, id: &str, count: u32, config: &[&str]) {
    let command = json!({
        "component_ref": probe_image(), "component_id": id, "annotations": {}, "count": count,
        "host_id": host, "config": config,
    });
    bus.control(&format!("component.scale.{host}"), &command);
    eventually("the scale", || {
        let inventory = bus.control(&format!("host.get.{host}"), &json!({}));
        let mut components = inventory["components"].as_array().into_iter().flatten();
        components.any(|found| found["id"] == id) == (count > 0)
    });
}

/// Lets probe `a` call the one with this id.
fn link(bus: &Bus, id: &str) {
    let link = json!({
        "source_id": "probe-a", "target": id, "name": "default", "wit_namespace": "stoa",
        "wit_package": "probe", "interfaces": ["steps"], "source_config": [], "target_config": [],
    });
    bus.control("link.put", &link);
}

/// Probes whose `a` calls one that runs on this host and on another, with the
/// id of this host.
fn probed_by_both(options: &[&str]) -> (Probes, Bus, String, Host) {
    let probes = Probes::alone(options);
    let bus = Bus::of(&probes.lattice);
    let here = bus.host();
    let other = Host::join(&probes.lattice.nats());
    start_probe(&bus, &here, "both", "here");
    start_probe(&bus, other.id(), "both", "there");
    link(&bus, "both");
    let client = probes.client();
    client.wait_for("/call/name", |answer| answer.status == 200);
    (probes, bus, here, other)
}

pub(crate) fn a_component_on_another_host_is_called_there() {
    let probes = Probes::alone(&[]);
    let bus = Bus::of(&probes.lattice);
    let other = Host::join(&probes.lattice.nats());
    start_probe(&bus, other.id(), "elsewhere", "there");
    link(&bus, "elsewhere");
    let client = probes.client();
    client.wait_for("/call/name", |answer| {
        answer.status == 200 && answer.text == "there"
    });
    let sent = client
        .request("POST", "/call/length")
        .body(vec![b'x'; 3 << 20]);
    assert_eq!(sent.send().text, (3 << 20).to_string());

    // With the host goes what ran there, and calls to it fail at once.
    drop(other);
    let answer = client.get("/call/name").send();
    assert_eq!(answer.status, 502, "{answer:?}");
    assert!(!is_late(&answer), "{answer:?}");
}

pub(crate) fn hosts_share_the_calls_to_a_component_that_both_run() {
    let (probes, _bus, _here, _other) = probed_by_both(&["--calls", "nats"]);
    let client = probes.client();
    let names: HashSet<_> = (0..100)
        .map(|_| client.get("/call/name").send().expect(200).text)
        .collect();
    assert_eq!(
        names,
        HashSet::from(["here".to_owned(), "there".to_owned()])
    );
}

pub(crate) fn calls_stay_on_a_host_that_runs_their_target() {
    let (probes, bus, here, _other) = probed_by_both(&[]);
    let client = probes.client();
    for _ in 0..100 {
        assert_eq!(client.get("/call/name").send().expect(200).text, "here");
    }
    // What was begun here is ended here, and then the other host takes over. A
    // call that was not begun in its head start may be the other's.
    let mut head_start = Duration::from_millis(300);
    loop {
        let slow = {
            let client = client.clone();
            thread::spawn(move || client.get("/call/sleep/4000/name").send())
        };
        thread::sleep(head_start);
        scale(&bus, &here, "both", 0, &[]);
        // Until the broker has nothing more for it, this host goes on taking calls.
        eventually("the other host", || {
            client.get("/call/name").send().expect(200).text == "there"
        });
        let slow = slow.join().expect("an answer").expect(200).text;
        if slow == "here" {
            return;
        }
        head_start *= 2;
        assert!(head_start < Duration::from_secs(4), "{slow}");
        start_probe(&bus, &here, "both", "here");
        client.wait_for("/call/name", |answer| answer.text == "here");
    }
}
