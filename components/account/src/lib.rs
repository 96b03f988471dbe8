//! Accounts: who the customers and administrators are.
//!
//! Owners read and write their own account, administrators all of them; for
//! everybody else, an account is not there. Other services ask by the
//! `directory`. Each file is one route or one thing; all SQL is in
//! `queries.rs`.

mod account;
mod caller;
mod change;
mod create;
mod delete;
mod directory;
mod fields;
#[cfg(test)]
mod fixtures;
mod list;
mod listing;
#[cfg(test)]
mod memory;
mod merge;
mod outbox;
mod queries;
mod replace;
mod schema;
mod sessions;
mod show;

use stoa_kit::bindings::exports::stoa::clock::ticks::Timing;
use stoa_kit::{Method, Problem, Request, Response, Service, heartbeat};

/// The directory's export and what is asked of auth, as generated.
#[allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    reason = "generated code; documented in wit/"
)]
mod bindings {
    wit_bindgen::generate!({
        path: [
            "../../wit/deps/wasi-io",
            "../../wit/deps/wrpc-rpc",
            "../../wit/stoa-http",
            "../../wit/stoa-accounts",
            "../../wit/stoa-auth",
            "wit",
        ],
        world: "stoa:account/accounts",
        with: {
            "stoa:accounts/types@0.1.0": generate,
            "stoa:auth/sessions@0.1.0": generate,
            "stoa:auth/types@0.1.0": generate,
            "stoa:http/types@0.1.0": stoa_kit::bindings::stoa::http::types,
            "wasi:io/error@0.2.0": stoa_kit::bindings::wasi::io::error,
            "wrpc:rpc/error@0.1.0": stoa_kit::bindings::wrpc::rpc::error,
        },
    });

    #[cfg(target_family = "wasm")]
    export!(Account with_types_in self);
    #[cfg(target_family = "wasm")]
    use super::Account;
}

/// The service.
#[derive(Debug)]
pub struct Account;

stoa_kit::export_service!(Account);

impl Service for Account {
    const ID: &'static str = "account";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn handle(request: &Request) -> Result<Response, Problem> {
        match (request.method, &request.segments()[..]) {
            (Method::Get, ["accounts"]) => list::run(request),
            (Method::Post, ["accounts"]) => create::run(request),
            (_, ["accounts"]) => Err(Problem::method_not_allowed("GET, POST")),

            (Method::Get, ["accounts" | "account", id]) => show::run(request, id),
            (Method::Put, ["accounts" | "account", id]) => replace::run(request, id),
            (Method::Patch, ["accounts" | "account", id]) => merge::run(request, id),
            (Method::Delete, ["accounts" | "account", id]) => delete::run(request, id),
            (_, ["accounts" | "account", _]) => {
                Err(Problem::method_not_allowed("GET, PUT, PATCH, DELETE"))
            }

            _ => Err(Problem::no_route(request)),
        }
    }

    fn tick(timing: &Timing) -> Result<(), String> {
        if stoa_outbox::is_due(timing) {
            return stoa_outbox::relay(&queries::DATABASE, stoa_outbox::publish)
                .map_err(|error| error.to_string());
        }
        heartbeat::publish(Self::ID, Self::VERSION, timing)
    }
}

#[cfg(test)]
mod tests;
