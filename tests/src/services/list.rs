//! `GET /services` and `GET /services/{id}`, and who may ask.

use std::time::Duration;

use serde_json::{Value, json};
use stoa_harness::{Answer, Client, patience, root};

use crate::shared;

/// A service that was just heard of: less than three beats ago, after which it
/// would be gone.
const FRESH: Duration = Duration::from_secs(12);

pub(crate) fn every_component_says_where_it_is_and_what_runs() {
    let listed = shared().admin().get("/services").send().expect(200);
    assert_eq!(listed.header("cache-control"), "no-store");
    assert_eq!(listed.body["next"], Value::Null);
    let services = listed.body["data"].as_array().expect("a page");
    let ids: Vec<_> = services.iter().map(|service| &service["id"]).collect();
    assert!(ids.is_sorted_by_key(|id| id.as_str()), "{ids:?}");
    for id in ["account", "auth", "email", "gateway", "product", "registry"] {
        let path = format!("/services/{id}");
        let service = shared().admin().wait_for(&path, is_fresh).body;
        assert!(ids.contains(&&json!(id)), "{id} is not in {ids:?}");
        assert_eq!(service["url"], format!("lattice://default/{id}"));
        let instances = service["instances"].as_array().expect("instances");
        assert_eq!(instances.len(), 1, "{service}");
        let instance = &instances[0];
        assert_eq!(instance["instance"], "default");
        assert_eq!(instance["url"], service["url"]);
        assert_eq!(instance["origin"], "beat");
        assert_eq!(instance["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(instance["digest"], format!("sha256:{}", built_digest(id)));
        assert!(instance["expires"].is_string(), "{service}");
    }
}

fn is_fresh(service: &Answer) -> bool {
    let age = service.body["instances"][0]["age_ms"].as_u64();
    age.is_some_and(|age| u128::from(age) < patience(FRESH).as_millis())
}

/// The digest that the build wrote into a component's file.
fn built_digest(component: &str) -> String {
    let file = root().join(format!("target/stoa/{component}.wasm"));
    let wasm = std::fs::read(file).expect("the component is built");
    let marker = b"stoa-content-digest:";
    let digests = wasm.windows(marker.len() + 64).filter_map(|window| {
        let digest = str::from_utf8(window.strip_prefix(marker)?).ok()?;
        let is_hex = digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| digest.to_owned())
    });
    let digests: Vec<_> = digests.collect();
    assert_eq!(digests.len(), 1, "one digest in {component}: {digests:?}");
    digests.concat()
}

pub(crate) fn the_list_has_no_parameters() {
    let answer = shared().admin().get("/services?limit=1").send();
    answer
        .problem(400, "invalid_query")
        .names(&[("limit", "unknown")]);
}

pub(crate) fn a_service_that_is_not_known_is_404() {
    for id in ["nobody", "Nobody", "no_body", &"n".repeat(64), "n.b"] {
        let path = format!("/services/{id}");
        shared().admin().get(&path).send().problem(404, "not_found");
        let removed = shared().admin().delete(&path).send();
        removed.problem(404, "not_found");
    }
}

pub(crate) fn services_are_for_administrators() {
    let stranger = Client::new(
        &format!("http://{}", shared().address()),
        Some("0".repeat(64)),
    );
    for (method, path) in [
        ("GET", "/services"),
        ("POST", "/services"),
        ("GET", "/services/product"),
        ("DELETE", "/services/product"),
    ] {
        let anonymous = shared().anonymous().request(method, path).send();
        let answer = anonymous.problem(401, "unauthorized");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
        let answer = stranger.request(method, path).send();
        answer.problem(401, "invalid_token");
    }
    let product = shared().admin().get("/services/product").send();
    product.expect(200);
}

pub(crate) fn other_methods_are_told_which_there_are() {
    for (method, path, allow) in [
        ("PUT", "/services", "GET, HEAD, POST, OPTIONS"),
        ("DELETE", "/services", "GET, HEAD, POST, OPTIONS"),
        ("POST", "/services/product", "GET, HEAD, DELETE, OPTIONS"),
        ("PATCH", "/services/product", "GET, HEAD, DELETE, OPTIONS"),
    ] {
        let answer = shared().admin().request(method, path).send();
        let answer = answer.problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
}
