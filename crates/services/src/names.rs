//! Names in a record. Each type holds only text that is one.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stoa_kit::form::{Errors, Field, wrong_type};

/// A type for text of 1 to `$max` bytes that `$accepts` each byte of.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $max:literal, $accepts:expr, $rule:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text as this type; `None` for any other text.
            pub fn parse(text: &str) -> Option<Self> {
                let fits = (1..=$max).contains(&text.len()) && text.bytes().all($accepts);
                fits.then(|| Self(text.to_owned()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text).ok_or($rule)
            }
        }

        impl Field for $name {
            fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
                let Value::String(text) = value else {
                    return wrong_type(value, "a string", errors);
                };
                Self::parse(text).or_else(|| errors.refuse("format", $rule))
            }
        }
    };
}

name! {
    /// A service's id, which is also the key of its record.
    ServiceId, 63,
    |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'),
    "must be 1 to 63 characters of a-z, 0-9 and -"
}

name! {
    /// What tells the instances of one service apart. A service on a lattice
    /// has one instance, named after the lattice.
    InstanceName, 63,
    |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
    "must be 1 to 63 characters of A-Z, a-z, 0-9, -, _ and ."
}

name! {
    /// A service's version: semver, not looked into.
    Version, 64,
    |byte| byte.is_ascii_graphic(),
    "must be 1 to 64 visible ASCII characters"
}

impl Default for InstanceName {
    /// `default`: the instance of whoever does not name one.
    fn default() -> Self {
        Self("default".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_lower_case_letters_digits_and_dashes() {
        let longest = "a".repeat(63);
        for good in ["product", "a", "tax-2", &longest] {
            assert_eq!(ServiceId::parse(good).unwrap().as_str(), good);
        }
        let long = "a".repeat(64);
        for bad in ["", "Product", "a.b", "a/b", "a_b", "*", ">", "é", &long] {
            assert_eq!(ServiceId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn json_that_is_no_name_is_no_name() {
        assert!(serde_json::from_str::<ServiceId>("\"product\"").is_ok());
        assert!(serde_json::from_str::<ServiceId>("\"a b\"").is_err());
        assert!(serde_json::from_str::<InstanceName>("\"eu.west_1\"").is_ok());
        assert!(serde_json::from_str::<Version>("\"1.0.0 beta\"").is_err());
    }
}
