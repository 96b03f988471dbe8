//! A component that does what it is told: the tests of the engine have it
//! wait, trap, answer at length and call others like it. See `wit/probe.wit`.

mod bindings;

use std::io::{Read as _, Write as _};
use std::time::Duration;

use wasi::exports::http::incoming_handler;
use wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

use crate::bindings::exports::stoa::probe::steps::{Guest, RpcError};
use crate::bindings::stoa::probe::steps;
use crate::bindings::wasi::config::store;

struct Probe;

impl Guest for Probe {
    fn perform(path: String, body: String) -> Result<Result<String, String>, RpcError> {
        Ok(perform(&path, &body))
    }
}

fn perform(path: &str, body: &str) -> Result<String, String> {
    let mut said = String::new();
    let mut rest = path.trim_matches('/');
    while !rest.is_empty() {
        let (step, after) = take(rest);
        rest = after;
        match step {
            "call" => {
                return match steps::perform(rest, body) {
                    Ok(outcome) => outcome,
                    Err(error) => Err(error.to_debug_string()),
                };
            }
            "sleep" => std::thread::sleep(Duration::from_millis(number(&mut rest)?)),
            "spin" => loop {
                std::hint::spin_loop();
            },
            "trap" => panic!("as told"),
            "size" => {
                let size = usize::try_from(number(&mut rest)?).map_err(|e| e.to_string())?;
                said = "x".repeat(size);
            }
            "length" => said = body.len().to_string(),
            "name" => {
                let name = store::get("name").map_err(|error| format!("{error:?}"))?;
                said = name.unwrap_or_default();
            }
            other => return Err(format!("no step {other:?}")),
        }
    }
    Ok(said)
}

/// The first step, and the rest.
fn take(path: &str) -> (&str, &str) {
    path.split_once('/').unwrap_or((path, ""))
}

fn number(rest: &mut &str) -> Result<u64, String> {
    let (number, after) = take(rest);
    *rest = after;
    number.parse().map_err(|_| format!("no number: {number:?}"))
}

impl incoming_handler::Guest for Probe {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let outcome = read(&request).and_then(|body| perform(&path, &body));
        let (status, said) = match outcome {
            Ok(said) => (200, said),
            Err(error) => (502, error),
        };
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body();
        let set = response.set_status_code(status);
        ResponseOutparam::set(out, Ok(response));
        if let (Ok(()), Ok(body)) = (set, body) {
            if let Ok(mut stream) = body.write() {
                // The client may have gone.
                let _ = stream.write_all(said.as_bytes());
            }
            let _ = OutgoingBody::finish(body, None);
        }
    }
}

fn read(request: &IncomingRequest) -> Result<String, String> {
    let body = request.consume().map_err(|()| "no body".to_owned())?;
    let mut stream = body.stream().map_err(|()| "no stream".to_owned())?;
    let mut text = String::new();
    stream
        .read_to_string(&mut text)
        .map_err(|e| e.to_string())?;
    Ok(text)
}
