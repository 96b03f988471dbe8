//! `DELETE /services/{id}`

use std::time::{Duration, Instant};

use serde_json::json;
use stoa_harness::{Lattice, eventually, patience};

use crate::bus::{Bus, beat, now};
use crate::shared;

pub(crate) fn a_removed_service_is_answered_once_more_and_then_gone() {
    let admin = shared().admin();
    let body = json!({"id": "removed", "url": "http://127.0.0.1:1"});
    let created = admin.post("/services", &body).send().expect(201);
    let removed = admin.delete("/services/removed").send().expect(200);
    assert_eq!(removed.body["id"], "removed");
    assert_eq!(removed.body["url"], created.body["url"]);
    admin
        .get("/services/removed")
        .send()
        .problem(404, "not_found");
    admin
        .delete("/services/removed")
        .send()
        .problem(404, "not_found");
    let routed = admin.get("/removed/any").send();
    routed.problem(503, "unavailable");
    admin.post("/services", &body).send().expect(201);
}

pub(crate) fn beats_are_ignored_for_one_lease_and_count_again_then() {
    let (admin, bus) = (shared().admin(), Bus::of(shared()));
    let lease = patience(Duration::from_secs(2));
    let beating = |sequence: u64| {
        let mut beat = beat("obstinate", sequence);
        beat["lease"] = u64::try_from(lease.as_millis()).expect("a lease").into();
        bus.beat(&beat);
    };
    let removed = Instant::now();
    eventually("a removal", || {
        beating(now());
        let answer = admin.delete("/services/obstinate").send();
        answer.status == 200
    });
    let back = admin.wait_for("/services/obstinate", |answer| {
        beating(now());
        answer.status == 200
    });
    assert!(removed.elapsed() >= lease);
    assert_eq!(back.body["instances"][0]["origin"], "beat");
    let ignored = "ignored a beat of obstinate/default: the service was deleted";
    shared().wait_for_log(ignored, 1);
}

pub(crate) fn a_component_that_is_removed_answers_503_and_comes_back_after_its_lease() {
    let lattice = Lattice::start();
    let admin = lattice.admin();
    admin.get("/products").send().expect(200);
    let removed = Instant::now();
    admin.delete("/services/product").send().expect(200);

    let answer = admin.get("/products").send();
    let answer = answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    let ready = lattice.anonymous().get("/health/ready").send();
    let ready = ready.problem(503, "unavailable");
    assert_eq!(ready.body["detail"], "Not there yet: product.");
    lattice.anonymous().get("/health/live").send().expect(200);

    admin.wait_for("/health/ready", |answer| answer.status == 200);
    // A lease is three intervals of five seconds.
    assert!(removed.elapsed() >= Duration::from_secs(15));
    admin.get("/products").send().expect(200);
    let shown = admin.get("/services/product").send().expect(200);
    assert_eq!(shown.body["instances"][0]["origin"], "beat");

    // An operator need not wait.
    admin.delete("/services/product").send().expect(200);
    admin.get("/products").send().problem(503, "unavailable");
    let body = json!({"id": "product", "url": "lattice://default/product"});
    admin.post("/services", &body).send().expect(201);
    admin.get("/products").send().expect(200);
}
