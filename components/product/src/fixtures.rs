//! For tests: requests to the catalogue, and products.

use serde_json::{Value, json};
use stoa_kit::Method;

use crate::Product;

/// A request that is being put together.
pub(crate) type Ask = stoa_fixtures::Ask<Product>;

/// An anonymous request.
pub(crate) fn ask(method: Method, path: &str) -> Ask {
    Ask::new(method, path)
}

/// A published product as an administrator sends it.
pub(crate) fn draft(sku: &str, name: &str, amount: i64) -> Value {
    json!({
        "sku": sku,
        "name": name,
        "status": "published",
        "price": {"amount": amount, "currency": "EUR"},
    })
}

/// Creates a product; returns it.
pub(crate) fn create(draft: &Value) -> Value {
    ask(Method::Post, "/products").by_admin().json(draft).body()
}

/// The path of a product.
pub(crate) fn path(product: &Value) -> String {
    format!("/products/{}", product["id"].as_str().unwrap())
}
