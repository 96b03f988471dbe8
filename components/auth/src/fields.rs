//! Passwords in bodies. They are wiped when they are dropped, and have no
//! `Debug`.

use serde_json::Value;
use stoa_kit::form::{Errors, wrong_type};
use stoa_kit::{Field, Form};
use stoa_passwords::Password;
use zeroize::Zeroizing;

/// A password that somebody shows: any text that could be one.
pub(crate) struct Entered(Zeroizing<String>);

impl Entered {
    /// The password, for the hasher.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Checks that it may be chosen as the new password of whoever has this
    /// address; otherwise the form's field is refused.
    pub(crate) fn choose(self, form: &mut Form, field: &str, email: &str) -> Option<Self> {
        match Password::chosen(&self.0, email) {
            Ok(_) => Some(self),
            Err(refusal) => {
                form.refuse(field, refusal.code(), &refusal.to_string());
                None
            }
        }
    }
}

impl Field for Entered {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        let Value::String(text) = value else {
            return wrong_type(value, "a string", errors);
        };
        match Password::entered(text) {
            Ok(_) => Some(Self(Zeroizing::new(text.clone()))),
            Err(refusal) => errors.refuse(refusal.code(), refusal.to_string()),
        }
    }
}
