//! Attributes: whatever else a shop wants to say about a thing.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Field;
use crate::form::{Errors, wrong_type};

/// A JSON object of at most 16 KiB, five levels deep, with keys of 1 to 64
/// characters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attributes(Map<String, Value>);

const MAX_BYTES: usize = 16 * 1024;
const MAX_DEPTH: usize = 5;
const MAX_KEY_LENGTH: usize = 64;

impl Field for Attributes {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        let Value::Object(fields) = value else {
            return wrong_type(value, "an object", errors);
        };
        if value.to_string().len() > MAX_BYTES {
            return errors.refuse("size", format!("must not be larger than {MAX_BYTES} bytes"));
        }
        check(value, 1, errors).map(|()| Self(fields.clone()))
    }
}

/// Checks the keys and the depth of a value at a depth; the attributes
/// themselves are at 1.
fn check(value: &Value, depth: usize, errors: &mut Errors) -> Option<()> {
    if matches!(value, Value::Object(_) | Value::Array(_)) && depth > MAX_DEPTH {
        return errors.refuse(
            "depth",
            format!("must not be nested deeper than {MAX_DEPTH} levels"),
        );
    }
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                errors.at(key, |errors| {
                    if key.is_empty() || key.chars().count() > MAX_KEY_LENGTH {
                        let message =
                            format!("must have a name of 1 to {MAX_KEY_LENGTH} characters");
                        return errors.refuse("length", message);
                    }
                    check(value, depth + 1, errors)
                })?;
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                errors.at(&index.to_string(), |errors| check(item, depth + 1, errors))?;
            }
        }
        _ => {}
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Place;
    use serde_json::json;

    fn error(value: &Value) -> Option<(Place, &'static str)> {
        let mut errors = Errors::default();
        let read = Attributes::read(value, &mut errors);
        let error = errors
            .into_list()
            .pop()
            .map(|error| (error.place, error.code));
        assert_eq!(read.is_none(), error.is_some());
        error
    }

    fn at(pointer: &str, code: &'static str) -> (Place, &'static str) {
        (Place::Pointer(pointer.to_owned()), code)
    }

    #[test]
    fn attributes_are_an_object() {
        assert_eq!(
            error(&json!({"color": "red", "sizes": [41, 42], "eco": true, "x": null})),
            None
        );
        assert_eq!(error(&json!([])), Some(at("", "type")));
    }

    #[test]
    fn attributes_are_small_and_flat() {
        let text = |bytes: usize| json!({"a": "x".repeat(bytes - 8)});
        assert_eq!(error(&text(16 * 1024)), None);
        assert_eq!(error(&text(16 * 1024 + 1)), Some(at("", "size")));
        assert_eq!(error(&json!({"1": {"2": [{"4": {"5": 1}}]}})), None);
        assert_eq!(
            error(&json!({"1": {"2": [{"4": [[]]}]}})),
            Some(at("/1/2/0/4/0", "depth"))
        );
    }

    #[test]
    fn names_of_attributes_have_a_length() {
        assert_eq!(error(&json!({"k".repeat(64): 1})), None);
        let long = "k".repeat(65);
        assert_eq!(
            error(&json!({"a": {&long: 1}})),
            Some(at(&format!("/a/{long}"), "length"))
        );
        assert_eq!(error(&json!({"": 1})), Some(at("/", "length")));
    }
}
