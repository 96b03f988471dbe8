//! The catalogue: products, their prices, the stock on hand, and search.
//!
//! Anyone reads what is published; administrators read and write everything.
//! Each file is one route or one thing; all SQL is in `queries.rs`.

mod create;
mod delete;
mod fields;
#[cfg(test)]
mod fixtures;
mod image;
mod list;
mod listing;
#[cfg(test)]
mod memory;
mod merge;
mod product;
mod queries;
mod replace;
mod schema;
mod show;
mod slug;
mod words;

use stoa_kit::{Method, Problem, Request, Response, Service};

/// The service.
#[derive(Debug)]
pub struct Product;

impl Service for Product {
    const ID: &'static str = "product";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn handle(request: &Request) -> Result<Response, Problem> {
        match (request.method, &request.segments()[..]) {
            (Method::Get, ["products"]) => list::run(request),
            (Method::Post, ["products"]) => create::run(request),
            (_, ["products"]) => Err(Problem::method_not_allowed("GET, POST")),

            (Method::Get, ["products", id]) => show::run(request, id),
            (Method::Put, ["products", id]) => replace::run(request, id),
            (Method::Patch, ["products", id]) => merge::run(request, id),
            (Method::Delete, ["products", id]) => delete::run(request, id),
            (_, ["products", _]) => Err(Problem::method_not_allowed("GET, PUT, PATCH, DELETE")),

            _ => Err(Problem::no_route(request)),
        }
    }
}

stoa_kit::export_service!(Product);

#[cfg(test)]
mod tests;
