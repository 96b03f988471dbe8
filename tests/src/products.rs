//! The catalogue, over HTTP.

use serde_json::json;

use crate::shared;

pub(crate) fn a_product_is_created_and_read_back() {
    let admin = shared().admin();
    let created = admin
        .post(
            "/products",
            &json!({"sku": "ROUND-TRIP", "name": "Round trip", "status": "published",
            "price": {"amount": 1999, "currency": "EUR"}}),
        )
        .send()
        .expect(201);
    let location = created.header("location").to_owned();
    let shown = shared().anonymous().get(&location).send().expect(200);
    assert_eq!(shown.body, created.body);
}
