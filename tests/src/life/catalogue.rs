//! Products written and read back.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stoa_harness::Client;

/// A product's draft.
pub(crate) fn draft(sku: &str) -> Value {
    json!({"sku": sku, "name": format!("Product {sku}"), "status": "published",
        "price": {"amount": 1999, "currency": "EUR"}})
}

/// Creates products, and returns all that are there.
pub(crate) fn create(admin: &Client, count: usize) -> BTreeMap<String, Value> {
    for number in 0..count {
        let draft = draft(&format!("LIFE-{number:03}"));
        admin.post("/products", &draft).send().expect(201);
    }
    let products = catalogue(admin);
    assert_eq!(products.len(), count);
    products
}

/// All products, by SKU; none twice.
pub(crate) fn catalogue(client: &Client) -> BTreeMap<String, Value> {
    let mut products = BTreeMap::new();
    let mut path = "/products?limit=100&sort=created".to_owned();
    loop {
        let page = client.wait_for(&path, |answer| answer.status == 200).body;
        for product in page["data"].as_array().expect("a page") {
            let sku = product["sku"].as_str().expect("a SKU").to_owned();
            let twin = products.insert(sku, product.clone());
            assert_eq!(twin, None);
        }
        let Some(next) = page["next"].as_str() else {
            return products;
        };
        path = format!("/products?limit=100&sort=created&cursor={next}");
    }
}
