//! The fields of an entry, as types that cannot be wrong.

use serde::Serialize;
use serde_json::Value;
use stoa_kit::Field;
use stoa_kit::form::{self, Errors};

/// What it is about: 1 to 200 characters in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Title(pub(crate) String);

impl Field for Title {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        let title = form::text(value, 1, 200, errors)?;
        if title.chars().any(char::is_control) {
            return errors.refuse("characters", "must be one line without tabs");
        }
        if title.trim().is_empty() {
            return errors.refuse("blank", "must not be blank");
        }
        Some(Self(title))
    }
}

/// What it says: up to 10,000 characters. A page of a hundred fits into what
/// the database gives at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Text(pub(crate) String);

impl Field for Text {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        form::text(value, 0, 10_000, errors).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stoa_fixtures::field_code as code;

    use super::*;

    #[test]
    fn a_title_is_one_line_of_text() {
        assert_eq!(code::<Title>(&json!("é".repeat(200))), "ok");
        assert_eq!(code::<Title>(&json!("é".repeat(201))), "length");
        assert_eq!(code::<Title>(&json!("")), "length");
        assert_eq!(code::<Title>(&json!(" ")), "blank");
        assert_eq!(code::<Title>(&json!("a\nb")), "characters");
        assert_eq!(code::<Title>(&json!(1)), "type");
    }

    #[test]
    fn a_text_may_have_lines() {
        assert_eq!(code::<Text>(&json!("")), "ok");
        assert_eq!(code::<Text>(&json!("a\nb\t")), "ok");
        assert_eq!(code::<Text>(&json!("a".repeat(10_000))), "ok");
        assert_eq!(code::<Text>(&json!("a".repeat(10_001))), "length");
    }
}
