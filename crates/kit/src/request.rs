//! Reading a request: body, conditions and who asks.

use serde_json::Value;

use crate::form::Form;
use crate::problem::{FieldError, Place};
use crate::query::Query;
use crate::{Identity, Method, Principal, Problem, Request, Role};

/// The condition of a conditional write (RFC 9110, section 13.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// No `If-Match`, or `*`: whatever version is there.
    Any,
    /// `If-Match` with the version of the `ETag` it carried.
    Version(i64),
}

impl Condition {
    /// The version, where one is asked for: made for a nullable SQL parameter.
    pub fn version(self) -> Option<i64> {
        match self {
            Self::Any => None,
            Self::Version(version) => Some(version),
        }
    }
}

impl Request {
    /// The path's segments, for a `match`.
    pub fn segments(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// The value of a header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|header| header.name == name)
            .map(|header| header.value.as_str())
    }

    /// The query parameters, to be taken one by one.
    pub fn query(&self) -> Query<'_> {
        Query::new(&self.query)
    }

    /// The body as JSON.
    ///
    /// Errors: `unsupported_media_type` (415), `malformed_json` (400).
    pub fn json(&self) -> Result<Value, Problem> {
        let expected = if self.method == Method::Patch {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let given = self.header("content-type").unwrap_or_default();
        let essence = given.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(expected)
            && !essence.eq_ignore_ascii_case("application/json")
        {
            return Err(Problem::unsupported_media_type(expected));
        }
        serde_json::from_str(&self.body).map_err(|error| {
            Problem::bad_request("malformed_json", format!("The body is not JSON: {error}."))
        })
    }

    /// The body as a JSON object whose fields are then taken one by one.
    ///
    /// Errors: those of [`Request::json`], `invalid` (422) for another type.
    pub fn form(&self) -> Result<Form, Problem> {
        Form::new(self.json()?)
    }

    /// The condition of a write.
    ///
    /// Errors: 400 for an `If-Match` that is none of our `ETag`s: a list, a weak
    /// one, or one with no version in it could never match.
    pub fn if_match(&self) -> Result<Condition, Problem> {
        match self.header("if-match").map(str::trim) {
            None | Some("*") => Ok(Condition::Any),
            Some(tag) => parse_etag(tag).map(Condition::Version).ok_or_else(|| {
                let message = "must be one ETag as this API gave it, such as \"3\", or *";
                let mut problem =
                    Problem::bad_request("invalid_header", format!("If-Match {message}."));
                problem.errors_mut().push(FieldError {
                    place: Place::Header("if-match".into()),
                    code: "format",
                    message: message.into(),
                });
                problem
            }),
        }
    }

    /// Whether `If-None-Match` names this entity tag (weak comparison, RFC
    /// 9110, section 13.1.2).
    pub fn has_current(&self, etag: &str) -> bool {
        let plain = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        self.header("if-none-match").is_some_and(|tags| {
            tags.trim() == "*" || tags.split(',').any(|tag| plain(tag) == plain(etag))
        })
    }

    /// The verified identity behind the request, where there is one.
    pub fn identity(&self) -> Option<&Identity> {
        match &self.principal {
            Principal::Account(identity) => Some(identity),
            Principal::Anonymous => None,
        }
    }

    /// Whether an administrator asks.
    pub fn is_admin(&self) -> bool {
        self.identity()
            .is_some_and(|identity| identity.roles.contains(&Role::Admin))
    }

    /// Lets administrators pass. The gateway's route table says the same; a
    /// service does not rely on it.
    pub fn require_admin(&self) -> Result<(), Problem> {
        match self.identity() {
            _ if self.is_admin() => Ok(()),
            Some(_) => Err(Problem::forbidden("This needs an administrator.")),
            None => Err(Problem::unauthorized("This needs an access token.")),
        }
    }
}

/// The version in an entity tag such as `"3"`.
fn parse_etag(tag: &str) -> Option<i64> {
    let version = tag.strip_prefix('"')?.strip_suffix('"')?;
    version.parse().ok().filter(|version| *version > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::stoa::http::types::Header;

    fn with(name: &str, value: &str) -> Request {
        Request {
            id: "r".into(),
            method: Method::Put,
            path: vec![],
            query: vec![],
            headers: vec![Header {
                name: name.into(),
                value: value.into(),
            }],
            body: String::new(),
            principal: Principal::Anonymous,
            client: String::new(),
        }
    }

    #[test]
    fn if_match_is_one_of_our_etags_or_refused() {
        assert_eq!(
            with("if-match", "\"7\"").if_match().unwrap(),
            Condition::Version(7)
        );
        assert_eq!(with("if-match", "*").if_match().unwrap(), Condition::Any);
        for bad in ["7", "W/\"7\"", "\"a\"", "\"1\", \"2\"", "\"-1\"", ""] {
            assert_eq!(
                with("if-match", bad).if_match().unwrap_err().status(),
                400,
                "{bad}"
            );
        }
    }

    #[test]
    fn if_none_match_compares_weakly_and_takes_lists() {
        assert!(with("if-none-match", "\"a\", W/\"b\"").has_current("\"b\""));
        assert!(with("if-none-match", "*").has_current("\"b\""));
        assert!(!with("if-none-match", "\"a\"").has_current("\"b\""));
    }

    #[test]
    fn a_body_must_say_that_it_is_json() {
        assert_eq!(
            with("content-type", "text/plain")
                .json()
                .unwrap_err()
                .status(),
            415
        );
        let mut request = with("content-type", "application/json; charset=utf-8");
        request.body = "{".into();
        assert_eq!(request.json().unwrap_err().code(), "malformed_json");
    }
}
