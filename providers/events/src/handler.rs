//! Handlers: who they are, and how they are called. Nothing here knows of a
//! wire: [`Target`] is whatever can be called.

use std::future::Future;

use serde::{Deserialize, Serialize};

use crate::event::Event;

/// Whom events are brought to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Handler {
    /// The component's id.
    pub component: String,
    /// The link's name.
    pub link: String,
}

impl Handler {
    /// The name of the durable consumer that stands for it on the broker:
    /// `<component>__<link>`. What is neither a letter nor a digit nor `-` is
    /// written as `_` and two hex digits, so that no two have the same name.
    pub fn consumer(&self) -> String {
        format!("{}__{}", escaped(&self.component), escaped(&self.link))
    }
}

fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
        other => format!("_{other:02x}"),
    };
    text.bytes().map(escape).collect()
}

/// Why an event was not handled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The component was not reached, or did not return.
    #[error("the call failed: {0}")]
    Call(String),
    /// The component says so.
    #[error("the component answers: {0}")]
    Component(String),
}

/// A component that can be told what happened.
pub trait Target: Send + Sync + 'static {
    /// Calls it.
    fn handle(&self, event: &Event) -> impl Future<Output = Result<(), Failure>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consumer(component: &str, link: &str) -> String {
        let (component, link) = (component.to_owned(), link.to_owned());
        Handler { component, link }.consumer()
    }

    #[test]
    fn a_consumer_is_named_after_component_and_link() {
        assert_eq!(consumer("email", "default"), "email__default");
        assert_eq!(consumer("stoa.email", "a b"), "stoa_2eemail__a_20b");
    }

    #[test]
    fn no_two_handlers_share_a_consumer() {
        assert_ne!(consumer("a_", "b"), consumer("a", "_b"));
        assert_ne!(consumer("a__b", "c"), consumer("a", "b__c"));
        assert_ne!(consumer("a_2e", "b"), consumer("a.", "b"));
    }
}
