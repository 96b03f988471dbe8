//! A key as a client sends it, and what it is stored as.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use stoa_kit::{Method, Principal, Problem, Request};

/// The longest key, in characters.
const MAX_LENGTH: usize = 255;

/// A key of a request. Neither the key nor the caller can be read out of it.
pub(crate) struct Key {
    /// SHA-256 of caller, method, path and key.
    pub(crate) name: String,
    /// SHA-256 of method, path, query and body.
    pub(crate) fingerprint: String,
}

impl Key {
    /// Errors: `idempotency_key_required`, `idempotency_key_invalid` (400).
    pub(crate) fn of(request: &Request) -> Result<Self, Problem> {
        let key = request.header("idempotency-key").unwrap_or_default();
        if key.is_empty() {
            return Err(Problem::bad_request(
                "idempotency_key_required",
                "Send an Idempotency-Key header: a new random text for each new request, and \
                 the same one when a request is sent again.",
            ));
        }
        if key.len() > MAX_LENGTH || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Problem::bad_request(
                "idempotency_key_invalid",
                format!(
                    "An Idempotency-Key has 1 to {MAX_LENGTH} visible ASCII characters, and is \
                     sent once."
                ),
            ));
        }
        let (kind, caller) = match &request.principal {
            Principal::Account(identity) => ("account", identity.account_id.as_str()),
            Principal::Anonymous => ("client", request.client.as_str()),
        };
        let place = place(request);
        let name = digest([kind, caller, key].into_iter().chain(place.iter().copied()));
        let query = query(request);
        let body = canonical(&request.body);
        let content = [query.as_str(), body.as_str()];
        let fingerprint = digest(content.into_iter().chain(place));
        Ok(Self { name, fingerprint })
    }
}

/// Method and path.
fn place(request: &Request) -> Vec<&str> {
    let method = match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    };
    let segments = request.path.iter().map(String::as_str);
    std::iter::once(method).chain(segments).collect()
}

/// The query, ordered by name.
fn query(request: &Request) -> String {
    let mut pairs: Vec<_> = request
        .query
        .iter()
        .map(|parameter| (&parameter.name, &parameter.value))
        .collect();
    pairs.sort();
    serde_json::to_string(&pairs).unwrap_or_default()
}

/// JSON without spaces and with its fields in order; any other body as it is.
fn canonical(body: &str) -> String {
    serde_json::from_str::<Value>(body).map_or_else(|_| body.to_owned(), |body| sorted(&body))
}

/// The order is made here: whether `serde_json` keeps its own is up to the
/// features that others ask it for.
fn sorted(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            let fields: Vec<_> = fields
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), sorted(value)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(sorted).collect();
            format!("[{}]", items.join(","))
        }
        other => other.to_string(),
    }
}

/// SHA-256 over parts, each with its length before it, in hex.
fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_be_bytes());
        hasher.update(part);
    }
    let bytes = hasher.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_and_the_order_of_fields_make_no_other_body() {
        let one = canonical("{\"b\": [1, {\"d\": 1, \"c\": \"x y\"}], \"a\": null}");
        let two = canonical("{\"a\":null,\"b\":[1,{\"c\":\"x y\",\"d\":1}]}");
        assert_eq!(one, two);
        assert_ne!(
            one,
            canonical("{\"a\":null,\"b\":[{\"c\":\"x y\",\"d\":1},1]}")
        );
        assert_eq!(canonical("no json "), "no json ");
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(digest(["ab", "c"]), digest(["a", "bc"]));
        assert_ne!(digest(["ab"]), digest(["ab", ""]));
    }
}
