//! Errors as clients see them: RFC 9457 problem details.
//!
//! A problem has an *external* side (status, code, detail, field errors), which
//! is sent, and an *internal* one (`cause`), which is only logged. It can only
//! be made by the constructors below, so there is no problem with status 200,
//! and every code is in this file or beside the handler that names it.

use serde::Serialize;

use crate::bindings::stoa::http::types::Header;
use crate::{Request, Response};

/// The content type of problem details (RFC 9457, section 6.1).
pub const CONTENT_TYPE: &str = "application/problem+json";

/// What is wrong with one field of the body or one query parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where: a field of the body or a query parameter.
    #[serde(flatten)]
    pub place: Place,
    /// Stable and for machines: `required`, `unknown`, `type`, `length`, ...
    pub code: &'static str,
    /// For people: what is wrong and what would be right.
    pub message: String,
}

/// The place of a [`FieldError`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A JSON pointer (RFC 6901) into the body; empty for the body itself.
    Pointer(String),
    /// The name of a query parameter.
    Parameter(String),
    /// The name of a request header.
    Header(String),
}

/// An answer that says why a request was not done.
#[derive(Debug)]
pub struct Problem {
    status: u16,
    code: &'static str,
    detail: String,
    errors: Vec<FieldError>,
    headers: Vec<Header>,
    cause: Option<String>,
}

impl Problem {
    fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
            cause: None,
        }
    }

    /// 400: the request is not what its syntax must be.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(400, code, detail)
    }

    /// 400: query parameters that are unknown, repeated or out of range.
    pub fn bad_query(errors: Vec<FieldError>) -> Self {
        Self {
            errors,
            ..Self::new(400, "invalid_query", "The query has invalid parameters.")
        }
    }

    /// 401 with the challenge of RFC 6750, section 3.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(401, "unauthorized", detail).header("www-authenticate", "Bearer realm=\"stoa\"")
    }

    /// 401 for a bearer token that is no good (RFC 6750, section 3.1).
    pub fn invalid_token(detail: impl Into<String>) -> Self {
        Self::new(401, "invalid_token", detail).header(
            "www-authenticate",
            "Bearer realm=\"stoa\", error=\"invalid_token\"",
        )
    }

    /// 401 for credentials in the body that are no good, with a code for what
    /// they are.
    pub fn refused_credentials(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(401, code, detail).header("www-authenticate", "Bearer realm=\"stoa\"")
    }

    /// 403: who asks is known, and may not.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(403, "forbidden", detail)
    }

    /// 404: no such thing, or none that the caller may know of.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(404, "not_found", detail)
    }

    /// 404 for a path that no route matches.
    pub fn no_route(request: &Request) -> Self {
        Self::no_route_at(&request.path)
    }

    /// [`Problem::no_route`] where there is no [`Request`] yet, only a path's
    /// segments.
    pub fn no_route_at(path: &[String]) -> Self {
        Self::new(
            404,
            "no_route",
            format!("Nothing is served at /{}.", path.join("/")),
        )
    }

    /// 405 with the `Allow` header (RFC 9110, section 15.5.6).
    pub fn method_not_allowed(allowed: &str) -> Self {
        Self::new(
            405,
            "method_not_allowed",
            format!("This path takes {allowed}."),
        )
        .header("allow", allowed)
    }

    /// 408: the request's body did not come in time.
    pub fn request_timeout() -> Self {
        Self::new(408, "request_timeout", "The body did not come in time.")
    }

    /// 409: the request is fine and at odds with what is stored.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(409, code, detail)
    }

    /// 409 about one field of the body, such as a SKU that is taken.
    pub fn conflict_at(code: &'static str, pointer: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            errors: vec![FieldError {
                place: Place::Pointer(pointer.to_owned()),
                code,
                message: message.clone(),
            }],
            ..Self::new(409, code, message)
        }
    }

    /// 412: `If-Match` names another version than the one stored.
    pub fn version_mismatch() -> Self {
        Self::new(
            412,
            "version_mismatch",
            "It was changed in the meantime. Read it again and send the ETag you get as If-Match.",
        )
    }

    /// 413: the body is larger than `limit` bytes.
    pub fn body_too_large(limit: usize) -> Self {
        Self::new(
            413,
            "body_too_large",
            format!("The body is larger than {limit} bytes."),
        )
    }

    /// 414: a part of the URL, path or query, is longer than `limit` bytes.
    pub fn uri_too_long(part: &str, limit: usize) -> Self {
        Self::new(
            414,
            "uri_too_long",
            format!("The {part} is longer than {limit} bytes."),
        )
    }

    /// 415: the body is of another content type than the one named.
    pub fn unsupported_media_type(expected: &str) -> Self {
        Self::new(
            415,
            "unsupported_media_type",
            format!("Send the body as {expected}."),
        )
    }

    /// 422: the body is well-formed and its fields are not acceptable.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.len() {
            1 => "One field is not acceptable.".to_owned(),
            n => format!("{n} fields are not acceptable."),
        };
        Self {
            errors,
            ..Self::new(422, "invalid", detail)
        }
    }

    /// 422 for a request that is well-formed and not acceptable as a whole.
    pub fn unprocessable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(422, code, detail)
    }

    /// 422 with a code of its own, about one field of the body.
    pub fn unprocessable_at(code: &'static str, pointer: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            errors: vec![FieldError {
                place: Place::Pointer(pointer.to_owned()),
                code,
                message: message.clone(),
            }],
            ..Self::new(422, code, message)
        }
    }

    /// 429 with `Retry-After` in seconds.
    pub fn too_many_requests(retry_after: u32) -> Self {
        Self::new(
            429,
            "too_many_requests",
            "Too many requests. Try again later.",
        )
        .header("retry-after", &retry_after.to_string())
    }

    /// 500: a mistake of ours. The cause goes to the log, not to the client.
    pub fn internal(cause: impl Into<String>) -> Self {
        Self::new(
            500,
            "internal",
            "Something went wrong on our side. The request id helps us to find out what.",
        )
        .cause(cause)
    }

    /// 502: a service answered what cannot be passed on.
    pub fn bad_gateway(cause: impl Into<String>) -> Self {
        Self::new(502, "bad_gateway", "The service gave no usable answer.").cause(cause)
    }

    /// 503 with `Retry-After`: something needed is not there right now.
    pub fn unavailable(detail: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::new(503, "unavailable", detail)
            .header("retry-after", "1")
            .cause(cause)
    }

    /// 504: a service did not answer in time.
    pub fn gateway_timeout(cause: impl Into<String>) -> Self {
        Self::new(
            504,
            "gateway_timeout",
            "The service did not answer in time.",
        )
        .cause(cause)
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(Header {
            name: name.to_owned(),
            value: value.to_owned(),
        });
        self
    }

    /// Says for the log what was behind it.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The HTTP status, 400 to 599.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The field errors, where there are any.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    pub(crate) fn errors_mut(&mut self) -> &mut Vec<FieldError> {
        &mut self.errors
    }

    /// What is said for people.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Logs the internal side, with the id of the request or of what it was
    /// about.
    pub fn log(&self, id: &str) {
        if let Some(cause) = &self.cause {
            crate::log::error(
                "problem",
                &format!("{id} {} {}: {cause}", self.status, self.code),
            );
        }
    }

    /// The answer to the client; logs the internal side.
    pub fn into_response(self, request_id: &str) -> Response {
        self.log(request_id);
        self.render(request_id)
    }

    fn render(self, request_id: &str) -> Response {
        #[derive(Serialize)]
        struct Body<'a> {
            r#type: String,
            title: &'static str,
            status: u16,
            detail: &'a str,
            code: &'static str,
            request_id: &'a str,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            errors: &'a [FieldError],
        }
        let body = Body {
            r#type: format!("urn:stoa:problem:{}", self.code),
            title: title(self.status),
            status: self.status,
            detail: &self.detail,
            code: self.code,
            request_id,
            errors: &self.errors,
        };
        let mut headers = self.headers;
        headers.push(Header {
            name: "content-type".to_owned(),
            value: CONTENT_TYPE.to_owned(),
        });
        headers.push(Header {
            name: "cache-control".to_owned(),
            value: "no-store".to_owned(),
        });
        Response {
            status: self.status,
            headers,
            body: serde_json::to_string(&body).unwrap_or_default(),
        }
    }
}

/// The reason phrase of a status (RFC 9110, section 15), which RFC 9457 wants
/// as title where the type says no more.
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_its_fields_and_the_request() {
        let response = Problem::invalid(vec![FieldError {
            place: Place::Pointer("/price/amount".into()),
            code: "range",
            message: "must be 0 or more".into(),
        }])
        .render("req-1");
        let body: serde_json::Value = serde_json::from_str(&response.body).unwrap();
        assert_eq!(response.status, 422);
        assert_eq!(body["request_id"], "req-1");
        assert_eq!(body["errors"][0]["pointer"], "/price/amount");
        assert_eq!(body["type"], "urn:stoa:problem:invalid");
    }

    #[test]
    fn every_status_has_its_own_title() {
        let path = ["a".to_owned(), "b".to_owned()];
        for (problem, status, code, title) in [
            (Problem::no_route_at(&path), 404, "no_route", "Not Found"),
            (
                Problem::request_timeout(),
                408,
                "request_timeout",
                "Request Timeout",
            ),
            (
                Problem::uri_too_long("path", 9),
                414,
                "uri_too_long",
                "URI Too Long",
            ),
        ] {
            let response = problem.render("r");
            let body: serde_json::Value = serde_json::from_str(&response.body).unwrap();
            assert_eq!(response.status, status);
            assert_eq!(
                (&body["code"], &body["title"]),
                (&code.into(), &title.into())
            );
        }
    }

    #[test]
    fn the_cause_stays_inside() {
        let response = Problem::internal("password=hunter2").render("r");
        assert!(!response.body.contains("hunter2"));
    }
}
