//! `GET /products/{id}`

use serde_json::json;

use super::{path, stored};
use crate::shared;

pub(crate) fn what_everybody_sees_may_be_cached_and_what_administrators_see_may_not() {
    let product = stored("SHOW-CACHE", &json!({}));
    let public = shared().anonymous().get(&path(&product)).send().expect(200);
    let private = shared().admin().get(&path(&product)).send().expect(200);
    assert_eq!(public.text, private.text);
    assert_eq!(
        public.header("cache-control"),
        "public, max-age=60, stale-while-revalidate=300"
    );
    assert_eq!(private.header("cache-control"), "private, no-store");
    for answer in [public, private] {
        let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
        assert_eq!(vary, ["authorization", "origin"]);
    }
}

pub(crate) fn a_draft_is_not_found_by_the_public() {
    let draft = stored("SHOW-DRAFT", &json!({"status": "draft"}));
    shared().admin().get(&path(&draft)).send().expect(200);
    let anonymous = shared().anonymous();
    let hidden = anonymous.get(&path(&draft)).send();
    let hidden = hidden.problem(404, "not_found");
    // Not even the entity tag tells that it is there.
    let guess = anonymous
        .get(&path(&draft))
        .header("if-none-match", "\"1\"")
        .send();
    guess.problem(404, "not_found");
    let missing = anonymous
        .get("/products/0195c9d2-7c1e-7b4a-9d1c-2f6f3f0a1b2c")
        .send();
    let missing = missing.problem(404, "not_found");
    assert_eq!(hidden.body["detail"], missing.body["detail"]);
}

pub(crate) fn a_text_that_is_no_id_names_no_product() {
    for id in [
        "1",
        "x",
        "0195c9d27c1e7b4a9d1c2f6f3f0a1b2c",
        "%7B0195c9d2-7c1e-7b4a-9d1c-2f6f3f0a1b2c%7D",
        "0195c9d2-7c1e-7b4a-9d1c-2f6f3f0a1b2",
        "0195c9d2-7c1e-7b4a-9d1c-2f6f3f0a1b2g",
        "%27%20OR%201=1%20--",
        "%F0%9F%8D%B5",
        "create",
    ] {
        for client in [shared().anonymous(), shared().admin()] {
            let answer = client.get(&format!("/products/{id}")).send();
            answer.problem(404, "not_found");
        }
    }
}

pub(crate) fn who_has_the_current_version_gets_304() {
    let product = stored("SHOW-CURRENT", &json!({}));
    let anonymous = shared().anonymous();
    let ask = |tags: &str| {
        let request = anonymous.get(&path(&product));
        request.header("if-none-match", tags).send()
    };
    for tags in ["\"1\"", "W/\"1\"", "\"0\", \"1\"", "*"] {
        let answer = ask(tags).expect(304);
        assert_eq!(answer.text, "");
        assert_eq!(answer.header("etag"), "\"1\"");
        assert!(answer.header("cache-control").starts_with("public"));
        assert_eq!(answer.header("content-type"), "");
        assert_eq!(answer.header("content-length"), "");
    }
    for tags in ["\"2\"", "1", "\"11\"", "\"\"", "nonsense"] {
        assert_eq!(ask(tags).expect(200).body, product);
    }
    let patch = shared()
        .admin()
        .patch(&path(&product), &json!({"stock": 1}));
    patch.send().expect(200);
    assert_eq!(ask("\"1\"").expect(200).header("etag"), "\"2\"");
    ask("\"2\"").expect(304);
}
