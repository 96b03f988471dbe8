//! Bodies: read up to a limit and within a time, and written out.

use std::io::Write as _;
use std::time::Duration;

use stoa_kit::{Method, Problem};
use wasi::clocks::monotonic_clock;
use wasi::http::types::{IncomingRequest, OutgoingBody};
use wasi::io::poll::poll;
use wasi::io::streams::{InputStream, StreamError};

use crate::headers::Headers;

/// The largest body of a request, in bytes.
pub const MAX_BODY: usize = 1 << 20;

/// How long a client may take to send it.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much of a body that is too large is read and forgotten, in bytes.
const MAX_DRAINED: u64 = 8 << 20;

/// How long that may take.
const DRAINING: Duration = Duration::from_secs(2);

/// How much is read at a time, in bytes.
const CHUNK: u64 = 64 << 10;

/// Why a body could not be read.
#[derive(Debug)]
pub enum Unreadable {
    /// It is larger than the limit.
    TooLarge,
    /// It did not come in time.
    Late,
    /// The sender went away, or sent what is no body.
    Broken(String),
}

/// The body of a request as text. It is read only where the method gives it a
/// meaning; a GET or DELETE may carry one, and it is ignored.
///
/// Errors: `body_too_large` (413), without reading where the length is
/// declared; `request_timeout` (408); `invalid_body` (400).
pub fn of(
    incoming: &IncomingRequest,
    headers: &Headers,
    method: Method,
) -> Result<String, Problem> {
    if matches!(method, Method::Get | Method::Delete) {
        return Ok(String::new());
    }
    let taken = || Problem::internal("the body was taken before");
    let body = incoming.consume().map_err(|()| taken())?;
    let stream = body.stream().map_err(|()| taken())?;
    let read = if is_declared_too_large(headers) {
        Err(Unreadable::TooLarge)
    } else {
        read(&stream, MAX_BODY, PATIENCE)
    };
    // A client that asked first (RFC 9110, section 10.1.1) sends nothing more.
    if matches!(read, Err(Unreadable::TooLarge)) && headers.one("expect").is_none() {
        drain(&stream);
    }
    text(read)
}

fn is_declared_too_large(headers: &Headers) -> bool {
    headers
        .one("content-length")
        .and_then(|length| length.parse().ok())
        .is_some_and(|length: u64| length > MAX_BODY as u64)
}

fn text(body: Result<Vec<u8>, Unreadable>) -> Result<String, Problem> {
    let bytes = body.map_err(|why| match why {
        Unreadable::TooLarge => Problem::body_too_large(MAX_BODY),
        Unreadable::Late => Problem::request_timeout(),
        Unreadable::Broken(cause) => {
            Problem::bad_request("invalid_body", "The body broke off.").cause(cause)
        }
    })?;
    String::from_utf8(bytes)
        .map_err(|_| Problem::bad_request("invalid_body", "The body is not UTF-8."))
}

/// Reads a body to its end.
pub fn read(stream: &InputStream, limit: usize, within: Duration) -> Result<Vec<u8>, Unreadable> {
    let readable = stream.subscribe();
    let late = monotonic_clock::subscribe_duration(nanoseconds(within));
    let mut bytes = Vec::new();
    loop {
        match stream.read(CHUNK) {
            Ok(chunk) if chunk.is_empty() => {
                if poll(&[&readable, &late]).contains(&1) {
                    return Err(Unreadable::Late);
                }
            }
            Ok(chunk) if bytes.len() + chunk.len() > limit => return Err(Unreadable::TooLarge),
            Ok(chunk) if bytes.is_empty() => bytes = chunk,
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(Unreadable::Broken(error.to_debug_string()));
            }
        }
    }
}

/// Reads on without keeping anything: where a server hangs up on a client that
/// is still sending, the client may never see the answer.
fn drain(stream: &InputStream) {
    let readable = stream.subscribe();
    let late = monotonic_clock::subscribe_duration(nanoseconds(DRAINING));
    let mut drained = 0;
    while drained < MAX_DRAINED {
        match stream.skip(CHUNK) {
            Ok(0) if poll(&[&readable, &late]).contains(&1) => return,
            Ok(bytes) => drained += bytes,
            Err(_) => return,
        }
    }
}

/// Writes a whole body and ends it.
pub fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), String> {
    let mut stream = body
        .write()
        .map_err(|()| "the body was written before".to_owned())?;
    stream.write_all(bytes).map_err(|error| error.to_string())?;
    drop(stream);
    OutgoingBody::finish(body, None).map_err(|error| error.to_string())
}

/// A duration as WASI counts it.
pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(length: &str) -> bool {
        let entry = ("content-length".to_owned(), length.as_bytes().to_vec());
        is_declared_too_large(&Headers::new(vec![entry]))
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_reading() {
        assert!(!declared("0"));
        assert!(!declared("1048576"));
        assert!(declared("1048577"));
        assert!(declared("18446744073709551615"));
        assert!(!is_declared_too_large(&Headers::new(vec![])));
    }

    #[test]
    fn what_is_wrong_with_a_body_has_its_own_status() {
        for (why, status, code) in [
            (Unreadable::TooLarge, 413, "body_too_large"),
            (Unreadable::Late, 408, "request_timeout"),
            (Unreadable::Broken("reset".into()), 400, "invalid_body"),
        ] {
            let problem = text(Err(why)).unwrap_err();
            assert_eq!((problem.status(), problem.code()), (status, code));
        }
        assert_eq!(text(Ok(vec![0xff])).unwrap_err().code(), "invalid_body");
        assert_eq!(text(Ok("é".into())).unwrap(), "é");
    }
}
