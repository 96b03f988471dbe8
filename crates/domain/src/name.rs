//! What people are called.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stoa_kit::Field;
use stoa_kit::form::{self, Errors};

/// What to call somebody: up to 200 characters in one line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Name(pub String);

impl Name {
    /// Reads a name from elsewhere than a body. The error says what would be
    /// right.
    pub fn parse(text: String) -> Result<Self, String> {
        let mut errors = Errors::default();
        Self::read(&Value::String(text), &mut errors).ok_or_else(|| {
            let reasons = errors.into_list().into_iter().map(|error| error.message);
            reasons.collect::<Vec<_>>().join(", ")
        })
    }
}

impl Field for Name {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        let name = form::text(value, 0, 200, errors)?;
        if name.chars().any(char::is_control) {
            return errors.refuse("characters", "must be one line without tabs");
        }
        Some(Self(name))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn code(value: &Value) -> &'static str {
        let mut errors = Errors::default();
        let read = Name::read(value, &mut errors);
        let error = errors.into_list().pop();
        assert_eq!(read.is_some(), error.is_none());
        error.map_or("ok", |error| error.code)
    }

    #[test]
    fn a_name_is_one_line_of_text_and_may_be_empty() {
        assert_eq!(code(&json!("")), "ok");
        assert_eq!(code(&json!("é".repeat(200))), "ok");
        assert_eq!(code(&json!("é".repeat(201))), "length");
        assert_eq!(code(&json!("a\nb")), "characters");
        assert_eq!(code(&json!("a\tb")), "characters");
        assert_eq!(code(&json!(1)), "type");
    }
}
