//! The headers of a request, and which of them a service gets to see.

use stoa_kit::Id;
use stoa_kit::bindings::stoa::http::types::Header;

/// The headers a service may act on. Whatever else a client sends stays here:
/// credentials, cookies, and above all anything that claims an identity.
pub const PASSED_ON: [&str; 10] = [
    "accept",
    "accept-language",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "stoa-signature",
    "stripe-signature",
    "traceparent",
    "user-agent",
];

/// A request's headers, as they came.
#[derive(Debug)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    /// The headers with these names and values.
    pub fn new(entries: Vec<(String, Vec<u8>)>) -> Self {
        Self(entries)
    }

    /// All values of a header; `name` in lower case.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.0
            .iter()
            .filter(move |(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_slice())
    }

    /// The value of a header that was sent once and is text.
    pub fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.all(name);
        let value = values.next()?;
        match values.next() {
            None => str::from_utf8(value).ok(),
            Some(_) => None,
        }
    }

    /// The request's id: the client's, where it sent a usable one, else a new
    /// UUIDv7.
    pub fn request_id(&self) -> String {
        self.one("x-request-id")
            .filter(|id| is_request_id(id))
            .map_or_else(|| Id::new().to_string(), str::to_owned)
    }

    /// The headers for the service. Values of a repeated header are joined as
    /// RFC 9110, section 5.3, says; values that are not text are left out.
    pub fn passed_on(&self) -> Vec<Header> {
        PASSED_ON
            .iter()
            .filter_map(|name| self.joined(name))
            .collect()
    }

    fn joined(&self, name: &str) -> Option<Header> {
        let mut values = self
            .all(name)
            .filter_map(|value| str::from_utf8(value).ok());
        let mut joined = values.next()?.to_owned();
        for value in values {
            joined.push_str(", ");
            joined.push_str(value);
        }
        (name != "traceparent" || is_traceparent(&joined)).then(|| Header {
            name: name.to_owned(),
            value: joined,
        })
    }
}

fn is_request_id(id: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=64).contains(&id.len()) && id.bytes().all(is_fine)
}

/// Whether this is a `traceparent` of version 00 (W3C Trace Context, section
/// 3.2): `00-<trace id>-<parent id>-<flags>`, in lower-case hex, no id zero.
fn is_traceparent(value: &str) -> bool {
    let is_hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_id = |part: &str, length| is_hex(part, length) && part.bytes().any(|b| b != b'0');
    let mut parts = value.split('-');
    parts.next() == Some("00")
        && parts.next().is_some_and(|trace| is_id(trace, 32))
        && parts.next().is_some_and(|parent| is_id(parent, 16))
        && parts.next().is_some_and(|flags| is_hex(flags, 2))
        && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(entries: &[(&str, &str)]) -> Headers {
        let entry = |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
        Headers::new(entries.iter().map(entry).collect())
    }

    fn passed(entries: &[(&str, &str)]) -> Vec<(String, String)> {
        let passed = headers(entries).passed_on();
        passed
            .into_iter()
            .map(|header| (header.name, header.value))
            .collect()
    }

    #[test]
    fn a_usable_request_id_is_kept() {
        let longest = "a".repeat(64);
        for id in ["A-b_c.9", "1", &longest] {
            assert_eq!(headers(&[("x-request-id", id)]).request_id(), id);
        }
    }

    #[test]
    fn any_other_request_id_is_replaced_by_a_new_one() {
        let long = "a".repeat(65);
        for bad in ["", "a b", "a\"b", "é", "a,b", "../a", &long] {
            let id = headers(&[("x-request-id", bad)]).request_id();
            assert_eq!(id.len(), 36, "{bad}");
        }
        let twice = headers(&[("x-request-id", "a"), ("x-request-id", "a")]);
        assert_ne!(twice.request_id(), "a");
        assert_ne!(headers(&[]).request_id(), headers(&[]).request_id());
    }

    #[test]
    fn only_listed_headers_pass_under_lower_case_names() {
        let passed = passed(&[
            ("Accept", "a/b"),
            ("authorization", "Bearer abc"),
            ("cookie", "a=b"),
            ("x-account-id", "1"),
            ("x_account_id", "1"),
            ("x-stoa-roles", "admin"),
            ("x-forwarded-for", "1.2.3.4"),
            ("forwarded", "for=1.2.3.4"),
            ("connection", "close"),
            ("content_type", "a/b"),
            ("if-match", "\"1\""),
        ]);
        let expected = [("accept", "a/b"), ("if-match", "\"1\"")];
        assert_eq!(
            passed,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn signatures_of_webhooks_pass_as_they_came() {
        for name in ["stripe-signature", "stoa-signature"] {
            let passed = passed(&[(name, "t=1,v1=ab,v1=cd"), ("x-signature", "t=1")]);
            assert_eq!(passed, [(name.to_owned(), "t=1,v1=ab,v1=cd".to_owned())]);
        }
    }

    #[test]
    fn a_repeated_header_is_one_list() {
        let passed = passed(&[("if-none-match", "\"a\""), ("if-none-match", "\"b\"")]);
        assert_eq!(
            passed,
            [("if-none-match".to_owned(), "\"a\", \"b\"".to_owned())]
        );
    }

    #[test]
    fn a_value_that_is_not_text_is_left_out() {
        let headers = Headers::new(vec![("accept".into(), vec![0xff])]);
        assert_eq!(headers.passed_on(), []);
    }

    #[test]
    fn a_traceparent_passes_when_it_is_one() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(passed(&[("traceparent", good)]).len(), 1);
        assert_eq!(passed(&[("traceparent", good), ("traceparent", good)]), []);
        for bad in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
        ] {
            assert_eq!(passed(&[("traceparent", bad)]), [], "{bad}");
        }
    }
}
