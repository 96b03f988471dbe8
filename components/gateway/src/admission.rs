//! Whether a request is let in: what its path names, then who asks.
//!
//! What needs no key-value is decided before the request's one call of it, so
//! that a path that is not in the table, a method that is not there, or a token
//! that is none costs nobody a call. What is said first does not change by
//! that: a path that is not there is 404 for everybody, with good credentials,
//! bad ones or none.

use stoa_kit::{Principal, Problem, Service as _, Timestamp};
use stoa_tokens::{Realm, Unverified};
use wasi::http::types::Method;

use crate::auth;
use crate::headers::Headers;
use crate::lookup::{Found, Lookup};
use crate::own::Own;
use crate::routes::{self, Place, Route};

/// A request at the door.
pub struct Admission<'a> {
    path: &'a [String],
    id: &'a str,
    place: Place<'a>,
    /// `None` for OPTIONS.
    asked: Result<Option<Asked<'a>>, Problem>,
}

/// What the request wants, as far as it can be told without key-value.
struct Asked<'a> {
    route: Route<'a>,
    token: Option<Unverified<'a>>,
}

/// What a request may do.
#[derive(Debug)]
pub enum Admitted<'a> {
    /// To know which methods there are; these, as `Allow` lists them.
    Options(String),
    /// To use a route, as somebody.
    Route(Route<'a>, Principal),
}

impl<'a> Admission<'a> {
    /// Takes in a request.
    ///
    /// Errors: `no_route` (404). All others wait for [`Admission::decide`].
    pub fn new(
        path: &'a [String],
        method: &Method,
        headers: &'a Headers,
        id: &'a str,
    ) -> Result<Self, Problem> {
        let place = routes::find(path).ok_or_else(|| Problem::no_route_at(path))?;
        Ok(Self {
            path,
            id,
            place,
            asked: ask(place, method, headers, id),
        })
    }

    /// What has to be looked up. Beside the table, a path is there when its
    /// service is known, whatever else is wrong.
    pub fn lookup(&self) -> Lookup<'_> {
        let asked = self.asked.as_ref().ok().and_then(Option::as_ref);
        let service = match self.place {
            Place::Dynamic(service) => Some(service),
            Place::Listed(_) => asked.map(|asked| asked.route.service),
        };
        Lookup {
            service: service.filter(|service| *service != Own::ID),
            token: asked.and_then(|asked| asked.token.as_ref()),
        }
    }

    /// What the request may do, by what was found.
    ///
    /// Errors: `no_route` (404), `method_not_allowed` (405), `unauthorized`
    /// and `invalid_token` (401), `forbidden` (403); in this order.
    pub fn decide(
        self,
        found: &Found,
        realm: &Realm,
        now: Timestamp,
    ) -> Result<Admitted<'a>, Problem> {
        if matches!(self.place, Place::Dynamic(_)) && found.service.is_none() {
            return Err(Problem::no_route_at(self.path));
        }
        let Some(Asked { route, token }) = self.asked? else {
            return Ok(Admitted::Options(self.place.allow()));
        };
        let principal = match token {
            None => Principal::Anonymous,
            Some(token) => auth::verify(token, found, route.access, realm, now, self.id)?,
        };
        route.access.admit(&principal)?;
        Ok(Admitted::Route(route, principal))
    }
}

fn ask<'a>(
    place: Place<'a>,
    method: &Method,
    headers: &'a Headers,
    id: &str,
) -> Result<Option<Asked<'a>>, Problem> {
    if matches!(method, Method::Options) {
        return Ok(None);
    }
    let route = place.route(routes::method(method))?;
    let token = auth::token(headers, id)?;
    if token.is_none() {
        route.access.admit(&Principal::Anonymous)?;
    }
    Ok(Some(Asked { route, token }))
}

#[cfg(test)]
mod tests {
    use stoa_kit::Role;

    use super::*;
    use crate::auth::fixtures::{NOW, Session, authorization, realm};
    use crate::lookup::table::Table;

    /// What comes of a request: a status, with the account where there is one,
    /// and whether anything was looked up.
    fn ask(
        method: &Method,
        path: &str,
        credentials: Option<&str>,
        table: &Table,
    ) -> (u16, bool, bool) {
        let path: Vec<_> = path.split('/').skip(1).map(str::to_owned).collect();
        let values: Vec<_> = credentials.iter().map(|value| value.as_bytes()).collect();
        let headers = authorization(&values);
        let admission = match Admission::new(&path, method, &headers, "req-1") {
            Ok(admission) => admission,
            Err(problem) => return (problem.status(), false, false),
        };
        let lookup = admission.lookup();
        let looks = lookup.service.is_some() || lookup.token.is_some();
        let found = lookup.fetch_of(table);
        match admission.decide(&found, &realm(), NOW) {
            Ok(Admitted::Options(_)) => (204, false, looks),
            Ok(Admitted::Route(_, principal)) => (200, principal != Principal::Anonymous, looks),
            Err(problem) => (problem.status(), false, looks),
        }
    }

    fn bearer(session: &Session) -> String {
        format!("Bearer {}", session.token())
    }

    /// The store, with a service that was added at run time.
    fn table(session: &Session) -> Table {
        let mut table = session.table();
        table.insert("reviews".to_owned(), "{}".to_owned());
        table
    }

    #[test]
    fn what_the_path_names_is_decided_before_who_asks() {
        let session = Session::new();
        let (table, good) = (table(&session), bearer(&session));
        for credentials in [None, Some("Bearer bad"), Some("Basic YTpi"), Some(&*good)] {
            let status = |method: &Method, path| ask(method, path, credentials, &table).0;
            for (method, path, expected) in [
                (&Method::Get, "/auth", 404),
                (&Method::Post, "/signin/x", 404),
                (&Method::Get, "/nothing", 404),
                (&Method::Trace, "/nothing", 404),
                (&Method::Options, "/nothing", 404),
                (&Method::Trace, "/reviews/1", 405),
                (&Method::Delete, "/products", 405),
                (&Method::Get, "/signin", 405),
                (&Method::Options, "/reviews/1", 204),
                (&Method::Options, "/signin", 204),
            ] {
                assert_eq!(status(method, path), expected, "{path} {credentials:?}");
            }
        }
    }

    #[test]
    fn bad_credentials_are_refused_where_none_are_needed() {
        let session = Session::new();
        let table = table(&session);
        let unknown = Session {
            key: stoa_tokens::SigningKey::from_seed(&[7; 32]),
            ..Session::new()
        };
        for credentials in ["Bearer bad", "Basic YTpi", "Bearer ", &bearer(&unknown)] {
            for path in [
                "/products",
                "/health/live",
                "/openapi.yaml",
                "/reviews/1",
                "/.well-known/jwks.json",
                "/signout",
            ] {
                let (status, ..) = ask(&Method::Get, path, Some(credentials), &table);
                assert_eq!(status, 401, "{path} {credentials}");
            }
        }
    }

    #[test]
    fn good_credentials_are_admitted_by_role() {
        let session = Session::new();
        let table = table(&session);
        let customer = bearer(&session);
        let admin = bearer(&Session::with(vec![Role::Admin]));
        for (path, anonymous, signed_in, administers) in [
            ("/products", 200, 200, 200),
            ("/accounts/1", 401, 200, 200),
            ("/accounts", 401, 403, 200),
            ("/signout", 401, 200, 200),
            ("/sessions", 401, 200, 200),
            ("/reviews/1", 401, 200, 200),
            ("/health/live", 200, 200, 200),
        ] {
            let status = |credentials| ask(&Method::Get, path, credentials, &table).0;
            assert_eq!(status(None), anonymous, "{path}");
            assert_eq!(status(Some(&*customer)), signed_in, "{path}");
            assert_eq!(status(Some(&*admin)), administers, "{path}");
        }
        let (_, is_known, _) = ask(&Method::Get, "/products", Some(&*customer), &table);
        assert!(is_known);
    }

    #[test]
    fn nothing_is_looked_up_that_is_not_needed() {
        let session = Session::new();
        let (table, good) = (table(&session), bearer(&session));
        for (method, path, credentials, looks) in [
            (Method::Get, "/health/live", None, false),
            (Method::Get, "/health/live", Some(&*good), true),
            (Method::Get, "/products", None, true),
            (Method::Get, "/products", Some("Bearer bad"), false),
            (Method::Get, "/accounts", None, false),
            (Method::Delete, "/products", Some(&good), false),
            (Method::Options, "/products", Some(&good), false),
            (Method::Options, "/reviews", Some(&good), true),
            (Method::Get, "/reviews", None, true),
            (Method::Get, "/auth", Some(&good), false),
        ] {
            let (_, _, looked) = ask(&method, path, credentials, &table);
            assert_eq!(looked, looks, "{path} {credentials:?}");
        }
        let headers = authorization(&[good.as_bytes()]);
        let path = ["reviews".to_owned()];
        for method in [Method::Options, Method::Trace] {
            let admission = Admission::new(&path, &method, &headers, "req-1").ok();
            let lookup_has_token = admission.is_none_or(|a| a.lookup().token.is_some());
            assert!(!lookup_has_token, "{method:?}");
        }
    }

    #[test]
    fn a_token_in_the_path_or_the_query_is_none() {
        let session = Session::new();
        // The query is no part of what is decided here: a header or nothing.
        let (status, is_known, _) = ask(&Method::Get, "/products", None, &table(&session));
        assert_eq!((status, is_known), (200, false));
        let path = format!("/products/{}", session.token());
        let (status, is_known, _) = ask(&Method::Get, &path, None, &table(&session));
        assert_eq!((status, is_known), (200, false));
    }
}
