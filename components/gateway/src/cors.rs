//! Cross-origin requests (Fetch, section 3.2), answered here so that services
//! need not know of them.
//!
//! Configuration: `cors_origins`, the origins that may read answers, exactly
//! as browsers send them and separated by commas, or `*` for all of them.
//! Credentials are bearer tokens, which scripts send themselves, so
//! `Access-Control-Allow-Credentials` is never sent.

use stoa_kit::{Response, config};

use crate::headers::Headers;

/// The request headers a script may set.
const REQUEST_HEADERS: &str = "accept, accept-language, authorization, content-type, \
     idempotency-key, if-match, if-none-match, traceparent, x-request-id";

/// The answer headers a script may read.
const EXPOSED_HEADERS: &str = "x-request-id, etag, link, location, retry-after";

/// How long a browser may remember a preflight's answer, in seconds.
const MAX_AGE: &str = "600";

/// What a request's origin may do.
#[derive(Debug)]
pub struct Cors {
    /// The value of `Access-Control-Allow-Origin`, where it is sent.
    allowed: Option<String>,
}

impl Cors {
    /// Decides about the origin of a request.
    pub fn decide(headers: &Headers) -> Self {
        let allowed = headers
            .one("origin")
            .and_then(|origin| allowed(origin, &config::get("cors_origins")?).map(str::to_owned));
        Self { allowed }
    }

    /// The answer to OPTIONS: what the path takes and, where it is a
    /// preflight, what scripts of that origin may send.
    pub fn options(&self, allow: &str, headers: &Headers) -> Response {
        let response = Response::no_content().header("allow", allow);
        if self.allowed.is_none() || headers.one("access-control-request-method").is_none() {
            return response;
        }
        response
            .header("access-control-allow-methods", allow)
            .header("access-control-allow-headers", REQUEST_HEADERS)
            .header("access-control-max-age", MAX_AGE)
    }

    /// The headers of every answer.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let allowed = self.allowed.iter().flat_map(|origin| {
            [
                ("access-control-allow-origin", origin.as_str()),
                ("access-control-expose-headers", EXPOSED_HEADERS),
            ]
        });
        // Also without an origin: a cache must not give that answer to one.
        allowed.chain([("vary", "origin")])
    }
}

/// The value of `Access-Control-Allow-Origin` for an origin, if it is in the
/// list.
fn allowed<'a>(origin: &'a str, list: &str) -> Option<&'a str> {
    list.split(',').find_map(|entry| match entry.trim() {
        "*" => Some("*"),
        exact => (exact == origin).then_some(origin),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Answer;

    fn cors(origin: &str, list: &str) -> Cors {
        Cors {
            allowed: allowed(origin, list).map(str::to_owned),
        }
    }

    fn preflight() -> Headers {
        Headers::new(vec![(
            "access-control-request-method".into(),
            b"PUT".to_vec(),
        )])
    }

    #[test]
    fn only_listed_origins_are_allowed() {
        let list = "https://shop.example, http://localhost:3000";
        for good in ["https://shop.example", "http://localhost:3000"] {
            assert_eq!(allowed(good, list), Some(good));
            assert_eq!(allowed(good, "*"), Some("*"));
        }
        for bad in [
            "https://shop.example.evil",
            "http://shop.example",
            "https://shop.example:8443",
            "https://evil",
            "null",
            "",
            "HTTPS://SHOP.EXAMPLE",
            "shop.example",
            "https://shop.example, http://localhost:3000",
        ] {
            assert_eq!(allowed(bad, list), None, "{bad}");
        }
        assert_eq!(allowed("https://shop.example", "https://*.example"), None);
    }

    #[test]
    fn a_preflight_of_a_listed_origin_is_granted() {
        let cors = cors("https://a", "https://a");
        let response = cors.options("GET, PUT", &preflight());
        let sent = Answer::from(response).dress("r", &cors, None);
        let header = |name| sent.headers.iter().find(|h| h.name == name).unwrap();
        assert_eq!(sent.status, 204);
        assert_eq!(header("access-control-allow-origin").value, "https://a");
        assert_eq!(header("access-control-allow-methods").value, "GET, PUT");
        assert_eq!(header("access-control-max-age").value, "600");
        let headers = &header("access-control-allow-headers").value;
        assert!(headers.split(", ").any(|name| name == "authorization"));
    }

    #[test]
    fn another_origin_and_plain_options_learn_what_is_allowed_and_no_more() {
        let plain = Headers::new(vec![]);
        for (cors, headers) in [
            (cors("https://b", "https://a"), preflight()),
            (cors("https://a", "https://a"), plain),
        ] {
            let response = cors.options("GET, HEAD, OPTIONS", &headers);
            assert_eq!(response.status, 204);
            assert_eq!(response.headers.len(), 1);
            assert_eq!(response.get_header("allow"), Some("GET, HEAD, OPTIONS"));
        }
    }

    #[test]
    fn every_answer_varies_by_origin_and_none_grants_credentials() {
        let names = |cors: Cors| {
            cors.headers()
                .map(|(name, _)| name.to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(cors("https://b", "https://a")), ["vary"]);
        assert_eq!(
            names(cors("https://a", "*")),
            [
                "access-control-allow-origin",
                "access-control-expose-headers",
                "vary"
            ]
        );
    }
}
