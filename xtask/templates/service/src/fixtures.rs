//! For tests: requests to the service, and entries.

use serde_json::{Value, json};
use stoa_kit::{Method, Role};

/// A request that is being put together.
pub(crate) type Ask = stoa_fixtures::Ask<crate::NewService>;

/// An anonymous request.
pub(crate) fn ask(method: Method, path: &str) -> Ask {
    Ask::new(method, path)
}

/// A request by the customer with this account.
pub(crate) fn ask_as(account: &str, method: Method, path: &str) -> Ask {
    ask(method, path).by(account, &[Role::Customer])
}

/// Creates an entry with a title; returns it.
pub(crate) fn create(author: &str, title: &str) -> Value {
    let draft = json!({ "title": title });
    ask_as(author, Method::Post, "/new-service")
        .json(&draft)
        .body()
}

/// The path of an entry.
pub(crate) fn path(entry: &Value) -> String {
    format!("/new-service/{}", entry["id"].as_str().unwrap())
}
