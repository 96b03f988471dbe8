//! The service registry: where every service is.
//!
//! Services say so themselves by heartbeats; operators look, add and remove
//! over HTTP. The gateway does not call the registry: it reads the
//! records (`stoa-services`) that the registry keeps in key-value.

mod beat;
mod list;
mod register;
mod remove;
mod representation;
mod show;
mod store;

use bindings::exports::wasmcloud::messaging::handler;
use stoa_kit::Method::{Delete, Get, Post};
use stoa_kit::bindings::wasmcloud::messaging::types::BrokerMessage;
use stoa_kit::{Problem, Request, Response, Service, Timestamp};
use store::Linked;

/// The handler's export, as generated.
#[allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "generated code; documented in wit/"
)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/deps/wasmcloud-messaging", "wit"],
        world: "stoa:registry/heartbeats",
        with: {
            "wasmcloud:messaging/types@0.2.0": stoa_kit::bindings::wasmcloud::messaging::types,
        },
    });

    #[cfg(target_family = "wasm")]
    export!(Registry with_types_in self);
    #[cfg(target_family = "wasm")]
    use super::Registry;
}

struct Registry;

stoa_kit::export_service!(Registry);

impl Service for Registry {
    const ID: &'static str = "registry";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn handle(request: &Request) -> Result<Response, Problem> {
        request.require_admin()?;
        let now = Timestamp::now().0;
        match (request.method, &request.segments()[..]) {
            (Get, ["services"]) => list::run(&Linked, request, now),
            (Post, ["services"]) => register::run(&Linked, request, now),
            (Get, ["services", id]) => show::run(&Linked, id, now),
            (Delete, ["services", id]) => remove::run(&Linked, id, now),
            (_, ["services"]) => Err(Problem::method_not_allowed("GET, POST")),
            (_, ["services", _]) => Err(Problem::method_not_allowed("GET, DELETE")),
            _ => Err(Problem::no_route(request)),
        }
    }
}

impl handler::Guest for Registry {
    fn handle_message(message: BrokerMessage) -> Result<(), String> {
        beat::run(&Linked, &message, Timestamp::now().0)
    }
}

#[cfg(test)]
mod tests;
