//! The routes, from request to SQL and back; lists are in `list/tests.rs`.

use serde_json::{Value, json};
use stoa_kit::Method;
use stoa_kit::problem::Place;

use crate::fixtures::{ask, create, draft, path};
use crate::memory;

#[test]
fn only_the_routes_there_are_answer() {
    memory::open();
    let problem = ask(Method::Put, "/products").by_admin().send().unwrap_err();
    assert_eq!(
        (problem.status(), problem.code()),
        (405, "method_not_allowed")
    );
    let problem = ask(Method::Post, "/products/x")
        .by_admin()
        .send()
        .unwrap_err();
    assert_eq!(
        (problem.status(), problem.code()),
        (405, "method_not_allowed")
    );
    assert_eq!(
        ask(Method::Get, "/products/x/y").send().unwrap_err().code(),
        "no_route"
    );
    assert_eq!(ask(Method::Get, "/").send().unwrap_err().code(), "no_route");
}

#[test]
fn writing_needs_an_administrator() {
    memory::open();
    let product = create(&draft("A", "Tea", 100));
    for (method, path) in [
        (Method::Post, "/products".to_owned()),
        (Method::Put, path(&product)),
        (Method::Patch, path(&product)),
        (Method::Delete, path(&product)),
    ] {
        assert_eq!(ask(method, &path).status(), 401, "{method:?}");
        assert_eq!(ask(method, &path).by_customer().status(), 403, "{method:?}");
    }
    assert_eq!(ask(Method::Get, &path(&product)).status(), 200);
}

#[test]
fn a_product_is_created_whole() {
    memory::open();
    let mut sent = draft("TEA-1", "Crème Tea", 1999);
    sent["description"] = json!("Two\nlines");
    sent["stock"] = json!(5);
    sent["images"] = json!([{"url": "https://example.com/1.png"}]);
    sent["attributes"] = json!({"origin": {"country": "JP"}, "grams": [50, 100], "loose": true});
    let response = ask(Method::Post, "/products")
        .by_admin()
        .json(&sent)
        .send()
        .unwrap();
    let product: Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(response.status, 201);
    assert_eq!(
        response.get_header("location"),
        Some(path(&product).as_str())
    );
    assert_eq!(response.get_header("etag"), Some("\"1\""));
    for name in [
        "sku",
        "name",
        "description",
        "status",
        "price",
        "stock",
        "attributes",
    ] {
        assert_eq!(product[name], sent[name], "{name}");
    }
    assert_eq!(product["slug"], "creme-tea");
    assert_eq!(
        product["images"],
        json!([{"url": "https://example.com/1.png", "alt": ""}])
    );
    assert_eq!(product["version"], 1);
    assert_eq!(product["created"], product["updated"]);
    assert_eq!(ask(Method::Get, &path(&product)).body(), product);
    assert_eq!(memory::calls(), 2, "one to create, one to show");
}

#[test]
fn a_derived_slug_gives_way_and_a_given_one_does_not() {
    memory::open();
    let slugs: Vec<_> = ["A", "B", "C"]
        .map(|sku| {
            create(&draft(sku, "Green Tea", 1))["slug"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .into();
    assert_eq!(memory::calls(), 3, "one call each, taken or not");
    assert_eq!(slugs[0], "green-tea");
    assert!(slugs[1].starts_with("green-tea-") && slugs[1].len() == "green-tea-".len() + 8);
    assert_ne!(slugs[1], slugs[2]);
    let mut taken = draft("D", "Tea", 1);
    taken["slug"] = json!("green-tea");
    let problem = ask(Method::Post, "/products")
        .by_admin()
        .json(&taken)
        .send()
        .unwrap_err();
    assert_eq!((problem.status(), problem.code()), (409, "slug_taken"));
    assert_eq!(
        problem.errors()[0].place,
        Place::Pointer("/slug".to_owned())
    );
}

#[test]
fn a_sku_is_taken_once() {
    memory::open();
    create(&draft("A", "Tea", 1));
    let other = create(&draft("B", "Cup", 1));
    let problem = ask(Method::Post, "/products")
        .by_admin()
        .json(&draft("A", "Pot", 1))
        .send();
    let problem = problem.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (409, "sku_taken"));
    assert_eq!(problem.errors()[0].place, Place::Pointer("/sku".to_owned()));
    let patch = ask(Method::Patch, &path(&other))
        .by_admin()
        .json(&json!({"sku": "A"}));
    assert_eq!(patch.send().unwrap_err().code(), "sku_taken");
    let put = ask(Method::Put, &path(&other))
        .by_admin()
        .json(&draft("A", "Cup", 1));
    assert_eq!(put.send().unwrap_err().code(), "sku_taken");
}

#[test]
fn a_draft_is_shown_to_administrators_only() {
    memory::open();
    let mut hidden = draft("A", "Tea", 1);
    hidden["status"] = json!("draft");
    let path = path(&create(&hidden));
    assert_eq!(
        ask(Method::Get, &path).send().unwrap_err().code(),
        "not_found"
    );
    assert_eq!(ask(Method::Get, &path).by_customer().status(), 404);
    assert_eq!(ask(Method::Get, &path).by_admin().status(), 200);
    for unknown in [
        "/products/x",
        "/products/00000000-0000-7000-8000-000000000000",
    ] {
        assert_eq!(ask(Method::Get, unknown).status(), 404);
    }
}

#[test]
fn put_replaces_everything_but_the_slug() {
    memory::open();
    let mut full = draft("A", "Tea", 100);
    full["description"] = json!("Good.");
    full["stock"] = json!(9);
    let product = create(&full);
    let put = || ask(Method::Put, &path(&product)).by_admin();
    let response = put().json(&draft("A", "Coffee", 200)).send().unwrap();
    assert_eq!(response.get_header("etag"), Some("\"2\""));
    let replaced: Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(replaced["name"], "Coffee");
    assert_eq!(
        (&replaced["description"], &replaced["stock"]),
        (&json!(""), &json!(0))
    );
    assert_eq!(
        (&replaced["slug"], &replaced["id"]),
        (&product["slug"], &product["id"])
    );
    assert_eq!(replaced["created"], product["created"]);

    let problem = put().json(&replaced).send().unwrap_err();
    let refused: Vec<_> = problem.errors().iter().map(|error| error.code).collect();
    assert_eq!(refused, ["read_only"; 4]);
    let missing = ask(
        Method::Put,
        "/products/00000000-0000-7000-8000-000000000000",
    );
    assert_eq!(missing.by_admin().json(&draft("Z", "Z", 1)).status(), 404);
}

#[test]
fn if_match_guards_every_write() {
    memory::open();
    let product = create(&draft("A", "Tea", 100));
    let path = path(&product);
    let body = draft("A", "Tea", 200);
    for method in [Method::Put, Method::Patch, Method::Delete] {
        let stale = ask(method, &path)
            .by_admin()
            .json(&body)
            .header("if-match", "\"7\"");
        let problem = stale.send().unwrap_err();
        assert_eq!(
            (problem.status(), problem.code()),
            (412, "version_mismatch"),
            "{method:?}"
        );
        let odd = ask(method, &path)
            .by_admin()
            .json(&body)
            .header("if-match", "7");
        assert_eq!(odd.send().unwrap_err().code(), "invalid_header");
    }
    for (version, method) in [("\"1\"", Method::Put), ("\"2\"", Method::Patch)] {
        let current = ask(method, &path)
            .by_admin()
            .json(&body)
            .header("if-match", version);
        assert_eq!(current.status(), 200, "{method:?}");
    }
    let delete = || {
        ask(Method::Delete, &path)
            .by_admin()
            .header("if-match", "\"3\"")
    };
    assert_eq!(delete().status(), 204);
    assert_eq!(delete().status(), 404);
    assert_eq!(
        ask(Method::Patch, &path)
            .by_admin()
            .json(&json!({}))
            .status(),
        404
    );
}

#[test]
fn a_patch_that_lost_the_race_is_applied_to_what_won() {
    memory::open();
    let product = create(&draft("A", "Tea", 100));
    let patch = |stock: i64| {
        let body = json!({"stock": stock});
        ask(Method::Patch, &path(&product)).by_admin().json(&body)
    };
    memory::interfere(["UPDATE products SET price_amount = 5, version = version + 1"]);
    let patched = patch(1).body();
    assert_eq!(
        (&patched["stock"], &patched["price"]["amount"]),
        (&json!(1), &json!(5))
    );
    assert_eq!(patched["version"], 3);

    memory::interfere(["UPDATE products SET version = version + 1"]);
    let guarded = patch(2).header("if-match", "\"3\"").send().unwrap_err();
    assert_eq!(guarded.code(), "version_mismatch");

    memory::interfere(["UPDATE products SET version = version + 1"; 31]);
    assert_eq!(patch(2).status(), 200);
    memory::interfere(["UPDATE products SET version = version + 1"; 32]);
    assert_eq!(patch(3).status(), 503);
    memory::interfere(["DELETE FROM products"]);
    assert_eq!(patch(2).status(), 404);
}

#[test]
fn a_deleted_product_is_gone() {
    memory::open();
    let product = create(&draft("A", "Tea", 100));
    let delete = || ask(Method::Delete, &path(&product)).by_admin();
    assert_eq!(delete().status(), 204);
    assert_eq!(delete().send().unwrap_err().code(), "not_found");
    assert_eq!(ask(Method::Get, &path(&product)).by_admin().status(), 404);
    create(&draft("A", "Tea", 100));
}
