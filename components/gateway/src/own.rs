//! What the gateway answers itself. It does so as a service among services,
//! so that problems, entity tags and 304 work as everywhere.

use stoa_kit::{Problem, Request, Response, Service};

use crate::{health, jwks};

/// The gateway's id.
pub const GATEWAY: &str = "gateway";

/// The API's description, which a test keeps in step with the route table.
const OPENAPI: &str = include_str!("../../../docs/openapi.yaml");

/// The gateway as a service.
#[derive(Debug)]
pub struct Own;

impl Service for Own {
    const ID: &'static str = GATEWAY;
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn handle(request: &Request) -> Result<Response, Problem> {
        match &request.segments()[..] {
            ["health", "live"] => health::live(),
            ["health", "ready"] => health::ready(),
            ["openapi.yaml"] => Ok(openapi()),
            [".well-known", "jwks.json"] => jwks::show(),
            _ => Err(Problem::no_route(request)),
        }
    }
}

/// The API's description. It changes with the gateway only, so clients may
/// keep it for a while.
fn openapi() -> Response {
    Response {
        body: OPENAPI.to_owned(),
        ..Response::empty(200)
    }
    .header("content-type", "application/yaml")
    .header("cache-control", "public, max-age=300")
    .etag_of_body()
}
