//! The component's configuration (`wasi:config`), as the manifest names it.

use crate::bindings::wasi::config::store;

/// A configuration value; `None` when it is not set or empty.
pub fn get(key: &str) -> Option<String> {
    store::get(key)
        .ok()
        .flatten()
        .filter(|value| !value.is_empty())
}
