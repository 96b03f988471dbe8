//! A request on its way through the gateway: the steps, in their order. Each
//! may end it with a problem.
//!
//! First it is decided whether it is let in; that takes one key-value call at
//! most, which also finds the service. The body is read last, when it is
//! certain that somebody will get it.

use stoa_kit::service::serve;
use stoa_kit::{Problem, Request, Service as _, Timestamp};
use stoa_tokens::Realm;
use wasi::http::types::{IncomingRequest, Method};

use crate::admission::{Admission, Admitted};
use crate::answer::Answer;
use crate::cors::Cors;
use crate::headers::Headers;
use crate::outside::Base;
use crate::own::Own;
use crate::path::Target;
use crate::{body, client, lattice, outside, path, registry};

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
        let admission = Admission::new(&path, &self.method, &self.headers, &self.id)?;
        let found = admission.lookup().fetch()?;
        let realm = Realm::from_config();
        let (route, principal) = match admission.decide(&found, &realm, Timestamp::now())? {
            Admitted::Options(allow) => return Ok(self.cors.options(&allow, &self.headers).into()),
            Admitted::Route(route, principal) => (route, principal),
        };
        let service = route.service.to_owned();
        let mut request = Request {
            id: self.id.clone(),
            method: route.method,
            path,
            query,
            headers: self.headers.passed_on(),
            body: String::new(),
            principal,
            client: client::address(&self.headers),
        };
        if service == Own::ID {
            return Ok(serve::<Own>(&request).into());
        }
        let location = registry::locate(found.service.as_ref())?;
        request.body = body::of(&self.incoming, &self.headers, request.method)?;
        match Base::of(&location) {
            Some(base) => outside::call(&base, &request),
            None => lattice::call(&service, &request),
        }
    }
}
