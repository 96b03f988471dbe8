//! Payments: who pays how much for what, and where the money is.
//!
//! A payment moves through the states in `state`; what is asked of a processor
//! is written down before it is asked (`act`), and asked again with the same
//! key until there is an answer (`reconcile`), so that money never moves twice.
//! `change` says what a finding does to a payment; `ledger` keeps what moved.
//! Each file is one route or one thing; all SQL is in `queries`.

mod act;
mod bindings;
mod body;
mod caller;
mod cancel;
mod capture;
mod card;
mod change;
mod confirm;
mod create;
mod events;
mod fields;
#[cfg(test)]
mod fixtures;
mod housekeeping;
mod ledger;
mod list;
mod listing;
#[cfg(test)]
mod memory;
mod operation;
mod outbox;
mod payment;
mod peers;
mod queries;
mod reconcile;
mod refund;
mod refunds;
mod schema;
mod show;
mod standing;
mod state;
mod webhook;

use stoa_kit::bindings::exports::stoa::clock::ticks::Timing;
use stoa_kit::{Method, Problem, Request, Response, Service, heartbeat};

/// The service.
#[derive(Debug)]
pub struct Payments;

stoa_kit::export_service!(Payments);

impl Service for Payments {
    const ID: &'static str = "payment";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn handle(request: &Request) -> Result<Response, Problem> {
        match (request.method, &request.segments()[..]) {
            (Method::Get, ["payments"]) => list::run(request),
            (Method::Post, ["payments"]) => create::run(request),
            (_, ["payments"]) => Err(Problem::method_not_allowed("GET, POST")),

            (Method::Get, ["payments", id]) => show::run(request, id),
            (Method::Get, ["payments", id, "events"]) => events::run(request, id),
            (Method::Post, ["payments", id, "confirm"]) => confirm::run(request, id),
            (Method::Post, ["payments", id, "capture"]) => capture::run(request, id),
            (Method::Post, ["payments", id, "cancel"]) => cancel::run(request, id),
            (Method::Post, ["payments", id, "refunds"]) => refunds::run(request, id),

            (Method::Post, ["webhooks", "payments", processor]) => webhook::run(request, processor),

            _ => Err(Problem::no_route(request)),
        }
    }

    fn tick(timing: &Timing) -> Result<(), String> {
        if stoa_outbox::is_due(timing) {
            return stoa_outbox::relay(&queries::DATABASE, stoa_outbox::publish)
                .map_err(|error| error.to_string());
        }
        // A link of its own: processors may be slow, and beats must not wait.
        if timing.name == "work-payment" {
            housekeeping::run(timing.sequence);
            return Ok(());
        }
        heartbeat::publish(Self::ID, Self::VERSION, timing)
    }
}

#[cfg(test)]
mod tests;
