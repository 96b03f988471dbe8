//! `POST /products`

use serde_json::{Value, json};

use super::{at_once, count, draft, path, shown, stored};
use crate::shared;

pub(crate) fn a_created_product_is_where_location_says() {
    let given = json!({
        "sku": "CREATE-FULL",
        "slug": "create-full",
        "name": "Crème brûlée ☕",
        "description": "Two\nlines.",
        "status": "published",
        "price": {"amount": 1999, "currency": "EUR"},
        "stock": 7,
        "images": [{"url": "https://img.example.com/a.jpg", "alt": "A"}],
        "attributes": {"size": 42, "tags": ["a", {"b": null}]},
    });
    let created = shared()
        .admin()
        .post("/products", &given)
        .send()
        .expect(201);
    assert_eq!(created.header("etag"), "\"1\"");
    assert_eq!(created.header("content-type"), "application/json");
    assert_eq!(created.header("location"), path(&created.body));
    for (name, value) in given.as_object().expect("an object") {
        assert_eq!(created.body[name], *value, "{name}");
    }
    assert_eq!(created.body["version"], 1);
    assert_eq!(created.body["created"], created.body["updated"]);
    let id = created.body["id"].as_str().expect("an id");
    assert_eq!((id.len(), id.as_bytes()[14]), (36, b'7'), "{id}");

    let location = created.header("location");
    for client in [shared().anonymous(), shared().admin()] {
        let shown = client.get(location).send().expect(200);
        assert_eq!(shown.text, created.text);
        assert_eq!(shown.header("etag"), "\"1\"");
    }
}

pub(crate) fn what_is_left_out_or_null_takes_its_default() {
    let admin = shared().admin();
    let price = json!({"amount": 0, "currency": "JPY"});
    let least = json!({"sku": "CREATE-LEAST", "name": "Create least", "price": price});
    let nulls = json!({"sku": "CREATE-NULLS", "name": "Create nulls", "price": price,
        "slug": null, "description": null, "status": null, "stock": null, "images": null,
        "attributes": null});
    for (given, slug) in [(least, "create-least"), (nulls, "create-nulls")] {
        let product = admin.post("/products", &given).send().expect(201).body;
        assert_eq!(product["slug"], slug);
        assert_eq!(product["description"], "");
        assert_eq!(product["status"], "draft");
        assert_eq!(product["stock"], 0);
        assert_eq!(product["images"], json!([]));
        assert_eq!(product["attributes"], json!({}));
    }
}

pub(crate) fn every_wrong_field_is_named_at_once() {
    let given = json!({
        "sku": "no spaces",
        "slug": "Not-A-Slug",
        "name": "",
        "description": 1,
        "status": "sold",
        "price": {"amount": -1, "currency": "euro", "tax": 19},
        "stock": 1.5,
        "images": [{"url": "ftp://a/b"}, {"alt": "no url"}],
        "attributes": [],
        "colour": "blue",
        "a/b~c": 1,
    });
    let answer = shared().admin().post("/products", &given).send();
    answer.problem(422, "invalid").names(&[
        ("/sku", "format"),
        ("/slug", "format"),
        ("/name", "length"),
        ("/description", "type"),
        ("/status", "value"),
        ("/price/amount", "range"),
        ("/price/currency", "currency"),
        ("/price/tax", "unknown"),
        ("/stock", "type"),
        ("/images/0/url", "format"),
        ("/images/1/url", "required"),
        ("/attributes", "type"),
        ("/colour", "unknown"),
        ("/a~1b~0c", "unknown"),
    ]);
    let answer = shared().admin().post("/products", &json!({})).send();
    answer.problem(422, "invalid").names(&[
        ("/sku", "required"),
        ("/name", "required"),
        ("/price", "required"),
    ]);
}

pub(crate) fn a_body_that_is_no_object_is_refused() {
    for body in [json!([]), json!("a"), json!(1), json!(true), Value::Null] {
        let answer = shared().admin().post("/products", &body).send();
        answer.problem(422, "invalid").names(&[("", "type")]);
    }
}

pub(crate) fn what_only_the_server_sets_is_read_only() {
    let given = draft(
        "CREATE-OWNED",
        &json!({"id": "0195c9d2-7c1e-7b4a-9d1c-2f6f3f0a1b2c", "created": null,
            "updated": "2026-03-01T12:00:00Z", "version": 7}),
    );
    let answer = shared().admin().post("/products", &given).send();
    answer.problem(422, "invalid").names(&[
        ("/id", "read_only"),
        ("/created", "read_only"),
        ("/updated", "read_only"),
        ("/version", "read_only"),
    ]);
    assert_eq!(count("CREATE-OWNED"), 0);
}

pub(crate) fn every_field_takes_its_largest_value() {
    let image = json!({"url": format!("https://a.example/{}", "p".repeat(2030)),
        "alt": "é".repeat(300)});
    let sku = format!("CREATE-LARGEST.{}", "s_".repeat(24) + "z");
    let given = draft(
        &sku,
        &json!({
            "slug": "z".repeat(128),
            "name": "é".repeat(200),
            "description": "🍵".repeat(10_000),
            "price": {"amount": 1_000_000_000_000_i64, "currency": "KWD"},
            "stock": 1_000_000_000,
            "images": vec![image; 20],
            "attributes": {"k".repeat(64): [[[["deep enough"]]]], "text": "t".repeat(16_000)},
        }),
    );
    assert_eq!(sku.len(), 64);
    let created = shared()
        .admin()
        .post("/products", &given)
        .send()
        .expect(201);
    for (name, value) in given.as_object().expect("an object") {
        assert_eq!(created.body[name], *value, "{name}");
    }
}

pub(crate) fn a_value_beyond_its_bounds_is_refused() {
    let image = json!({"url": "https://a.example/"});
    for (field, value, pointer, code) in [
        ("sku", json!("s".repeat(65)), "/sku", "length"),
        ("sku", json!(""), "/sku", "length"),
        ("sku", json!("é"), "/sku", "format"),
        ("sku", json!("a\u{0}b"), "/sku", "characters"),
        ("slug", json!("z".repeat(129)), "/slug", "length"),
        ("slug", json!("a--b"), "/slug", "format"),
        ("slug", json!("-a"), "/slug", "format"),
        ("name", json!("n".repeat(201)), "/name", "length"),
        ("name", json!(" \u{3000}"), "/name", "blank"),
        ("name", json!("two\nlines"), "/name", "characters"),
        (
            "description",
            json!("d".repeat(10_001)),
            "/description",
            "length",
        ),
        ("description", json!("\u{0}"), "/description", "characters"),
        ("price", json!(1999), "/price", "type"),
        (
            "price",
            json!({"amount": 1, "currency": "XXX"}),
            "/price/currency",
            "currency",
        ),
        (
            "price",
            json!({"amount": 1_000_000_000_001_i64, "currency": "EUR"}),
            "/price/amount",
            "range",
        ),
        (
            "price",
            json!({"amount": u64::MAX, "currency": "EUR"}),
            "/price/amount",
            "range",
        ),
        (
            "price",
            json!({"amount": 19.99, "currency": "EUR"}),
            "/price/amount",
            "type",
        ),
        (
            "price",
            json!({"amount": "1999", "currency": "EUR"}),
            "/price/amount",
            "type",
        ),
        ("stock", json!(-1), "/stock", "range"),
        ("stock", json!(1_000_000_001), "/stock", "range"),
        ("status", json!("Published"), "/status", "value"),
        ("images", json!(vec![image; 21]), "/images", "length"),
        (
            "images",
            json!([{"url": "javascript:alert(1)"}]),
            "/images/0/url",
            "format",
        ),
        (
            "images",
            json!([{"url": "https://user:pass@a.example/"}]),
            "/images/0/url",
            "format",
        ),
        (
            "images",
            json!([{"url": "https://a.example/", "alt": "a".repeat(301)}]),
            "/images/0/alt",
            "length",
        ),
        (
            "attributes",
            json!({"a": [[[[[]]]]]}),
            "/attributes/a/0/0/0/0",
            "depth",
        ),
        ("attributes", json!({"": 1}), "/attributes/", "length"),
        (
            "attributes",
            json!({"k".repeat(65): 1}),
            &format!("/attributes/{}", "k".repeat(65)),
            "length",
        ),
        (
            "attributes",
            json!({"text": "t".repeat(16 * 1024)}),
            "/attributes",
            "size",
        ),
    ] {
        let given = draft("CREATE-BEYOND", &json!({ field: value }));
        let answer = shared().admin().post("/products", &given).send();
        answer.problem(422, "invalid").names(&[(pointer, code)]);
    }
    assert_eq!(count("CREATE-BEYOND"), 0);
}

pub(crate) fn a_taken_sku_is_a_conflict() {
    let first = stored("CREATE-TAKEN", &json!({}));
    let again = draft("CREATE-TAKEN", &json!({"name": "Another one"}));
    let answer = shared().admin().post("/products", &again).send();
    answer
        .problem(409, "sku_taken")
        .names(&[("/sku", "sku_taken")]);
    assert_eq!(shown(&path(&first)).body, first);
    assert_eq!(count("CREATE-TAKEN"), 1);
}

pub(crate) fn a_taken_slug_is_a_conflict_and_a_taken_name_is_none() {
    let admin = shared().admin();
    stored("CREATE-SLUG-1", &json!({"name": "Create slug"}));
    let asked = draft("CREATE-SLUG-2", &json!({"slug": "create-slug"}));
    let answer = admin.post("/products", &asked).send();
    answer
        .problem(409, "slug_taken")
        .names(&[("/slug", "slug_taken")]);
    assert_eq!(count("CREATE-SLUG-2"), 0);

    let namesake = stored("CREATE-SLUG-3", &json!({"name": "Create slug"}));
    let slug = namesake["slug"].as_str().expect("a slug");
    let suffix = slug
        .strip_prefix("create-slug-")
        .expect("a slug of the name");
    assert!(namesake["id"].as_str().expect("an id").ends_with(suffix));
}

pub(crate) fn of_two_creates_with_one_sku_at_the_same_time_one_wins() {
    for round in 0..10 {
        let sku = format!("CREATE-RACE-{round}");
        let admin = shared().admin();
        let create = || {
            let (admin, draft) = (admin.clone(), draft(&sku, &json!({})));
            move || admin.post("/products", &draft).send()
        };
        let mut answers = at_once(vec![create(), create()]);
        answers.sort_by_key(|answer| answer.status);
        let [winner, loser] = <[_; 2]>::try_from(answers).expect("two answers");
        let winner = winner.expect(201);
        loser
            .problem(409, "sku_taken")
            .names(&[("/sku", "sku_taken")]);
        assert_eq!(shown(&path(&winner.body)).body, winner.body);
        assert_eq!(count(&sku), 1);
    }
}

pub(crate) fn of_many_creates_with_one_name_at_the_same_time_each_gets_a_slug() {
    let admin = shared().admin();
    let create = |number| {
        let sku = format!("CREATE-NAMESAKE-{number}");
        let draft = draft(&sku, &json!({"name": "Create namesake"}));
        let admin = admin.clone();
        move || admin.post("/products", &draft).send().expect(201).body["slug"].to_string()
    };
    let mut slugs = at_once((0..8).map(create).collect());
    slugs.sort();
    slugs.dedup();
    assert_eq!(slugs.len(), 8);
}

pub(crate) fn nobody_creates_without_a_token() {
    let given = draft("CREATE-ANONYMOUS", &json!({}));
    let answer = shared().anonymous().post("/products", &given).send();
    let answer = answer.problem(401, "unauthorized");
    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"stoa\"");
    assert_eq!(count("CREATE-ANONYMOUS"), 0);
}
