//! The way to Stripe: one request and its whole answer, in time or not at all.

use std::io::Write as _;
use std::time::Duration;

use stoa_services::{Location, Scheme};
use wasi::clocks::monotonic_clock;
use wasi::http::outgoing_handler;
use wasi::http::types::{
    Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    RequestOptions, Scheme as HttpScheme,
};
use wasi::io::poll::poll;
use wasi::io::streams::{InputStream, StreamError};

use crate::bindings::wasmcloud::bus::lattice::{CallTargetInterface, set_link_name};
use crate::request::Ask;
use crate::settings::Settings;

/// The version of the API that requests are written for.
const VERSION: &str = "2024-06-20";

const CONNECT: Duration = Duration::from_secs(3);
const FIRST_BYTE: Duration = Duration::from_secs(7);

/// A call ends by then, however many requests it makes: before whoever called
/// gives up.
const WHOLE: Duration = Duration::from_secs(8);

/// The largest answer, in bytes.
const MAX_ANSWER: usize = 1 << 20;

/// How much is read at a time, in bytes.
const CHUNK: u64 = 64 << 10;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// When a call has to have ended, on the host's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(u64);

impl Deadline {
    pub(crate) fn new() -> Self {
        Self(monotonic_clock::now().saturating_add(nanoseconds(WHOLE)))
    }
}

/// Sends a request and waits for the answer.
///
/// Errors: why there is none. Whether the request arrived, nobody knows.
pub(crate) fn send(settings: &Settings, ask: &Ask, deadline: Deadline) -> Result<Answer, String> {
    // A call without a link would trap; asking for the link does not.
    let interface = CallTargetInterface::new("wasi", "http", "outgoing-handler");
    set_link_name("default", vec![interface])?;
    let outgoing = prepare(settings, ask)?;
    let body = match &ask.post {
        Some(post) => Some((outgoing.body().map_err(|()| refused("body"))?, &post.form)),
        None => None,
    };
    let pending =
        outgoing_handler::handle(outgoing, options()).map_err(|error| error.to_string())?;
    if let Some((body, form)) = body {
        write(body, form.as_bytes())?;
    }
    receive(&wait(&pending, deadline)?, deadline)
}

fn prepare(settings: &Settings, ask: &Ask) -> Result<OutgoingRequest, String> {
    let Location::Http {
        scheme,
        authority,
        path,
    } = &settings.base
    else {
        return Err(refused("base URL"));
    };
    let fields = Fields::from_list(&headers(settings.api_key.reveal(), ask))
        .map_err(|_| refused("headers"))?;
    let outgoing = OutgoingRequest::new(fields);
    let method = if ask.post.is_some() {
        Method::Post
    } else {
        Method::Get
    };
    let scheme = match scheme {
        Scheme::Http => HttpScheme::Http,
        Scheme::Https => HttpScheme::Https,
    };
    let target = format!("{path}{}", ask.path);
    outgoing
        .set_method(&method)
        .map_err(|()| refused("method"))?;
    outgoing
        .set_scheme(Some(&scheme))
        .map_err(|()| refused("scheme"))?;
    outgoing
        .set_authority(Some(authority))
        .map_err(|()| refused("authority"))?;
    outgoing
        .set_path_with_query(Some(&target))
        .map_err(|()| refused("path"))?;
    Ok(outgoing)
}

fn headers(api_key: &str, ask: &Ask) -> Vec<(String, Vec<u8>)> {
    let mut headers = vec![
        ("authorization", format!("Bearer {api_key}")),
        ("stripe-version", VERSION.to_owned()),
        ("accept", "application/json".to_owned()),
    ];
    if let Some(post) = &ask.post {
        headers.extend([
            ("idempotency-key", post.key.clone()),
            (
                "content-type",
                "application/x-www-form-urlencoded".to_owned(),
            ),
            ("content-length", post.form.len().to_string()),
        ]);
    }
    headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into_bytes()))
        .collect()
}

/// The time limits, where the host knows them.
fn options() -> Option<RequestOptions> {
    let options = RequestOptions::new();
    options
        .set_connect_timeout(Some(nanoseconds(CONNECT)))
        .ok()?;
    options
        .set_first_byte_timeout(Some(nanoseconds(FIRST_BYTE)))
        .ok()?;
    options
        .set_between_bytes_timeout(Some(nanoseconds(FIRST_BYTE)))
        .ok()?;
    Some(options)
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), String> {
    let mut stream = body.write().map_err(|()| refused("body"))?;
    stream.write_all(bytes).map_err(|error| error.to_string())?;
    drop(stream);
    OutgoingBody::finish(body, None).map_err(|error| error.to_string())
}

fn wait(pending: &FutureIncomingResponse, deadline: Deadline) -> Result<IncomingResponse, String> {
    let late = monotonic_clock::subscribe_instant(deadline.0);
    let arrived = pending.subscribe();
    if !poll(&[&arrived, &late]).contains(&0) {
        return Err("no answer in time".to_owned());
    }
    drop(arrived);
    match pending.get() {
        Some(Ok(Ok(response))) => Ok(response),
        Some(Ok(Err(error))) => Err(error.to_string()),
        Some(Err(())) | None => Err(refused("answer")),
    }
}

fn receive(response: &IncomingResponse, deadline: Deadline) -> Result<Answer, String> {
    let body = response.consume().map_err(|()| refused("answer"))?;
    let stream = body.stream().map_err(|()| refused("answer"))?;
    let bytes = read(&stream, deadline)?;
    Ok(Answer {
        status: response.status(),
        body: String::from_utf8(bytes).map_err(|_| "the answer is no text".to_owned())?,
    })
}

/// Reads to the end. An answer that broke off is no JSON, and found out by it.
fn read(stream: &InputStream, deadline: Deadline) -> Result<Vec<u8>, String> {
    let readable = stream.subscribe();
    let late = monotonic_clock::subscribe_instant(deadline.0);
    let mut bytes = Vec::new();
    loop {
        match stream.read(CHUNK) {
            Ok(chunk) if chunk.is_empty() => {
                if poll(&[&readable, &late]).contains(&1) {
                    return Err("the answer did not come in time".to_owned());
                }
            }
            Ok(chunk) if bytes.len() + chunk.len() > MAX_ANSWER => {
                return Err("the answer is too large".to_owned());
            }
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(error)) => return Err(error.to_debug_string()),
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn refused(what: &str) -> String {
    format!("the host refused the {what}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Post;

    fn names(ask: &Ask) -> Vec<String> {
        headers("sk_test", ask)
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    }

    #[test]
    fn a_post_carries_its_key_and_every_request_its_version() {
        let get = Ask {
            path: "/".to_owned(),
            post: None,
        };
        let common = ["authorization", "stripe-version", "accept"];
        assert_eq!(names(&get), common);
        let post = Ask {
            post: Some(Post {
                key: "k".to_owned(),
                form: "a=b".to_owned(),
            }),
            ..get
        };
        let all = [
            &common[..],
            &["idempotency-key", "content-type", "content-length"],
        ]
        .concat();
        assert_eq!(names(&post), all);
        let headers = headers("sk_test", &post);
        assert_eq!(headers[0].1, b"Bearer sk_test");
        assert_eq!(headers[3].1, b"k");
    }
}
