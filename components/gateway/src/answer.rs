//! Answers to clients: what a service said, dressed and sent.

use stoa_kit::bindings::stoa::http::types::Header;
use stoa_kit::{Problem, Response, log};
use wasi::http::types::{Fields, OutgoingResponse, ResponseOutparam};

use crate::body;
use crate::cors::Cors;

/// What is said unless the service said otherwise.
const DEFAULTS: [(&str, &str); 5] = [
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

/// Headers that are the gateway's or the connection's to set.
const WITHHELD: [&str; 13] = [
    "connection",
    "content-length",
    "date",
    "host",
    "http2-settings",
    "keep-alive",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-powered-by",
    "x-request-id",
];

/// An answer. Its body is bytes, for services outside the lattice may send
/// any.
#[derive(Debug, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<Header>,
    /// The body.
    pub body: Vec<u8>,
}

impl From<Response> for Answer {
    fn from(mut response: Response) -> Self {
        for header in &mut response.headers {
            header.name.make_ascii_lowercase();
        }
        Self {
            status: response.status,
            headers: response.headers,
            body: response.body.into_bytes(),
        }
    }
}

impl Answer {
    /// The answer of a service, without the headers it has no say in.
    ///
    /// Errors: `bad_gateway` (502) for a status outside 200 to 599.
    pub fn checked(mut self) -> Result<Self, Problem> {
        if !(200..=599).contains(&self.status) {
            return Err(Problem::bad_gateway(format!("status {}", self.status)));
        }
        self.headers.retain(|header| is_passable(&header.name));
        Ok(self)
    }

    /// Adds the headers that every answer carries.
    #[must_use]
    pub fn dress(mut self, request_id: &str, cors: &Cors, hsts: Option<&str>) -> Self {
        self.headers.retain(|Header { name, value }| {
            let passes = is_field(name, value);
            if !passes {
                log::warn(
                    "answer",
                    &format!("{request_id} left out the header {name:?}"),
                );
            }
            passes
        });
        for (name, value) in DEFAULTS {
            if !self.headers.iter().any(|header| header.name == name) {
                self.push(name, value);
            }
        }
        self.push("x-request-id", request_id);
        for (name, value) in cors.headers() {
            self.push(name, value);
        }
        if let Some(policy) = hsts.filter(|policy| is_field("strict-transport-security", policy)) {
            self.push("strict-transport-security", policy);
        }
        if self.has_body() {
            self.push("content-length", &self.body.len().to_string());
        }
        self
    }

    /// Sends the answer, to a HEAD without the body. A client that has gone
    /// away is only worth a log line.
    pub fn send(self, out: ResponseOutparam, is_head: bool) {
        let sends_body = self.has_body() && !is_head;
        let entries: Vec<_> = self
            .headers
            .into_iter()
            .map(|header| (header.name, header.value.into_bytes()))
            .collect();
        let fields = Fields::from_list(&entries).unwrap_or_else(|error| {
            log::error("answer", &format!("the headers were refused: {error}"));
            Fields::new()
        });
        let response = OutgoingResponse::new(fields);
        if response.set_status_code(self.status).is_err() {
            log::error("answer", &format!("the status {} was refused", self.status));
        }
        // Without a body of its own the response is sent as it is, with the
        // content-length that a GET would have had.
        let body = sends_body.then(|| response.body().ok()).flatten();
        ResponseOutparam::set(out, Ok(response));
        if let Some(body) = body
            && let Err(error) = body::write(body, &self.body)
        {
            log::warn("answer", &format!("the client went away: {error}"));
        }
    }

    /// Whether the status may have a body (RFC 9110, sections 15.3.5, 15.3.6
    /// and 15.4.5).
    fn has_body(&self) -> bool {
        !matches!(self.status, 204 | 205 | 304)
    }

    fn push(&mut self, name: &str, value: &str) {
        self.headers.push(Header {
            name: name.to_owned(),
            value: value.to_owned(),
        });
    }
}

fn is_passable(name: &str) -> bool {
    !WITHHELD.contains(&name) && !name.starts_with("access-control-") && !name.starts_with("proxy-")
}

/// Whether these are a field's name and value (RFC 9110, sections 5.1 and
/// 5.5): no line breaks above all, which would begin another header.
fn is_field(name: &str, value: &str) -> bool {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty()
        && name.bytes().all(is_token)
        && value
            .bytes()
            .all(|b| b == b'\t' || (b >= b' ' && b != 0x7f))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers::Headers;

    fn dressed(response: Response) -> Answer {
        let cors = Cors::decide(&Headers::new(vec![]));
        let answer = Answer::from(response).checked().unwrap();
        answer.dress("req-1", &cors, Some("max-age=60"))
    }

    fn values<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
        let of_name = answer.headers.iter().filter(|header| header.name == name);
        of_name.map(|header| header.value.as_str()).collect()
    }

    #[test]
    fn every_answer_carries_its_request_and_the_security_headers() {
        let answer = dressed(Response::empty(200));
        for (name, value) in DEFAULTS {
            assert_eq!(values(&answer, name), [value]);
        }
        assert_eq!(values(&answer, "x-request-id"), ["req-1"]);
        assert_eq!(values(&answer, "strict-transport-security"), ["max-age=60"]);
        assert_eq!(values(&answer, "content-length"), ["0"]);
        assert_eq!(values(&answer, "vary"), ["origin"]);
    }

    #[test]
    fn a_service_decides_about_caching_and_not_about_the_connection() {
        let answer = dressed(
            Response::empty(200)
                .header("Cache-Control", "max-age=60")
                .header("Content-Length", "7")
                .header("server", "product/1.0")
                .header("x-request-id", "other")
                .header("access-control-allow-origin", "*")
                .header("transfer-encoding", "chunked")
                .header("etag", "\"1\""),
        );
        assert_eq!(values(&answer, "cache-control"), ["max-age=60"]);
        assert_eq!(values(&answer, "content-length"), ["0"]);
        assert_eq!(values(&answer, "x-request-id"), ["req-1"]);
        assert_eq!(values(&answer, "etag"), ["\"1\""]);
        for withheld in ["server", "access-control-allow-origin", "transfer-encoding"] {
            assert!(values(&answer, withheld).is_empty(), "{withheld}");
        }
    }

    #[test]
    fn a_header_that_would_break_the_message_is_left_out() {
        for (name, value) in [
            ("x-a", "b\r\nset-cookie: c"),
            ("x-a", "\0"),
            ("x a", "b"),
            ("", "b"),
            ("x-é", "b"),
        ] {
            assert!(!is_field(name, value), "{name:?}: {value:?}");
        }
        assert!(is_field("x-a", "b\tc é"));
        let answer = dressed(Response::empty(200).header("x-a", "b\nc"));
        assert!(values(&answer, "x-a").is_empty());
    }

    #[test]
    fn an_answer_without_content_has_no_length() {
        for status in [204, 205, 304] {
            let answer = dressed(Response::empty(status));
            assert!(values(&answer, "content-length").is_empty(), "{status}");
        }
    }

    #[test]
    fn a_status_that_is_none_is_a_bad_gateway() {
        for status in [0, 100, 101, 199, 600, 999] {
            let problem = Answer::from(Response::empty(status)).checked().unwrap_err();
            assert_eq!(problem.code(), "bad_gateway");
        }
        for status in [200, 304, 599] {
            assert!(Answer::from(Response::empty(status)).checked().is_ok());
        }
    }
}
