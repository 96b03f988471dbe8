//! Calls to services on the lattice: `stoa:http/service` on the link that is
//! named after the service.

use std::time::{Duration, Instant};

use stoa_kit::{Method, Problem, Request, log};

use crate::answer::Answer;
use crate::bindings::stoa::http::service;
use crate::bindings::wasmcloud::bus::lattice::{CallTargetInterface, set_link_name};

/// A failure that came sooner than this was no work half done but a lost
/// message or an instance that had just gone.
const QUICK: Duration = Duration::from_secs(1);

/// Calls a service. A GET that failed quickly is tried a second time; nothing
/// else is ever sent twice.
///
/// Errors: `unavailable` (503), `gateway_timeout` (504), `bad_gateway` (502).
pub fn call(service: &str, request: &Request) -> Result<Answer, Problem> {
    let interface = CallTargetInterface::new("stoa", "http", "service");
    set_link_name(service, vec![interface]).map_err(|why| failed(&why))?;
    let started = Instant::now();
    let answer = match service::handle(request) {
        Err(error) if request.method == Method::Get && started.elapsed() < QUICK => {
            let cause = error.to_debug_string();
            log::warn(
                "lattice",
                &format!("{} {service}, trying again: {cause}", request.id),
            );
            service::handle(request)
        }
        answer => answer,
    };
    let response = answer.map_err(|error| failed(&error.to_debug_string()))?;
    Answer::from(response).checked()
}

/// The problem behind a call that did not come through. The host says why in
/// words only.
fn failed(cause: &str) -> Problem {
    if ["timed out", "timeout", "deadline has elapsed"]
        .iter()
        .any(|words| cause.contains(words))
    {
        Problem::gateway_timeout(cause)
    } else {
        Problem::unavailable("The service does not answer. Try again.", cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_took_too_long_is_a_504_and_any_other_failure_a_503() {
        let slow = "failed to invoke: data receipt timed out: deadline has elapsed";
        assert_eq!(failed(slow).status(), 504);
        assert_eq!(failed("link `reviews` not found").status(), 503);
        assert_eq!(failed("").status(), 503);
    }
}
