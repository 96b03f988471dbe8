//! Whether the gateway runs, and whether the API is whole.

use serde_json::json;
use stoa_harness::Lattice;

use crate::shared;

pub(crate) fn a_gateway_that_runs_is_live_and_a_whole_api_is_ready() {
    let live = shared().anonymous().get("/health/live").send().expect(200);
    assert_eq!(live.body, json!({"status": "live"}));
    let ready = shared().anonymous().get("/health/ready").send().expect(200);
    let services = [
        "account", "auth", "email", "gateway", "payment", "product", "registry",
    ];
    let services = services.map(|service| (service.to_owned(), json!("live")));
    let services: serde_json::Map<_, _> = services.into_iter().collect();
    assert_eq!(ready.body, json!({"status": "ready", "services": services}));
    for answer in [live, ready] {
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

pub(crate) fn an_api_without_a_service_is_live_and_not_ready() {
    // Its beats are ignored for one lease, which nobody is slow enough to see
    // the end of.
    let beats = "- name: product-heartbeat\n                  properties:\n                    \
                 interval_ms: \"5000\"";
    let lattice = Lattice::start_with(&[(beats, &beats.replace("5000", "200000"))]);
    let (anonymous, admin) = (lattice.anonymous(), lattice.admin());
    admin.delete("/services/product").send().expect(200);

    let unready = anonymous.get("/health/ready").send();
    let unready = unready.problem(503, "unavailable");
    assert_eq!(unready.body["detail"], "Not there yet: product.");
    assert_eq!(unready.header("retry-after"), "1");
    anonymous.get("/health/live").send().expect(200);
    let products = anonymous.get("/products").send();
    let products = products.problem(503, "unavailable");
    assert_eq!(products.header("retry-after"), "1");
    // What it would say no to, it says no to all the same.
    let post = anonymous.post("/products", &json!({})).send();
    post.problem(401, "unauthorized");
    let brew = anonymous.request("BREW", "/products").send();
    brew.problem(405, "method_not_allowed");

    let back = json!({"id": "product", "url": "lattice://default/product"});
    admin.post("/services", &back).send().expect(201);
    anonymous.get("/health/ready").send().expect(200);
    anonymous.get("/products").send().expect(200);
}
