//! The request target: path and query, decoded once and refused where two
//! readers could understand two things.
//!
//! Routing, access and services all work on the segments made here, never on
//! the raw text. A path with an empty segment (`//`, or a slash at its end)
//! names nothing: 404.

use stoa_kit::Problem;
use stoa_kit::bindings::stoa::http::types::Parameter;

/// The longest path, in bytes as sent.
pub const MAX_PATH: usize = 2048;

/// The longest query, in bytes as sent.
pub const MAX_QUERY: usize = 8192;

/// A decoded request target.
#[derive(Debug)]
pub struct Target {
    /// The path's segments; none is empty, `.` or `..`.
    pub path: Vec<String>,
    /// The query's parameters, in their order.
    pub query: Vec<Parameter>,
}

/// Reads a request target such as `/products/a%20b?limit=2`.
///
/// Errors: `uri_too_long` (414), `invalid_path` (400), `no_route` (404) for an
/// empty segment, `invalid_query` (400).
pub fn parse(target: &str) -> Result<Target, Problem> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if path.len() > MAX_PATH {
        return Err(Problem::uri_too_long("path", MAX_PATH));
    }
    if query.len() > MAX_QUERY {
        return Err(Problem::uri_too_long("query", MAX_QUERY));
    }
    Ok(Target {
        path: segments(path)?,
        query: parameters(query)?,
    })
}

fn segments(path: &str) -> Result<Vec<String>, Problem> {
    let segments: Option<Vec<_>> = path
        .strip_prefix('/')
        .and_then(|rest| rest.split('/').map(segment).collect());
    let segments = segments.ok_or_else(|| {
        Problem::bad_request(
            "invalid_path",
            "The path has a broken escape, a dot segment, or a character that paths \
             may not hold (control characters, backslashes, encoded slashes).",
        )
    })?;
    if segments.iter().any(String::is_empty) {
        return Err(Problem::no_route_at(&segments));
    }
    Ok(segments)
}

/// One decoded segment, unless it could be taken for something else further
/// on: a separator, a dot segment, the end of a C string.
fn segment(raw: &str) -> Option<String> {
    let segment = decode(raw, false)?;
    let separates = |c: char| c == '/' || c == '\\' || c.is_control();
    (segment != "." && segment != ".." && !segment.contains(separates)).then_some(segment)
}

/// A query as HTML forms write it (`application/x-www-form-urlencoded`).
fn parameters(query: &str) -> Result<Vec<Parameter>, Problem> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some(Parameter {
                name: text(name)?,
                value: text(value)?,
            })
        })
        .collect::<Option<_>>()
        .ok_or_else(|| {
            Problem::bad_request(
                "invalid_query",
                "The query has a broken escape, bytes that are not UTF-8, or a NUL.",
            )
        })
}

/// One decoded name or value. No database takes a NUL in a text.
fn text(raw: &str) -> Option<String> {
    decode(raw, true).filter(|text| !text.contains('\0'))
}

/// Undoes percent-encoding, once.
fn decode(raw: &str, plus_is_space: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => (hex(rest.next()?)? << 4) | hex(rest.next()?)?,
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// The value of a hex digit.
fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// A path and query for another server: everything but unreserved characters
/// (RFC 3986, section 2.3) is escaped, so nothing can mean more than itself.
pub fn encode(base: &str, path: &[String], query: &[Parameter]) -> String {
    let mut target = base.to_owned();
    for segment in path {
        target.push('/');
        escape(segment, &mut target);
    }
    for (index, parameter) in query.iter().enumerate() {
        target.push(if index == 0 { '?' } else { '&' });
        escape(&parameter.name, &mut target);
        target.push('=');
        escape(&parameter.value, &mut target);
    }
    target
}

fn escape(text: &str, target: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            target.push(char::from(byte));
        } else {
            target.push('%');
            target.push(char::from(DIGITS[usize::from(byte >> 4)]));
            target.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(target: &str) -> Vec<String> {
        parse(target).unwrap().path
    }

    fn query(target: &str) -> Vec<(String, String)> {
        let query = parse(target).unwrap().query;
        query.into_iter().map(|p| (p.name, p.value)).collect()
    }

    fn refusal(target: &str) -> (u16, &'static str) {
        let problem = parse(target).unwrap_err();
        (problem.status(), problem.code())
    }

    #[test]
    fn segments_are_decoded_once() {
        assert_eq!(path("/products/a%20b"), ["products", "a b"]);
        assert_eq!(path("/products/%E2%82%AC+1"), ["products", "€+1"]);
        assert_eq!(path("/a/%252e%252e/%252F"), ["a", "%2e%2e", "%2F"]);
        assert_eq!(path("/a/...?x#y"), ["a", "..."]);
        assert_eq!(path("/a;v=1/b:c@d"), ["a;v=1", "b:c@d"]);
    }

    #[test]
    fn what_could_be_understood_in_two_ways_is_refused() {
        for bad in [
            "",
            "*",
            "products",
            "?a=b",
            "http://a/b",
            "/.",
            "/..",
            "/a/../b",
            "/a/./b",
            "/a/..",
            "/%2e%2e/b",
            "/a/.%2E",
            "/a/%2e",
            "/a%2Fb",
            "/a%2fb",
            "/a%5Cb",
            "/a%5cb",
            "/a\\b",
            "/..%5c..%5c",
            "/a%00",
            "/a%0d%0ab",
            "/a%7F",
            "/a%1f",
            "/a%C2%85",
            "/a%",
            "/a%4",
            "/a%zz",
            "/a%4z",
            "/%+1",
            "/%\u{e9}1",
            "/%ff",
            "/%c0%af",
            "/%c0%ae%c0%ae",
            "/%ed%a0%80",
            "/%f5%80%80%80",
        ] {
            assert_eq!(refusal(bad), (400, "invalid_path"), "{bad:?}");
        }
    }

    #[test]
    fn an_empty_segment_names_nothing() {
        for bad in [
            "/",
            "//",
            "/products/",
            "//products",
            "/products//1",
            "/products/?a=b",
        ] {
            assert_eq!(refusal(bad), (404, "no_route"), "{bad}");
        }
    }

    #[test]
    fn paths_and_queries_have_limits() {
        let longest = format!("/{}?{}", "a".repeat(MAX_PATH - 1), "b".repeat(MAX_QUERY));
        assert_eq!(path(&longest)[0].len(), MAX_PATH - 1);
        assert_eq!(
            refusal(&format!("/{}", "a".repeat(MAX_PATH))),
            (414, "uri_too_long")
        );
        assert_eq!(
            refusal(&format!("/a?{}", "b".repeat(MAX_QUERY + 1))),
            (414, "uri_too_long")
        );
    }

    #[test]
    fn a_query_is_read_as_forms_write_it() {
        let pairs = [
            ("q", "red shoe"),
            ("q", "+&="),
            ("flag", ""),
            ("", "x"),
            ("a", "b=c?/"),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(query("/p?q=red+shoe&&q=%2B%26%3D&flag&=x&a=b=c?/"), pairs);
        assert_eq!(query("/p?"), []);
        assert_eq!(query("/p"), []);
    }

    #[test]
    fn a_broken_query_is_refused() {
        for bad in [
            "/p?a=%", "/p?%zz=1", "/p?a=%ff", "/p?a=%c3", "/p?a=%00", "/p?a=%1",
        ] {
            assert_eq!(refusal(bad), (400, "invalid_query"), "{bad}");
        }
    }

    #[test]
    fn encoding_gives_back_what_was_decoded() {
        let Target { path, query } = parse("/p/a%20b;%25/%C3%A9?q=1+2&r=%26&s").unwrap();
        let target = encode("/base", &path, &query);
        assert_eq!(target, "/base/p/a%20b%3B%25/%C3%A9?q=1%202&r=%26&s=");
        let again = parse(&target).unwrap();
        assert_eq!(again.path[1..], path);
        assert_eq!(again.query, query);
    }
}
