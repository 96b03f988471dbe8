//! The fields of a payment, as types that cannot be wrong.

use serde::{Serialize, Serializer};
use serde_json::Value;
use stoa_domain::Money;
use stoa_kit::Field;
use stoa_kit::form::{self, Errors, wrong_type};

/// An amount that moves: more than nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Amount(pub(crate) Money);

impl Field for Amount {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        let money = Money::read(value, errors)?;
        if money.amount() == 0 {
            return errors.at("amount", |errors| {
                errors.refuse("range", "must be more than 0")
            });
        }
        Some(Self(money))
    }
}

/// What the shop calls a payment: the number of an order. One line of 1 to 200
/// characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference(pub(crate) String);

impl Field for Reference {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        line(value, errors).map(Self)
    }
}

/// Why somebody cancels or gives back: one line of 1 to 200 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason(pub(crate) String);

impl Field for Reason {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        line(value, errors).map(Self)
    }
}

fn line(value: &Value, errors: &mut Errors) -> Option<String> {
    let text = form::text(value, 1, 200, errors)?;
    if text.chars().any(char::is_control) {
        return errors.refuse("characters", "must be one line without tabs");
    }
    Some(text)
}

/// A processor's token for a means of payment: 1 to 255 visible ASCII
/// characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token(pub(crate) String);

impl Field for Token {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        let token = form::text(value, 1, 255, errors)?;
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return errors.refuse(
                "characters",
                "must be visible ASCII, as the processor gave it",
            );
        }
        Some(Self(token))
    }
}

/// The name of a processor, to be looked up among those that there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProcessorName(pub(crate) String);

impl Field for ProcessorName {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        form::text(value, 1, 63, errors).map(Self)
    }
}

/// When the money is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CaptureMethod {
    /// As soon as it can be.
    Automatic,
    /// When somebody says so; it is held until then.
    Manual,
}

impl CaptureMethod {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Manual => "manual",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Automatic, Self::Manual]
            .into_iter()
            .find(|method| method.name() == name)
    }
}

impl Serialize for CaptureMethod {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Field for CaptureMethod {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        let Value::String(name) = value else {
            return wrong_type(value, "a string", errors);
        };
        Self::parse(name).or_else(|| errors.refuse("value", "must be automatic or manual"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stoa_fixtures::field_code as code;

    use super::*;

    #[test]
    fn an_amount_is_more_than_nothing() {
        assert_eq!(
            code::<Amount>(&json!({"amount": 1, "currency": "EUR"})),
            "ok"
        );
        assert_eq!(
            code::<Amount>(&json!({"amount": 0, "currency": "EUR"})),
            "range"
        );
        assert_eq!(code::<Amount>(&json!(1)), "type");
    }

    #[test]
    fn references_and_reasons_are_one_line() {
        assert_eq!(code::<Reference>(&json!("é".repeat(200))), "ok");
        assert_eq!(code::<Reference>(&json!("é".repeat(201))), "length");
        assert_eq!(code::<Reference>(&json!("")), "length");
        assert_eq!(code::<Reason>(&json!("a\nb")), "characters");
    }

    #[test]
    fn a_token_is_visible_ascii() {
        assert_eq!(code::<Token>(&json!("pm_card_visa")), "ok");
        assert_eq!(code::<Token>(&json!("a b")), "characters");
        assert_eq!(code::<Token>(&json!("ä")), "characters");
        assert_eq!(code::<Token>(&json!("")), "length");
    }

    #[test]
    fn money_is_taken_by_itself_or_by_hand() {
        assert_eq!(code::<CaptureMethod>(&json!("manual")), "ok");
        assert_eq!(code::<CaptureMethod>(&json!("Manual")), "value");
        assert_eq!(code::<CaptureMethod>(&json!(true)), "type");
        assert_eq!(code::<bool>(&json!("true")), "type");
    }
}
