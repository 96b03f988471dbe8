//! Authentication: who somebody is, shown by a password, and then by tokens.
//!
//! A sign-in opens a session. Its access tokens are verified by the gateway,
//! without asking here; its refresh token is exchanged here for new ones.
//! Accounts themselves are the account service's, hashing is the hasher's. Each
//! file is one route or one thing; all SQL is in `queries`.

mod bindings;
mod caller;
mod change_email;
mod change_password;
mod credentials;
mod fields;
#[cfg(test)]
mod fixtures;
mod forgot;
mod housekeeping;
mod keys;
mod mail;
#[cfg(test)]
mod memory;
mod one_time;
mod operator;
mod outbox;
mod peers;
mod queries;
mod refresh;
mod refresh_token;
mod resend;
mod reset;
mod revocation;
mod schema;
mod secret;
mod session;
mod sessions;
mod sign_in;
mod sign_out;
mod sign_up;
mod throttle;
mod verify;

use stoa_kit::bindings::exports::stoa::clock::ticks::Timing;
use stoa_kit::{Method, Problem, Request, Response, Service, heartbeat};

/// The service.
#[derive(Debug)]
pub struct Auth;

stoa_kit::export_service!(Auth);

impl Service for Auth {
    const ID: &'static str = "auth";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn handle(request: &Request) -> Result<Response, Problem> {
        match (request.method, &request.segments()[..]) {
            (Method::Post, ["signup"]) => sign_up::run(request),
            (Method::Post, ["signin"]) => sign_in::run(request),
            (Method::Post, ["token"]) => refresh::run(request),
            (Method::Get | Method::Post, ["signout"]) => sign_out::run(request),

            (Method::Post, ["verify"]) => verify::run(request),
            (Method::Post, ["verify", "resend"]) => resend::run(request),
            (Method::Post, ["email"]) => change_email::run(request),
            (Method::Post, ["password"]) => change_password::run(request),
            (Method::Post, ["password", "forgot"]) => forgot::run(request),
            (Method::Post, ["password", "reset"]) => reset::run(request),

            (Method::Get, ["sessions"]) => sessions::list(request),
            (Method::Delete, ["sessions", id]) => sessions::end(request, id),

            _ => Err(Problem::no_route(request)),
        }
    }

    fn tick(timing: &Timing) -> Result<(), String> {
        if stoa_outbox::is_due(timing) {
            return stoa_outbox::relay(&queries::DATABASE, stoa_outbox::publish)
                .map_err(|error| error.to_string());
        }
        housekeeping::run(timing.sequence);
        heartbeat::publish(Self::ID, Self::VERSION, timing)
    }
}

#[cfg(test)]
mod tests;
