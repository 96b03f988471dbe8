//! Reading JSON objects field by field, so that one answer names every field
//! that is wrong.
//!
//! A [`Form`] hands out fields by name and remembers what was wrong with each;
//! [`Form::finish`] adds the fields nobody asked for and turns the list into a
//! problem. Types that a field can be implement [`Field`].

use serde_json::{Map, Value};

use crate::Problem;
use crate::problem::{FieldError, Place};

/// A type that can be read from a JSON value.
pub trait Field: Sized {
    /// Reads the value, or says in `errors` what is wrong and returns `None`.
    fn read(value: &Value, errors: &mut Errors) -> Option<Self>;
}

/// The errors found so far and the place that is being read.
#[derive(Debug, Default)]
pub struct Errors {
    pointer: String,
    list: Vec<FieldError>,
}

impl Errors {
    /// Notes an error at the current place. Returns `None`, so that a reader
    /// can end with it.
    pub fn refuse<T>(&mut self, code: &'static str, message: impl Into<String>) -> Option<T> {
        self.list.push(FieldError {
            place: Place::Pointer(self.pointer.clone()),
            code,
            message: message.into(),
        });
        None
    }

    /// Reads something one step further down: a field's name or an index.
    pub fn at<T>(&mut self, step: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer
            .push_str(&step.replace('~', "~0").replace('/', "~1"));
        let result = read(self);
        self.pointer.truncate(length);
        result
    }

    /// The errors, in the order they were found.
    pub fn into_list(self) -> Vec<FieldError> {
        self.list
    }
}

/// The fields that only the server sets, of every resource.
pub(crate) const SERVER_OWNED: [&str; 4] = ["id", "created", "updated", "version"];

/// Takes the fields only the server sets out of an object; says which it had.
pub(crate) fn take_server_owned(body: &mut Value) -> Vec<&'static str> {
    let Value::Object(fields) = body else {
        return Vec::new();
    };
    SERVER_OWNED
        .into_iter()
        .filter(|name| fields.remove(*name).is_some())
        .collect()
}

/// A JSON object that is being read.
#[derive(Debug)]
pub struct Form {
    fields: Map<String, Value>,
    errors: Errors,
}

impl Form {
    /// Errors: `invalid` (422) when the value is no object.
    pub fn new(value: Value) -> Result<Self, Problem> {
        let mut errors = Errors::default();
        match value {
            Value::Object(fields) => Ok(Self { fields, errors }),
            other => {
                wrong_type::<()>(&other, "an object", &mut errors);
                Err(Problem::invalid(errors.into_list()))
            }
        }
    }

    /// Starts reading what a client writes of a resource. The fields that only
    /// the server sets are refused, with the code `read_only`.
    ///
    /// Errors: those of [`Form::new`].
    pub fn of_resource(mut body: Value) -> Result<Self, Problem> {
        let owned = take_server_owned(&mut body);
        let mut form = Self::new(body)?;
        for name in owned {
            form.refuse(name, "read_only", "is set by the server: leave it out");
        }
        Ok(form)
    }

    /// Takes a field that must be there and not be null.
    pub fn required<T: Field>(&mut self, name: &str) -> Option<T> {
        match self.fields.remove(name) {
            None | Some(Value::Null) => self
                .errors
                .at(name, |errors| errors.refuse("required", "is required")),
            Some(value) => self.errors.at(name, |errors| T::read(&value, errors)),
        }
    }

    /// Takes a field that may be left out or null: `Some(None)` then, and
    /// `None` when it is there and wrong.
    pub fn optional<T: Field>(&mut self, name: &str) -> Option<Option<T>> {
        match self.fields.remove(name) {
            None | Some(Value::Null) => Some(None),
            Some(value) => self
                .errors
                .at(name, |errors| T::read(&value, errors).map(Some)),
        }
    }

    /// Takes a field that has a default when left out or null.
    pub fn or<T: Field>(&mut self, name: &str, default: T) -> Option<T> {
        self.optional(name).map(|value| value.unwrap_or(default))
    }

    /// Notes an error that concerns several fields, at one of them.
    pub fn refuse(&mut self, name: &str, code: &'static str, message: &str) {
        self.errors
            .at(name, |errors| errors.refuse::<()>(code, message));
    }

    /// Ends the reading: `Ok` when every field was taken and fine.
    ///
    /// Errors: `invalid` (422) with one entry for each field that is wrong.
    pub fn finish(self) -> Result<(), Problem> {
        let errors = self.into_errors();
        if errors.list.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(errors.into_list()))
        }
    }

    /// Ends the reading and makes of the fields what they are together. Each
    /// field that is `None` has been refused.
    ///
    /// Errors: those of [`Form::finish`].
    pub fn complete<T>(self, make: impl FnOnce() -> Option<T>) -> Result<T, Problem> {
        self.finish()?;
        make().ok_or_else(|| Problem::internal("a field was refused without a reason"))
    }

    fn into_errors(self) -> Errors {
        let mut errors = self.errors;
        for name in self.fields.keys() {
            errors.at(name, |errors| {
                errors.refuse::<()>("unknown", "is not a field of this object")
            });
        }
        errors
    }

    /// Reads an object inside an object with the same care; `read` takes its
    /// fields and returns what it makes of them.
    pub fn nested<T>(
        value: &Value,
        errors: &mut Errors,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let Value::Object(fields) = value else {
            return wrong_type(value, "an object", errors);
        };
        let before = errors.list.len();
        let mut form = Self {
            fields: fields.clone(),
            errors: std::mem::take(errors),
        };
        let result = read(&mut form);
        *errors = form.into_errors();
        result.filter(|_| errors.list.len() == before)
    }
}

/// Notes that a value has the wrong JSON type.
pub fn wrong_type<T>(value: &Value, expected: &str, errors: &mut Errors) -> Option<T> {
    let given = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    errors.refuse("type", format!("must be {expected}, not {given}"))
}

impl Field for bool {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(*flag),
            _ => wrong_type(value, "a boolean", errors),
        }
    }
}

/// Reads a string of `min` to `max` characters (Unicode scalar values) that
/// has no control characters other than line breaks and tabs.
pub fn text(value: &Value, min: usize, max: usize, errors: &mut Errors) -> Option<String> {
    let Value::String(text) = value else {
        return wrong_type(value, "a string", errors);
    };
    let length = text.chars().count();
    if length < min || length > max {
        return errors.refuse("length", format!("must have {min} to {max} characters"));
    }
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return errors.refuse("characters", "must not have control characters");
    }
    Some(text.clone())
}

/// Reads an integer from `min` to `max`.
pub fn integer(value: &Value, min: i64, max: i64, errors: &mut Errors) -> Option<i64> {
    let Value::Number(number) = value else {
        return wrong_type(value, "an integer", errors);
    };
    match number.as_i64() {
        Some(number) if (min..=max).contains(&number) => Some(number),
        None if !number.is_u64() => errors.refuse("type", "must be an integer, not a fraction"),
        _ => errors.refuse("range", format!("must be from {min} to {max}")),
    }
}

/// Reads an array of at most `max` items.
pub fn list<T: Field>(value: &Value, max: usize, errors: &mut Errors) -> Option<Vec<T>> {
    let Value::Array(items) = value else {
        return wrong_type(value, "an array", errors);
    };
    if items.len() > max {
        return errors.refuse("length", format!("must have at most {max} items"));
    }
    let read: Vec<_> = items
        .iter()
        .enumerate()
        .map(|(index, item)| errors.at(&index.to_string(), |errors| T::read(item, errors)))
        .collect();
    read.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Name(String);
    impl Field for Name {
        fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
            text(value, 1, 5, errors).map(Name)
        }
    }

    struct Count(i64);
    impl Field for Count {
        fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
            integer(value, 0, 9, errors).map(Count)
        }
    }

    struct Inner(i64);
    impl Field for Inner {
        fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
            Form::nested(value, errors, |form| {
                form.required::<Count>("count").map(|count| Inner(count.0))
            })
        }
    }

    fn pointers(problem: &Problem) -> Vec<(String, &'static str)> {
        let place = |error: &FieldError| match &error.place {
            Place::Pointer(pointer) => pointer.clone(),
            other => format!("{other:?}"),
        };
        problem
            .errors()
            .iter()
            .map(|e| (place(e), e.code))
            .collect()
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let mut form = Form::new(json!({
            "name": "far too long", "inner": {"count": 10, "odd": 1}, "extra/field": 1,
        }))
        .unwrap();
        assert!(form.required::<Name>("name").is_none());
        assert!(form.required::<Inner>("inner").is_none());
        assert!(form.required::<Name>("missing").is_none());
        assert!(matches!(form.optional::<Name>("left_out"), Some(None)));
        let problem = form.finish().unwrap_err();
        assert_eq!(
            pointers(&problem),
            [
                ("/name".to_owned(), "length"),
                ("/inner/count".to_owned(), "range"),
                ("/inner/odd".to_owned(), "unknown"),
                ("/missing".to_owned(), "required"),
                ("/extra~1field".to_owned(), "unknown"),
            ]
        );
    }

    #[test]
    fn numbers_are_integers_in_range() {
        for (value, code) in [
            (json!(1.5), "type"),
            (json!("1"), "type"),
            (json!(10), "range"),
            (json!(u64::MAX), "range"),
        ] {
            let mut form = Form::new(json!({ "n": value })).unwrap();
            assert!(form.required::<Count>("n").is_none());
            assert_eq!(
                pointers(&form.finish().unwrap_err()),
                [("/n".to_owned(), code)]
            );
        }
    }

    #[test]
    fn what_is_right_is_read() {
        let mut form = Form::new(json!({"name": "ok", "inner": {"count": 3}})).unwrap();
        assert_eq!(form.required::<Name>("name").unwrap().0, "ok");
        assert_eq!(form.required::<Inner>("inner").unwrap().0, 3);
        form.finish().unwrap();
    }
}
