//! The API's table of contents: which routes there are, which service answers
//! each, and who may use it. What is not listed is not there.
//!
//! Beside the table there are services added at run time: `/<service id>/...`
//! of a registered service whose id the table does not use leads to it, for
//! whoever is signed in.

use stoa_kit::{Method, Principal, Problem, Role};
use stoa_services::ServiceId;
use wasi::http::types::Method as HttpMethod;

use crate::own::GATEWAY;

/// Every route with an address of its own. `{...}` stands for one segment; of
/// two patterns that fit a path, the first one is meant.
pub const ROUTES: &[Route] = &[
    public(Method::Get, "/health/live", GATEWAY),
    public(Method::Get, "/health/ready", GATEWAY),
    public(Method::Get, "/openapi.yaml", GATEWAY),
    public(Method::Get, "/.well-known/jwks.json", GATEWAY),
    //
    public(Method::Post, "/signup", "auth"),
    public(Method::Post, "/signin", "auth"),
    public(Method::Post, "/token", "auth"),
    session(Method::Get, "/signout", "auth"),
    session(Method::Post, "/signout", "auth"),
    public(Method::Post, "/verify", "auth"),
    user(Method::Post, "/verify/resend", "auth"),
    public(Method::Post, "/password/forgot", "auth"),
    public(Method::Post, "/password/reset", "auth"),
    user(Method::Post, "/password", "auth"),
    user(Method::Post, "/email", "auth"),
    user(Method::Get, "/sessions", "auth"),
    user(Method::Delete, "/sessions/{id}", "auth"),
    //
    public(Method::Get, "/products", "product"),
    admin(Method::Post, "/products", "product"),
    public(Method::Get, "/products/{id}", "product"),
    admin(Method::Put, "/products/{id}", "product"),
    admin(Method::Patch, "/products/{id}", "product"),
    admin(Method::Delete, "/products/{id}", "product"),
    //
    admin(Method::Get, "/accounts", "account"),
    admin(Method::Post, "/accounts", "account"),
    user(Method::Get, "/accounts/{id}", "account"),
    user(Method::Put, "/accounts/{id}", "account"),
    user(Method::Patch, "/accounts/{id}", "account"),
    user(Method::Delete, "/accounts/{id}", "account"),
    user(Method::Get, "/account/{id}", "account"),
    user(Method::Put, "/account/{id}", "account"),
    user(Method::Patch, "/account/{id}", "account"),
    user(Method::Delete, "/account/{id}", "account"),
    //
    user(Method::Get, "/payments", "payment"),
    user(Method::Post, "/payments", "payment"),
    user(Method::Get, "/payments/{id}", "payment"),
    user(Method::Get, "/payments/{id}/events", "payment"),
    user(Method::Post, "/payments/{id}/confirm", "payment"),
    user(Method::Post, "/payments/{id}/capture", "payment"),
    user(Method::Post, "/payments/{id}/cancel", "payment"),
    user(Method::Post, "/payments/{id}/refunds", "payment"),
    public(Method::Post, "/webhooks/payments/{processor}", "payment"),
    //
    admin(Method::Get, "/emails", "email"),
    admin(Method::Get, "/emails/suppressions", "email"),
    admin(Method::Delete, "/emails/suppressions/{address}", "email"),
    admin(Method::Get, "/emails/{id}", "email"),
    admin(Method::Post, "/emails/{id}/retry", "email"),
    public(Method::Get, "/mailbox", "email"),
    //
    admin(Method::Get, "/services", "registry"),
    admin(Method::Post, "/services", "registry"),
    admin(Method::Get, "/services/{id}", "registry"),
    admin(Method::Delete, "/services/{id}", "registry"),
];

/// A method and a path, who answers, and who may ask.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    /// The method; HEAD goes with GET.
    pub method: Method,
    /// The path's pattern.
    pub pattern: &'a str,
    /// The id of the service that answers.
    pub service: &'a str,
    /// Who may ask.
    pub access: Access,
}

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Whoever has a session, also with an access token that has expired: to
    /// end it.
    Session,
    /// Whoever is signed in; the service may be stricter.
    User,
    /// Administrators.
    Admin,
}

const fn public(method: Method, pattern: &'static str, service: &'static str) -> Route<'static> {
    Route {
        method,
        pattern,
        service,
        access: Access::Public,
    }
}

const fn session(method: Method, pattern: &'static str, service: &'static str) -> Route<'static> {
    Route {
        method,
        pattern,
        service,
        access: Access::Session,
    }
}

const fn user(method: Method, pattern: &'static str, service: &'static str) -> Route<'static> {
    Route {
        method,
        pattern,
        service,
        access: Access::User,
    }
}

const fn admin(method: Method, pattern: &'static str, service: &'static str) -> Route<'static> {
    Route {
        method,
        pattern,
        service,
        access: Access::Admin,
    }
}

impl Access {
    /// Lets pass whom the route is for.
    ///
    /// Errors: `unauthorized` (401), `forbidden` (403).
    pub fn admit(self, principal: &Principal) -> Result<(), Problem> {
        match (self, principal) {
            (Self::Public, _) | (Self::Session | Self::User, Principal::Account(_)) => Ok(()),
            (Self::Admin, Principal::Account(identity)) => {
                if identity.roles.contains(&Role::Admin) {
                    Ok(())
                } else {
                    Err(Problem::forbidden("This needs an administrator."))
                }
            }
            (Self::Session | Self::User | Self::Admin, Principal::Anonymous) => {
                Err(Problem::unauthorized("This needs an access token."))
            }
        }
    }
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// The routes of the table with this pattern.
    Listed(&'a str),
    /// The service with this id, if it is registered.
    Dynamic(&'a str),
}

/// The place a path leads to, if any.
pub fn find(path: &[String]) -> Option<Place<'_>> {
    if let Some(route) = ROUTES.iter().find(|route| fits(route.pattern, path)) {
        return Some(Place::Listed(route.pattern));
    }
    let first = path.first()?;
    let taken = ROUTES
        .iter()
        .any(|route| route.service == first || first_segment(route.pattern) == first);
    (!taken && ServiceId::parse(first).is_some()).then_some(Place::Dynamic(first))
}

fn fits(pattern: &str, path: &[String]) -> bool {
    let mut expected = pattern.split('/').skip(1);
    path.iter().all(|segment| {
        expected
            .next()
            .is_some_and(|e| e.starts_with('{') || e == segment)
    }) && expected.next().is_none()
}

fn first_segment(pattern: &str) -> &str {
    pattern.split('/').nth(1).unwrap_or_default()
}

/// The methods of a service added at run time.
const DYNAMIC: [Method; 5] = [
    Method::Get,
    Method::Post,
    Method::Put,
    Method::Patch,
    Method::Delete,
];

impl<'a> Place<'a> {
    /// The route for a method; `None` is a method no route has.
    ///
    /// Errors: `method_not_allowed` (405).
    pub fn route(self, method: Option<Method>) -> Result<Route<'a>, Problem> {
        method
            .and_then(|method| self.routes().find(|route| route.method == method))
            .ok_or_else(|| Problem::method_not_allowed(&self.allow()))
    }

    /// The methods of this place, as the `Allow` header lists them.
    pub fn allow(self) -> String {
        let mut allow = String::new();
        for route in self.routes() {
            allow.push_str(name(route.method));
            allow.push_str(", ");
        }
        allow.push_str("OPTIONS");
        allow
    }

    fn routes(self) -> impl Iterator<Item = Route<'a>> {
        let table: &[Route<'a>] = ROUTES;
        let listed = table
            .iter()
            .copied()
            .filter(move |route| self == Place::Listed(route.pattern));
        let dynamic = DYNAMIC.into_iter().filter_map(move |method| match self {
            Place::Listed(_) => None,
            Place::Dynamic(service) => Some(Route {
                method,
                pattern: "/{service}/...",
                service,
                access: Access::User,
            }),
        });
        listed.chain(dynamic)
    }
}

/// The method a route is looked up by: HEAD is a GET whose body is not sent.
pub fn method(method: &HttpMethod) -> Option<Method> {
    match method {
        HttpMethod::Get | HttpMethod::Head => Some(Method::Get),
        HttpMethod::Post => Some(Method::Post),
        HttpMethod::Put => Some(Method::Put),
        HttpMethod::Patch => Some(Method::Patch),
        HttpMethod::Delete => Some(Method::Delete),
        _ => None,
    }
}

/// The name of a method in `Allow`, with HEAD, which comes with GET.
fn name(method: Method) -> &'static str {
    match method {
        Method::Get => "GET, HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    }
}

#[cfg(test)]
mod tests {
    use stoa_kit::Identity;

    use super::*;

    fn path(path: &str) -> Vec<String> {
        path.split('/').skip(1).map(str::to_owned).collect()
    }

    fn account(roles: Vec<Role>) -> Principal {
        Principal::Account(Identity {
            account_id: "a".into(),
            session_id: "s".into(),
            roles,
        })
    }

    #[test]
    fn a_listed_path_leads_to_its_service() {
        let path = path("/products/42");
        let place = find(&path).unwrap();
        let route = place.route(Some(Method::Put)).unwrap();
        assert_eq!(place, Place::Listed("/products/{id}"));
        assert_eq!((route.service, route.access), ("product", Access::Admin));
    }

    #[test]
    fn an_account_is_at_two_paths_for_whoever_is_signed_in() {
        for (text, pattern) in [
            ("/accounts/42", "/accounts/{id}"),
            ("/account/42", "/account/{id}"),
        ] {
            let path = path(text);
            let place = find(&path).unwrap();
            assert_eq!(place, Place::Listed(pattern));
            assert_eq!(place.allow(), "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
            let route = place.route(Some(Method::Delete)).unwrap();
            assert_eq!((route.service, route.access), ("account", Access::User));
        }
    }

    #[test]
    fn payments_are_for_whoever_is_signed_in_and_their_webhooks_for_everybody() {
        for (text, method, access) in [
            ("/payments", Method::Post, Access::User),
            ("/payments/42/refunds", Method::Post, Access::User),
            ("/payments/42/events", Method::Get, Access::User),
            ("/webhooks/payments/stripe", Method::Post, Access::Public),
        ] {
            let path = path(text);
            let route = find(&path).unwrap().route(Some(method)).unwrap();
            assert_eq!((route.service, route.access), ("payment", access), "{text}");
        }
    }

    #[test]
    fn signing_out_is_for_whoever_has_a_session_by_either_method() {
        let path = path("/signout");
        let place = find(&path).unwrap();
        for method in [Method::Get, Method::Post] {
            let route = place.route(Some(method)).unwrap();
            assert_eq!((route.service, route.access), ("auth", Access::Session));
        }
        assert!(place.route(Some(Method::Delete)).is_err());
    }

    #[test]
    fn another_method_is_told_which_there_are() {
        let path = path("/products/42");
        for method in [Some(Method::Post), None] {
            let problem = find(&path).unwrap().route(method).unwrap_err();
            let response = problem.into_response("r");
            assert_eq!(response.status, 405);
            let allow = response.get_header("allow");
            assert_eq!(allow, Some("GET, HEAD, PUT, PATCH, DELETE, OPTIONS"));
        }
    }

    #[test]
    fn what_is_not_listed_is_not_there() {
        for unlisted in [
            "/products/42/more",
            "/health",
            "/health/dead",
            "/services/a/b",
            "/openapi.json",
            "/product",
            "/product/42",
            "/account",
            "/accounts/42/more",
            "/payment",
            "/payment/42",
            "/payments/42/more",
            "/payments/42/events/1",
            "/webhooks",
            "/webhooks/payments",
            "/webhooks/payments/stripe/1",
            "/webhooks/orders/stripe",
            "/registry",
            "/gateway",
            "/health/live/now",
            "/Products",
            "/.well-known",
            "/.well-known/jwks",
            "/.well-known/jwks.json/keys",
            "/auth",
            "/auth/key/a",
            "/signin/x",
            "/signup/x",
            "/token/x",
            "/verify/x",
            "/password/x",
            "/email/x",
            "/sessions/a/b",
            "/emails/a/b",
            "/emails/a/retry/b",
            "/mailbox/x",
            "/a_b",
            "/{id}",
            "/a b",
        ] {
            assert_eq!(find(&path(unlisted)), None, "{unlisted}");
        }
        assert_eq!(find(&[]), None);
        assert_eq!(find(&path(&format!("/{}", "a".repeat(64)))), None);
    }

    #[test]
    fn a_service_added_at_run_time_is_for_whoever_is_signed_in() {
        let path = path("/reviews/1/votes");
        let place = find(&path).unwrap();
        assert_eq!(place, Place::Dynamic("reviews"));
        assert_eq!(
            place.allow(),
            "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
        );
        for method in DYNAMIC {
            let route = place.route(Some(method)).unwrap();
            assert_eq!((route.service, route.access), ("reviews", Access::User));
        }
    }

    #[test]
    fn access_is_admitted_by_role() {
        let (customer, admin) = (account(vec![Role::Customer]), account(vec![Role::Admin]));
        for (access, principal, status) in [
            (Access::Public, &Principal::Anonymous, 200),
            (Access::Session, &Principal::Anonymous, 401),
            (Access::User, &Principal::Anonymous, 401),
            (Access::Admin, &Principal::Anonymous, 401),
            (Access::Session, &customer, 200),
            (Access::User, &customer, 200),
            (Access::Admin, &customer, 403),
            (Access::Admin, &admin, 200),
        ] {
            let admitted = access
                .admit(principal)
                .map_or_else(|problem| problem.status(), |()| 200);
            assert_eq!(admitted, status, "{access:?} {principal:?}");
        }
    }

    #[test]
    fn no_two_patterns_fit_the_same_path_and_no_route_is_listed_twice() {
        for (index, one) in ROUTES.iter().enumerate() {
            for other in &ROUTES[index + 1..] {
                if one.pattern == other.pattern {
                    assert_ne!(one.method, other.method, "{}", one.pattern);
                } else {
                    assert!(
                        !fits(one.pattern, &path(other.pattern)),
                        "{}",
                        other.pattern
                    );
                }
            }
        }
    }
}
