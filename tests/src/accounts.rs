//! Accounts, over HTTP: one file for each route, for administrators. What owners
//! may do is in `auth::owner`.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod merge;
pub(crate) mod replace;
pub(crate) mod show;

use serde_json::{Value, json};
use stoa_harness::Answer;

use crate::shared;

/// No account has this id.
pub(crate) const NOBODY: &str = "/accounts/0195c9d2-7c1e-7b4a-9d1c-2f6f3f0a1b2c";

/// A draft with this address; `fields` come on top.
pub(crate) fn draft(email: &str, fields: &Value) -> Value {
    let mut draft = json!({ "email": email });
    for (name, value) in fields.as_object().into_iter().flatten() {
        draft[name] = value.clone();
    }
    draft
}

/// An account that was stored.
pub(crate) fn stored(email: &str, fields: &Value) -> Value {
    let created = shared().admin().post("/accounts", &draft(email, fields));
    created.send().expect(201).body
}

/// An administrator who stays, so that another one can leave.
pub(crate) fn admin_who_stays(email: &str) {
    stored(email, &json!({"roles": ["admin"]}));
}

/// Where an account is.
pub(crate) fn path(account: &Value) -> String {
    format!("/accounts/{}", account["id"].as_str().expect("an id"))
}

/// Where an account is as well.
pub(crate) fn alias(account: &Value) -> String {
    format!("/account/{}", account["id"].as_str().expect("an id"))
}

/// An account as it is now.
pub(crate) fn shown(path: &str) -> Answer {
    shared().admin().get(path).send().expect(200)
}

/// The accounts with this address; it has no character that a query escapes.
pub(crate) fn found(email: &str) -> Vec<Value> {
    let found = shared().admin().get(&format!("/accounts?email={email}"));
    let page = found.send().expect(200).body;
    assert_eq!(page["next"], Value::Null);
    page["data"].as_array().expect("a page").clone()
}
