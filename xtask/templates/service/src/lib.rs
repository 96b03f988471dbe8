//! The service `new-service`: entries, each with a title, a text and an author.
//!
//! Whoever is signed in reads all of them and writes their own. Each file is
//! one route or one thing; all SQL is in `queries.rs`.

mod caller;
mod create;
mod entry;
mod fields;
#[cfg(test)]
mod fixtures;
mod list;
mod listing;
#[cfg(test)]
mod memory;
mod queries;
mod schema;
mod show;

use stoa_kit::{Method, Problem, Request, Response, Service};

/// The service.
#[derive(Debug)]
pub struct NewService;

impl Service for NewService {
    const ID: &'static str = "new-service";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn handle(request: &Request) -> Result<Response, Problem> {
        match (request.method, &request.segments()[..]) {
            (Method::Get, ["new-service"]) => list::run(request),
            (Method::Post, ["new-service"]) => create::run(request),
            (_, ["new-service"]) => Err(Problem::method_not_allowed("GET, POST")),

            (Method::Get, ["new-service", id]) => show::run(request, id),
            (_, ["new-service", _]) => Err(Problem::method_not_allowed("GET")),

            _ => Err(Problem::no_route(request)),
        }
    }
}

stoa_kit::export_service!(NewService);

#[cfg(test)]
mod tests;
