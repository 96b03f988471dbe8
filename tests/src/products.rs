//! The catalogue, over HTTP: one file for each route.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod merge;
pub(crate) mod replace;
pub(crate) mod show;

use std::thread::ScopedJoinHandle;

use serde_json::{Value, json};
use stoa_harness::{Answer, until};

use crate::shared;

/// A draft with this SKU, of a published product; `fields` come on top.
pub(crate) fn draft(sku: &str, fields: &Value) -> Value {
    let mut draft = json!({
        "sku": sku,
        "name": "A thing",
        "status": "published",
        "price": {"amount": 1000, "currency": "EUR"},
    });
    for (name, value) in fields.as_object().into_iter().flatten() {
        draft[name] = value.clone();
    }
    draft
}

/// A product that was stored. A call that got lost may have come through.
pub(crate) fn stored(sku: &str, fields: &Value) -> Value {
    let admin = shared().admin();
    let draft = draft(sku, fields);
    until("a product", || {
        let lost = match admin.post("/products", &draft).try_send() {
            Ok(created) if created.status != 503 => return Ok(created.expect(201).body),
            lost => Box::new(lost),
        };
        let found = admin.get(&format!("/products?q={sku}")).send().expect(200);
        let found = found.body["data"].as_array().cloned().unwrap_or_default();
        found
            .into_iter()
            .find(|found| found["sku"] == sku)
            .ok_or(lost)
    })
}

/// Where a product is.
pub(crate) fn path(product: &Value) -> String {
    format!("/products/{}", product["id"].as_str().expect("an id"))
}

/// A product as administrators see it now.
pub(crate) fn shown(path: &str) -> Answer {
    shared().admin().get(path).send().expect(200)
}

/// How many products have this SKU or a longer one.
pub(crate) fn count(sku: &str) -> usize {
    let found = shared().admin().get(&format!("/products?q={sku}")).send();
    found.expect(200).body["data"]
        .as_array()
        .expect("a page")
        .len()
}

/// What each of these threads comes to, started at the same time.
pub(crate) fn at_once<T: Send>(acts: Vec<impl FnOnce() -> T + Send>) -> Vec<T> {
    let start = std::sync::Barrier::new(acts.len());
    std::thread::scope(|scope| {
        let threads: Vec<_> = acts
            .into_iter()
            .map(|act| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    act()
                })
            })
            .collect();
        let ended = threads.into_iter().map(ScopedJoinHandle::join);
        ended.map(|end| end.expect("a thread's end")).collect()
    })
}
