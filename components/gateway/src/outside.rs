//! Calls to services outside the lattice, by HTTP.
//!
//! Such a service gets the whole path appended to its base URL and the headers
//! every service gets. It learns nothing about who asks: identity travels as a
//! typed value over the lattice only, and a header could be forged by whoever
//! reaches the service directly. Redirects are passed on, not followed.

use std::time::Duration;

use stoa_kit::bindings::stoa::http::types::Header;
use stoa_kit::{Method, Problem, Request};
use stoa_services::{Location, Scheme};
use wasi::clocks::monotonic_clock;
use wasi::http::outgoing_handler;
use wasi::http::types::{
    ErrorCode, Fields, IncomingResponse, Method as HttpMethod, OutgoingRequest, RequestOptions,
    Scheme as HttpScheme,
};
use wasi::io::poll::poll;

use crate::answer::Answer;
use crate::bindings::wasmcloud::bus::lattice::{CallTargetInterface, set_link_name};
use crate::body::{self, Unreadable};
use crate::{path, references};

const CONNECT: Duration = Duration::from_secs(2);
const FIRST_BYTE: Duration = Duration::from_secs(10);
const BETWEEN_BYTES: Duration = Duration::from_secs(10);

/// The answer's head is there by then, whatever the host makes of the limits
/// above.
const HEAD: Duration = Duration::from_secs(13);

/// The whole body is there by then.
const BODY: Duration = Duration::from_secs(15);

/// The largest body that is passed back, in bytes.
const MAX_ANSWER: usize = 8 << 20;

/// The headers of an answer that clients get to see.
const PASSED_BACK: [&str; 10] = [
    "cache-control",
    "content-disposition",
    "content-language",
    "content-type",
    "etag",
    "last-modified",
    "link",
    "location",
    "retry-after",
    "vary",
];

/// The base URL of a service.
#[derive(Clone, Copy, Debug)]
pub struct Base<'a> {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Host and port.
    pub authority: &'a str,
    /// The path before the request's: empty, or without a slash at its end.
    pub path: &'a str,
}

impl<'a> Base<'a> {
    /// The base URL of a location; `None` for one on the lattice.
    pub fn of(location: &'a Location) -> Option<Self> {
        match location {
            Location::Lattice { .. } => None,
            Location::Http {
                scheme,
                authority,
                path,
            } => Some(Self {
                scheme: *scheme,
                authority,
                path,
            }),
        }
    }

    /// The scheme as URLs have it.
    pub fn scheme(&self) -> &'static str {
        match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }
}

/// Sends a request to a service and waits for its answer.
///
/// Errors: `unavailable` (503) when it cannot be reached, `bad_gateway` (502)
/// when its answer cannot be used, `gateway_timeout` (504).
pub fn call(base: &Base<'_>, request: &Request) -> Result<Answer, Problem> {
    // A call without a link would trap; asking for the link does not.
    let interface = CallTargetInterface::new("wasi", "http", "outgoing-handler");
    set_link_name("default", vec![interface]).map_err(|why| unreachable_service(&why))?;

    let outgoing = prepare(base, request)?;
    let body = carries_body(request.method)
        .then(|| outgoing.body())
        .transpose()
        .map_err(|()| Problem::internal("the outgoing body was taken before"))?;
    let pending = outgoing_handler::handle(outgoing, options()).map_err(|error| failed(&error))?;
    if let Some(body) = body {
        // A service may answer without reading everything; then this fails
        // and the answer counts.
        let _ = body::write(body, request.body.as_bytes());
    }
    let late = monotonic_clock::subscribe_duration(body::nanoseconds(HEAD));
    let arrived = pending.subscribe();
    if !poll(&[&arrived, &late]).contains(&0) {
        return Err(Problem::gateway_timeout("no answer in time"));
    }
    drop(arrived);
    match pending.get() {
        Some(Ok(Ok(response))) => receive(base, &response)?.checked(),
        Some(Ok(Err(error))) => Err(failed(&error)),
        Some(Err(())) | None => Err(Problem::internal("the answer was taken before")),
    }
}

fn prepare(base: &Base<'_>, request: &Request) -> Result<OutgoingRequest, Problem> {
    let refused = |what: &str| Problem::internal(format!("the host refused the {what}"));
    let fields =
        Fields::from_list(&headers_for(request)).map_err(|_| refused("outgoing headers"))?;
    let outgoing = OutgoingRequest::new(fields);
    let scheme = match base.scheme {
        Scheme::Http => HttpScheme::Http,
        Scheme::Https => HttpScheme::Https,
    };
    let target = path::encode(base.path, &request.path, &request.query);
    outgoing
        .set_method(&method(request.method))
        .map_err(|()| refused("method"))?;
    outgoing
        .set_scheme(Some(&scheme))
        .map_err(|()| refused("scheme"))?;
    outgoing
        .set_authority(Some(base.authority))
        .map_err(|()| refused("authority"))?;
    outgoing
        .set_path_with_query(Some(&target))
        .map_err(|()| refused("path"))?;
    Ok(outgoing)
}

fn headers_for(request: &Request) -> Vec<(String, Vec<u8>)> {
    let mut headers: Vec<_> = request
        .headers
        .iter()
        .map(|header| (header.name.clone(), header.value.clone().into_bytes()))
        .collect();
    headers.push(("x-request-id".to_owned(), request.id.clone().into_bytes()));
    if carries_body(request.method) {
        let length = request.body.len().to_string();
        headers.push(("content-length".to_owned(), length.into_bytes()));
    }
    headers
}

fn carries_body(method: Method) -> bool {
    matches!(method, Method::Post | Method::Put | Method::Patch)
}

fn method(method: Method) -> HttpMethod {
    match method {
        Method::Get => HttpMethod::Get,
        Method::Post => HttpMethod::Post,
        Method::Put => HttpMethod::Put,
        Method::Patch => HttpMethod::Patch,
        Method::Delete => HttpMethod::Delete,
    }
}

/// The time limits, where the host knows them.
fn options() -> Option<RequestOptions> {
    let options = RequestOptions::new();
    options
        .set_connect_timeout(Some(body::nanoseconds(CONNECT)))
        .ok()?;
    options
        .set_first_byte_timeout(Some(body::nanoseconds(FIRST_BYTE)))
        .ok()?;
    options
        .set_between_bytes_timeout(Some(body::nanoseconds(BETWEEN_BYTES)))
        .ok()?;
    Some(options)
}

fn receive(base: &Base<'_>, response: &IncomingResponse) -> Result<Answer, Problem> {
    let taken = || Problem::internal("the answer's body was taken before");
    let body = response.consume().map_err(|()| taken())?;
    let stream = body.stream().map_err(|()| taken())?;
    let bytes = body::read(&stream, MAX_ANSWER, BODY).map_err(|why| match why {
        Unreadable::TooLarge => Problem::bad_gateway("the answer is too large"),
        Unreadable::Late => Problem::gateway_timeout("the answer's body did not come in time"),
        Unreadable::Broken(cause) => Problem::bad_gateway(cause),
    })?;
    let (status, headers) = (response.status(), response.headers().entries());
    if !is_whole(status, &headers, bytes.len()) {
        return Err(Problem::bad_gateway("the answer's body broke off"));
    }
    Ok(Answer {
        status,
        headers: headers_back(base, headers),
        body: bytes,
    })
}

/// Whether a body is as long as its answer says. The host ends a body that
/// broke off like one that is whole; where no length was declared, nothing
/// tells them apart.
fn is_whole(status: u16, headers: &[(String, Vec<u8>)], length: usize) -> bool {
    // RFC 9110, section 8.6: here it is the length of what was not sent.
    if matches!(status, 204 | 304) {
        return true;
    }
    headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .all(|(_, declared)| declared == length.to_string().as_bytes())
}

fn headers_back(base: &Base<'_>, entries: Vec<(String, Vec<u8>)>) -> Vec<Header> {
    entries
        .into_iter()
        .filter_map(|(name, value)| {
            let name = PASSED_BACK
                .into_iter()
                .find(|known| name.eq_ignore_ascii_case(known))?;
            let value = String::from_utf8(value).ok()?;
            let value = match name {
                "location" => references::location(&value, base)?,
                "link" => references::link(&value, base)?,
                _ => value,
            };
            Some(Header {
                name: name.to_owned(),
                value,
            })
        })
        .collect()
}

fn unreachable_service(cause: &str) -> Problem {
    Problem::unavailable("The service does not answer. Try again.", cause)
}

/// The problem behind a failed exchange.
fn failed(error: &ErrorCode) -> Problem {
    let cause = error.to_string();
    match error {
        ErrorCode::DnsTimeout
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => Problem::gateway_timeout(cause),
        ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_)
        | ErrorCode::ConfigurationError
        | ErrorCode::InternalError(_) => unreachable_service(&cause),
        _ => Problem::bad_gateway(cause),
    }
}

#[cfg(test)]
mod tests {
    use stoa_kit::Principal;

    use super::*;

    const BASE: Base<'_> = Base {
        scheme: Scheme::Http,
        authority: "10.0.0.7:8080",
        path: "/api",
    };

    #[test]
    fn a_body_is_whole_when_it_is_as_long_as_declared() {
        let declared = |length: &str| vec![("Content-Length".into(), length.as_bytes().to_vec())];
        assert!(is_whole(200, &[], 5));
        assert!(is_whole(200, &declared("5"), 5));
        assert!(!is_whole(200, &declared("6"), 5));
        assert!(!is_whole(500, &declared("6"), 0));
        assert!(is_whole(304, &declared("6"), 0));
    }

    fn request(method: Method) -> Request {
        Request {
            id: "req-1".into(),
            method,
            path: vec!["reviews".into()],
            query: vec![],
            headers: vec![Header {
                name: "accept".into(),
                value: "text/plain".into(),
            }],
            body: "{}".into(),
            principal: Principal::Anonymous,
            client: String::new(),
        }
    }

    fn entries(list: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
        let entry = |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
        list.iter().map(entry).collect()
    }

    #[test]
    fn a_service_gets_the_listed_headers_and_the_request_id() {
        let common = [("accept", "text/plain"), ("x-request-id", "req-1")];
        assert_eq!(headers_for(&request(Method::Get)), entries(&common));
        let mut with_body = entries(&common);
        with_body.extend(entries(&[("content-length", "2")]));
        assert_eq!(headers_for(&request(Method::Post)), with_body);
    }

    #[test]
    fn clients_see_only_listed_headers_and_no_internal_address() {
        let back = headers_back(
            &BASE,
            entries(&[
                ("Content-Type", "text/plain"),
                ("set-cookie", "a=b"),
                ("server", "nginx"),
                ("connection", "close"),
                ("content-length", "7"),
                ("x-internal", "1"),
                ("location", "http://10.0.0.7:8080/api/reviews/1"),
                ("link", "<http://10.0.0.8/>; rel=up"),
            ]),
        );
        let back: Vec<_> = back.iter().map(|h| (&*h.name, &*h.value)).collect();
        let expected = [("content-type", "text/plain"), ("location", "/reviews/1")];
        assert_eq!(back, expected);
    }

    #[test]
    fn what_went_wrong_outside_has_its_own_status() {
        for (error, status) in [
            (ErrorCode::ConnectionRefused, 503),
            (ErrorCode::DestinationNotFound, 503),
            (ErrorCode::InternalError(None), 503),
            (ErrorCode::ConnectionTimeout, 504),
            (ErrorCode::ConnectionReadTimeout, 504),
            (ErrorCode::HttpProtocolError, 502),
            (ErrorCode::HttpResponseIncomplete, 502),
            (ErrorCode::ConnectionTerminated, 502),
        ] {
            assert_eq!(failed(&error).status(), status, "{error:?}");
        }
    }
}
