//! For tests: requests to the accounts, and accounts.

use serde_json::{Value, json};
use stoa_kit::{Method, Role};

use crate::Account;

/// The auth service, which remembers what it was told.
pub(crate) mod auth {
    use std::cell::RefCell;

    thread_local! {
        static TOLD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    pub(crate) fn end_all(account: &str) {
        TOLD.with_borrow_mut(|told| told.push(format!("end all of {account}")));
    }

    pub(crate) fn forget(account: &str) {
        TOLD.with_borrow_mut(|told| told.push(format!("forget {account}")));
    }

    /// What it was told since this was asked last.
    pub(crate) fn told() -> Vec<String> {
        TOLD.take()
    }
}

/// A request that is being put together.
pub(crate) type Ask = stoa_fixtures::Ask<Account>;

/// An anonymous request.
pub(crate) fn ask(method: Method, path: &str) -> Ask {
    Ask::new(method, path)
}

/// A request by an account for itself, with the roles it has.
pub(crate) fn ask_as(account: &Value, method: Method, path: &str) -> Ask {
    let roles: &[Role] = if account["roles"][0] == "admin" {
        &[Role::Admin, Role::Customer]
    } else {
        &[Role::Customer]
    };
    ask(method, path).by(account["id"].as_str().unwrap(), roles)
}

/// Creates an account with an address and `fields` on top; returns it.
pub(crate) fn create(email: &str, fields: &Value) -> Value {
    let mut draft = json!({"email": email});
    for (name, value) in fields.as_object().unwrap() {
        draft[name] = value.clone();
    }
    ask(Method::Post, "/accounts")
        .by_admin()
        .json(&draft)
        .body()
}

/// A customer, as most accounts are.
pub(crate) fn customer(email: &str) -> Value {
    create(email, &json!({}))
}

/// An administrator.
pub(crate) fn admin(email: &str) -> Value {
    create(email, &json!({"roles": ["admin", "customer"]}))
}

/// The path of an account.
pub(crate) fn path(account: &Value) -> String {
    format!("/accounts/{}", account["id"].as_str().unwrap())
}
