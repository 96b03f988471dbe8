//! Email: what people are told by mail.
//!
//! Other services say what happened, by events. Each event that somebody is to
//! hear of becomes a row, and the row is sent: at once where that goes, else at
//! one of the next ticks. Each file is one route or one thing; all SQL is in
//! `queries`, the texts are in `templates/`.

mod backoff;
mod bindings;
mod delivery;
mod event;
#[cfg(test)]
mod fixtures;
mod handler;
mod list;
mod listing;
mod mail;
mod mailbox;
#[cfg(test)]
mod memory;
mod payment;
mod peers;
mod queries;
mod refusal;
mod render;
mod retry;
mod salutation;
mod schema;
mod settings;
mod show;
mod suppressions;
mod template;
mod work;

use stoa_kit::bindings::exports::stoa::clock::ticks::Timing;
use stoa_kit::{Method, Problem, Request, Response, Service, heartbeat};

/// The service.
#[derive(Debug)]
pub struct Email;

stoa_kit::export_service!(Email);

impl Service for Email {
    const ID: &'static str = "email";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn handle(request: &Request) -> Result<Response, Problem> {
        match (request.method, &request.segments()[..]) {
            (Method::Get, ["emails"]) => list::run(request),
            (Method::Get, ["emails", "suppressions"]) => suppressions::list(request),
            (Method::Delete, ["emails", "suppressions", address]) => {
                suppressions::delete(request, address)
            }
            (Method::Get, ["emails", id]) => show::run(request, id),
            (Method::Post, ["emails", id, "retry"]) => retry::run(request, id),

            (Method::Get, ["mailbox"]) => mailbox::run(request),

            _ => Err(Problem::no_route(request)),
        }
    }

    fn tick(timing: &Timing) -> Result<(), String> {
        if timing.name == work::TICK {
            return work::send().map_err(|problem| {
                problem.log(work::TICK);
                problem.detail().to_owned()
            });
        }
        let beat = heartbeat::publish(Self::ID, Self::VERSION, timing);
        work::tidy_up();
        beat
    }
}

#[cfg(test)]
mod tests;
