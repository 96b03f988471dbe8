//! The fields of a product, as types that cannot be wrong.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stoa_kit::Field;
use stoa_kit::form::{self, Errors, wrong_type};

/// The shop's own number for it: 1 to 64 of `A-Z a-z 0-9 . _ -`, unique.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Sku(pub(crate) String);

impl Field for Sku {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        let sku = form::text(value, 1, 64, errors)?;
        if sku
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        {
            Some(Self(sku))
        } else {
            errors.refuse(
                "format",
                "must be letters A-Z and a-z, digits, '.', '_' and '-'",
            )
        }
    }
}

/// What it is called: 1 to 200 characters in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Name(pub(crate) String);

impl Field for Name {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        let name = form::text(value, 1, 200, errors)?;
        if name.chars().any(char::is_control) {
            return errors.refuse("characters", "must be one line without tabs");
        }
        if name.trim().is_empty() {
            return errors.refuse("blank", "must not be blank");
        }
        Some(Self(name))
    }
}

/// Up to 10,000 characters about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Description(pub(crate) String);

impl Field for Description {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        form::text(value, 0, 10_000, errors).map(Self)
    }
}

/// The stock on hand: 0 to 10^9 units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Stock(pub(crate) i64);

impl Field for Stock {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        form::integer(value, 0, 1_000_000_000, errors).map(Self)
    }
}

/// Who sees it: administrators only, or everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    #[default]
    Draft,
    Published,
}

impl Status {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "draft" => Some(Self::Draft),
            "published" => Some(Self::Published),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
        }
    }
}

impl Field for Status {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        let Value::String(status) = value else {
            return wrong_type(value, "a string", errors);
        };
        Self::parse(status).or_else(|| errors.refuse("value", "must be draft or published"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stoa_fixtures::field_code as code;

    use super::*;

    #[test]
    fn a_sku_is_short_and_plain() {
        assert_eq!(code::<Sku>(&json!("AZaz09._-")), "ok");
        assert_eq!(code::<Sku>(&json!("x".repeat(64))), "ok");
        assert_eq!(code::<Sku>(&json!("x".repeat(65))), "length");
        assert_eq!(code::<Sku>(&json!("")), "length");
        assert_eq!(code::<Sku>(&json!("a b")), "format");
        assert_eq!(code::<Sku>(&json!("a\n")), "format");
        assert_eq!(code::<Sku>(&json!("ä")), "format");
        assert_eq!(code::<Sku>(&json!(1)), "type");
    }

    #[test]
    fn a_name_is_one_line_of_text() {
        assert_eq!(code::<Name>(&json!("é".repeat(200))), "ok");
        assert_eq!(code::<Name>(&json!("é".repeat(201))), "length");
        assert_eq!(code::<Name>(&json!("")), "length");
        assert_eq!(code::<Name>(&json!(" \u{a0}")), "blank");
        assert_eq!(code::<Name>(&json!("a\nb")), "characters");
        assert_eq!(code::<Name>(&json!("a\u{0}b")), "characters");
    }

    #[test]
    fn a_description_may_have_lines() {
        assert_eq!(code::<Description>(&json!("")), "ok");
        assert_eq!(code::<Description>(&json!("a\nb\t")), "ok");
        assert_eq!(code::<Description>(&json!("a".repeat(10_000))), "ok");
        assert_eq!(code::<Description>(&json!("a".repeat(10_001))), "length");
    }

    #[test]
    fn stock_is_a_count() {
        assert_eq!(code::<Stock>(&json!(0)), "ok");
        assert_eq!(code::<Stock>(&json!(1_000_000_000)), "ok");
        assert_eq!(code::<Stock>(&json!(1_000_000_001)), "range");
        assert_eq!(code::<Stock>(&json!(-1)), "range");
        assert_eq!(code::<Stock>(&json!(1.5)), "type");
    }

    #[test]
    fn a_status_is_one_of_two() {
        assert_eq!(code::<Status>(&json!("published")), "ok");
        assert_eq!(code::<Status>(&json!("Draft")), "value");
        assert_eq!(code::<Status>(&json!(true)), "type");
        for status in [Status::Draft, Status::Published] {
            assert_eq!(Status::parse(status.as_str()), Some(status));
            assert_eq!(json!(status), json!(status.as_str()));
        }
    }
}
