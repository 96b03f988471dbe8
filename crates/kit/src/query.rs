//! Reading query parameters, with the same care as bodies: unknown, repeated
//! and malformed ones are all named in one answer.

use crate::Problem;
use crate::bindings::stoa::http::types::Parameter;
use crate::problem::{FieldError, Place};

/// The query of a request that is being read.
#[derive(Debug)]
pub struct Query<'a> {
    parameters: Vec<(&'a str, &'a str)>,
    errors: Vec<FieldError>,
}

impl<'a> Query<'a> {
    /// Starts reading.
    pub fn new(parameters: &'a [Parameter]) -> Self {
        Self {
            parameters: parameters
                .iter()
                .map(|p| (p.name.as_str(), p.value.as_str()))
                .collect(),
            errors: Vec::new(),
        }
    }

    /// Takes a parameter as text. A repeated one is an error.
    pub fn text(&mut self, name: &str) -> Option<&'a str> {
        let mut values = Vec::new();
        self.parameters.retain(|(given, value)| {
            let taken = *given == name;
            if taken {
                values.push(*value);
            }
            !taken
        });
        if values.len() > 1 {
            self.refuse(name, "repeated", "must be given once");
            return None;
        }
        values.first().copied()
    }

    /// Takes a parameter and parses it; `expected` ends the sentence "must
    /// be ...".
    pub fn parsed<T>(
        &mut self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name)?;
        let value = parse(text);
        if value.is_none() {
            self.refuse(name, "value", format!("must be {expected}"));
        }
        value
    }

    /// Takes an integer from `min` to `max`.
    pub fn integer(&mut self, name: &str, min: i64, max: i64) -> Option<i64> {
        let expected = format!("an integer from {min} to {max}");
        self.parsed(name, &expected, |text| {
            text.parse().ok().filter(|n| (min..=max).contains(n))
        })
    }

    /// Notes an error about a parameter.
    pub fn refuse(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        self.errors.push(FieldError {
            place: Place::Parameter(name.to_owned()),
            code,
            message: message.into(),
        });
    }

    /// Ends the reading.
    ///
    /// Errors: `invalid_query` (400) with one entry for each parameter that is
    /// wrong or that nobody asked for.
    pub fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.parameters) {
            self.refuse(name, "unknown", "is not a parameter of this path");
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::bad_query(self.errors))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> Vec<Parameter> {
        pairs
            .iter()
            .map(|(name, value)| Parameter {
                name: (*name).to_owned(),
                value: (*value).to_owned(),
            })
            .collect()
    }

    #[test]
    fn every_wrong_parameter_is_named_at_once() {
        let given = parameters(&[("limit", "0"), ("q", "a"), ("q", "b"), ("page", "2")]);
        let mut query = Query::new(&given);
        assert_eq!(query.integer("limit", 1, 100), None);
        assert_eq!(query.text("q"), None);
        assert_eq!(query.text("cursor"), None);
        let problem = query.finish().unwrap_err();
        let codes: Vec<_> = problem.errors().iter().map(|e| e.code).collect();
        assert_eq!(codes, ["value", "repeated", "unknown"]);
        assert_eq!(problem.status(), 400);
    }

    #[test]
    fn what_is_right_is_read() {
        let given = parameters(&[("limit", "20"), ("q", "red shoe")]);
        let mut query = Query::new(&given);
        assert_eq!(query.integer("limit", 1, 100), Some(20));
        assert_eq!(query.text("q"), Some("red shoe"));
        query.finish().unwrap();
    }
}
