//! JSON Merge Patch (RFC 7396).

use serde::Serialize;
use serde_json::{Map, Value};

use crate::Problem;
use crate::form::{SERVER_OWNED, take_server_owned};

/// Applies `patch` to `target` as section 2 of the RFC defines it: objects are
/// merged, null removes, anything else replaces.
pub fn apply(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(target) = target {
        for (name, value) in patch {
            if value.is_null() {
                target.remove(name);
            } else {
                apply(target.entry(name.as_str()).or_insert(Value::Null), value);
            }
        }
    }
}

/// What a resource becomes by a patch, to be read by [`Form::of_resource`].
///
/// [`Form::of_resource`]: crate::Form::of_resource
///
/// Errors: `internal` for a resource that is no JSON.
pub fn document(resource: &impl Serialize, patch: &Value) -> Result<Value, Problem> {
    let mut document = serde_json::to_value(resource)
        .map_err(|error| Problem::internal(format!("resource is not JSON: {error}")))?;
    take_server_owned(&mut document);
    apply(&mut document, patch);
    // A null would have gone: whoever names such a field has to know.
    for name in SERVER_OWNED {
        if let (Some(value), Value::Object(document)) = (patch.get(name), &mut document) {
            document.insert(name.to_owned(), value.clone());
        }
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The test cases of RFC 7396, appendix A.
    #[test]
    fn the_examples_of_the_rfc_hold() {
        for (mut target, patch, result) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (
                json!({"a":"b","b":"c"}),
                json!({"a":null}),
                json!({"b":"c"}),
            ),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (
                json!({"a":{"b":"c"}}),
                json!({"a":{"b":"d","c":null}}),
                json!({"a":{"b":"d"}}),
            ),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"a":"foo"}), json!(null), json!(null)),
            (json!({"a":"foo"}), json!("bar"), json!("bar")),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (
                json!({}),
                json!({"a":{"bb":{"ccc":null}}}),
                json!({"a":{"bb":{}}}),
            ),
        ] {
            apply(&mut target, &patch);
            assert_eq!(target, result);
        }
    }
}
