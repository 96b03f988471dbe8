//! Bodies of requests about payments.

use serde_json::{Map, Value};
use stoa_kit::{Form, Problem, Request};

use crate::card;

/// Reads a body, in which no card number may be.
///
/// Errors: `card_number` (422), and those of [`Request::form`].
pub(crate) fn form(request: &Request) -> Result<Form, Problem> {
    let body = request.json()?;
    card::refuse(&body)?;
    Form::new(body)
}

/// Reads a body that may also be left out.
pub(crate) fn optional(request: &Request) -> Result<Form, Problem> {
    if request.body.is_empty() {
        return Form::new(Value::Object(Map::new()));
    }
    form(request)
}
