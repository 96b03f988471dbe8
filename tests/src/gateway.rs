//! What the gateway says itself, whichever service is behind it.

pub(crate) mod auth;
pub(crate) mod bodies;
pub(crate) mod cors;
pub(crate) mod document;
pub(crate) mod headers;
pub(crate) mod health;
pub(crate) mod paths;
pub(crate) mod routes;

use stoa_harness::Answer;

use crate::shared;

/// The answer to a request made by hand, of a first line such as
/// `GET /products` and headers.
pub(crate) fn by_hand(request: &str, headers: &[impl AsRef<[u8]>]) -> Answer {
    let mut bytes = format!("{request} HTTP/1.1\r\nHost: stoa\r\n").into_bytes();
    for header in headers {
        bytes.extend_from_slice(header.as_ref());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    said_to(bytes).expect("an answer")
}

/// What is said to these bytes: `None` when the server hangs up. As with any
/// other request, a call that the engine lost is made once more.
pub(crate) fn said_to(bytes: impl AsRef<[u8]>) -> Option<Answer> {
    let ask = || shared().wire().send(&bytes).answer();
    ask().filter(|answer| answer.status != 503).or_else(ask)
}

/// Whether the gateway said so, and not the server for it: only the gateway's
/// answers have the security headers.
pub(crate) fn is_the_gateways(answer: &Answer) -> bool {
    answer.header("x-content-type-options") == "nosniff"
}

/// The operator's `Authorization`, as a header's line.
pub(crate) fn authorization() -> String {
    format!("Authorization: Bearer {}", shared().token())
}
