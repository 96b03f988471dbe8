//! A request on its way through the gateway: the steps, in their order. Each
//! may end it with a problem.
//!
//! What the path names is decided before who asks: a path that is not there is
//! 404 for everybody, with good credentials, bad ones or none. The body is read
//! last, when it is certain that somebody will get it.

use stoa_kit::service::serve;
use stoa_kit::{Problem, Request, Service as _};
use wasi::http::types::{IncomingRequest, Method};

use crate::answer::Answer;
use crate::cors::Cors;
use crate::headers::Headers;
use crate::outside::Base;
use crate::own::Own;
use crate::path::Target;
use crate::routes::Place;
use crate::{auth, body, lattice, outside, path, registry, routes};

/// A request and what every answer to it needs.
#[derive(Debug)]
pub struct Exchange {
    /// The request's method.
    pub method: Method,
    /// The request's id.
    pub id: String,
    /// What the request's origin may do.
    pub cors: Cors,
    headers: Headers,
    incoming: IncomingRequest,
}

impl Exchange {
    /// Takes in a request.
    pub fn new(incoming: IncomingRequest) -> Self {
        let headers = Headers::new(incoming.headers().entries());
        Self {
            method: incoming.method(),
            id: headers.request_id(),
            cors: Cors::decide(&headers),
            headers,
            incoming,
        }
    }

    /// The answer, not dressed yet.
    pub fn respond(&self) -> Result<Answer, Problem> {
        let target = self.incoming.path_with_query().unwrap_or_default();
        let Target { path, query } = path::parse(&target)?;
        let no_route = || Problem::no_route_at(&path);
        let place = routes::find(&path).ok_or_else(no_route)?;
        // Beside the table, a path is there when its service is known.
        let known = match place {
            Place::Listed(_) => None,
            Place::Dynamic(service) => Some(registry::find(service)?.ok_or_else(no_route)?),
        };
        if matches!(self.method, Method::Options) {
            return Ok(self.cors.options(&place.allow(), &self.headers).into());
        }
        let route = place.route(routes::method(&self.method))?;
        let principal = auth::authenticate(&self.headers)?;
        route.access.admit(&principal)?;
        let service = route.service.to_owned();
        let mut request = Request {
            id: self.id.clone(),
            method: route.method,
            path,
            query,
            headers: self.headers.passed_on(),
            body: String::new(),
            principal,
            client: String::new(),
        };
        if service == Own::ID {
            return Ok(serve::<Own>(&request).into());
        }
        let record = match known {
            Some(record) => Some(record),
            None => registry::find(&service)?,
        };
        let location = registry::locate(record)?;
        request.body = body::of(&self.incoming, &self.headers, request.method)?;
        match Base::of(&location) {
            Some(base) => outside::call(&base, &request),
            None => lattice::call(&service, &request),
        }
    }
}
