//! For tests: requests as the gateway would pass them on.

use serde_json::{Value, json};
use stoa_kit::bindings::stoa::http::types::{Header, Parameter};
use stoa_kit::{Identity, Method, Principal, Problem, Request, Response, Role, Service as _};

use crate::Product;

/// A request that is being put together.
pub(crate) struct Ask(pub(crate) Request);

/// An anonymous request.
pub(crate) fn ask(method: Method, path: &str) -> Ask {
    Ask(Request {
        id: "request".to_owned(),
        method,
        path: path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(str::to_owned)
            .collect(),
        query: Vec::new(),
        headers: Vec::new(),
        body: String::new(),
        principal: Principal::Anonymous,
    })
}

impl Ask {
    pub(crate) fn by_admin(self) -> Self {
        self.by(&[Role::Customer, Role::Admin])
    }

    pub(crate) fn by_customer(self) -> Self {
        self.by(&[Role::Customer])
    }

    fn by(mut self, roles: &[Role]) -> Self {
        self.0.principal = Principal::Account(Identity {
            account_id: "account".to_owned(),
            session_id: None,
            roles: roles.to_vec(),
        });
        self
    }

    pub(crate) fn query(mut self, query: &[(&str, &str)]) -> Self {
        self.0
            .query
            .extend(query.iter().map(|(name, value)| Parameter {
                name: (*name).to_owned(),
                value: (*value).to_owned(),
            }));
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.0.headers.push(Header {
            name: name.to_owned(),
            value: value.to_owned(),
        });
        self
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.0.body = body.to_string();
        self.header("content-type", "application/json")
    }

    /// Lets the service answer.
    pub(crate) fn send(self) -> Result<Response, Problem> {
        Product::handle(&self.0)
    }

    /// The status of the answer, problem or not.
    pub(crate) fn status(self) -> u16 {
        self.send()
            .map_or_else(|problem| problem.status(), |response| response.status)
    }

    /// The body of an answer that is no problem.
    pub(crate) fn body(self) -> Value {
        serde_json::from_str(&self.send().unwrap().body).unwrap()
    }
}

/// A published product as an administrator sends it.
pub(crate) fn draft(sku: &str, name: &str, amount: i64) -> Value {
    json!({
        "sku": sku,
        "name": name,
        "status": "published",
        "price": {"amount": amount, "currency": "EUR"},
    })
}

/// Creates a product; returns it.
pub(crate) fn create(draft: &Value) -> Value {
    ask(Method::Post, "/products").by_admin().json(draft).body()
}

/// The path of a product.
pub(crate) fn path(product: &Value) -> String {
    format!("/products/{}", product["id"].as_str().unwrap())
}
