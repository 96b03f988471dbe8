//! `GET /accounts/{id}`

use serde_json::json;

use super::{NOBODY, alias, path, shown, stored};
use crate::shared;

pub(crate) fn an_account_is_at_both_paths_and_kept_by_no_cache() {
    let account = stored("show.both@example.com", &json!({"name": "Ann"}));
    for path in [path(&account), alias(&account)] {
        let shown = shown(&path);
        assert_eq!(shown.body, account);
        assert_eq!(shown.header("etag"), "\"1\"");
        assert_eq!(shown.header("cache-control"), "private, no-store");
    }
}

pub(crate) fn without_a_token_nothing_tells_who_is_there() {
    let account = stored("show.anonymous@example.com", &json!({}));
    let anonymous = shared().anonymous();
    let there = anonymous.get(&path(&account)).send();
    let there = there.problem(401, "unauthorized");
    let missing = anonymous.get(NOBODY).send().problem(401, "unauthorized");
    assert_eq!(there.body["detail"], missing.body["detail"]);
}

pub(crate) fn a_text_that_is_no_id_names_no_account() {
    for id in [
        "1",
        "me",
        "0195c9d27c1e7b4a9d1c2f6f3f0a1b2c",
        "0195c9d2-7c1e-7b4a-9d1c-2f6f3f0a1b2g",
        "show.both@example.com",
        "%27%20OR%201=1%20--",
    ] {
        for path in ["/accounts", "/account"] {
            let answer = shared().admin().get(&format!("{path}/{id}")).send();
            answer.problem(404, "not_found");
        }
    }
}

pub(crate) fn who_has_the_current_version_gets_304() {
    let account = stored("show.current@example.com", &json!({}));
    let ask = |tag: &str| {
        let request = shared().admin().get(&path(&account));
        request.header("if-none-match", tag).send()
    };
    let answer = ask("\"1\"").expect(304);
    assert_eq!(answer.text, "");
    assert_eq!(answer.header("cache-control"), "private, no-store");
    assert_eq!(ask("\"2\"").expect(200).body, account);
}
