//! An entry as it is stored and shown, and the draft that a client sends.

use serde::Serialize;
use serde_json::Value;
use stoa_kit::{Form, Id, Problem, Timestamp};

use crate::fields::{Text, Title};

/// An entry, with its fields in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Entry {
    pub(crate) id: Id,
    /// The account that wrote it.
    pub(crate) author: String,
    pub(crate) title: Title,
    pub(crate) text: Text,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) version: i64,
}

/// What a client may write.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    pub(crate) title: Title,
    pub(crate) text: Text,
}

impl Draft {
    /// Reads a new entry; fields left out or null take their defaults.
    ///
    /// Errors: `invalid` (422) with one entry for each field that is wrong; its
    /// code is `read_only` for fields only the server sets.
    pub(crate) fn read(body: Value) -> Result<Self, Problem> {
        let mut form = Form::of_resource(body)?;
        let title = form.required("title");
        let text = form.or("text", Text::default());
        form.complete(|| {
            Some(Self {
                title: title?,
                text: text?,
            })
        })
    }
}

/// The id in a path.
///
/// Errors: `not_found` (404) for anything that is no UUID.
pub(crate) fn parse_id(id: &str) -> Result<Id, Problem> {
    Id::parse(id, "entry")
}

/// 404, in the words of [`parse_id`].
pub(crate) fn not_found() -> Problem {
    Problem::not_found("There is no entry with this id.")
}
