//! An HTTP client that reads like the test it is used in.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::RequestBuilder;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::{patience, until};

/// How long an answer may take: longer than any server here works on one.
const ANSWER: Duration = Duration::from_mins(1);

/// A client of one lattice, with or without a token.
#[derive(Clone)]
pub struct Client {
    base: String,
    token: Option<String>,
    from: Option<IpAddr>,
    http: reqwest::blocking::Client,
}

/// A request that is being put together.
pub struct Request(RequestBuilder);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub text: String,
    /// The body as JSON; null where it is none.
    pub body: Value,
}

impl Client {
    /// A client of the gateway at `base`.
    pub fn new(base: &str, token: Option<String>) -> Self {
        Self {
            base: base.to_owned(),
            token,
            from: None,
            http: http(None),
        }
    }

    /// A client without a token at an address of this machine.
    pub fn at(address: IpAddr, base: &str) -> Self {
        Self {
            base: base.to_owned(),
            token: None,
            from: Some(address),
            http: http(Some(address)),
        }
    }

    /// The address of this machine that it is at, where one was chosen.
    pub fn address(&self) -> Option<IpAddr> {
        self.from
    }

    /// The same client with an access token.
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// The same client, asking whom the other one asks.
    pub fn on(&self, other: &Self) -> Self {
        Self {
            base: other.base.clone(),
            ..self.clone()
        }
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    /// A POST of JSON.
    pub fn post(&self, path: &str, body: &Value) -> Request {
        self.request("POST", path).json(body)
    }

    /// A PUT of JSON.
    pub fn put(&self, path: &str, body: &Value) -> Request {
        self.request("PUT", path).json(body)
    }

    /// A PATCH with a JSON merge patch.
    pub fn patch(&self, path: &str, body: &Value) -> Request {
        self.request("PATCH", path)
            .json(body)
            .header("content-type", "application/merge-patch+json")
    }

    /// A DELETE.
    pub fn delete(&self, path: &str) -> Request {
        self.request("DELETE", path)
    }

    /// A request with any method.
    pub fn request(&self, method: &str, path: &str) -> Request {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let request = self.http.request(method, format!("{}{path}", self.base));
        Request(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    /// Asks for `path` until the answer is as wanted, and returns it. A
    /// question that gets no answer is asked again.
    #[track_caller]
    pub fn wait_for(&self, path: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
        until(&format!("{path} as wanted"), || {
            match self.get(path).try_send() {
                Ok(answer) if wanted(&answer) => Ok(answer),
                other => Err(Box::new(other)),
            }
        })
    }
}

fn http(address: Option<IpAddr>) -> reqwest::blocking::Client {
    reqwest::blocking::Client::builder()
        .timeout(patience(ANSWER))
        .redirect(reqwest::redirect::Policy::none())
        .local_address(address)
        .no_proxy()
        .build()
        .expect("an HTTP client")
}

impl Request {
    /// Sets a header, in place of one of the same name.
    pub fn header(self, name: &str, value: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(
            HeaderName::from_bytes(name.as_bytes()).expect("a header name"),
            HeaderValue::from_str(value).expect("a header value"),
        );
        Self(self.0.headers(headers))
    }

    /// Sets a JSON body.
    pub fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }

    /// Sets any body.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self(self.0.body(body.into()))
    }

    /// Sends it.
    pub fn send(self) -> Answer {
        self.try_send().expect("an answer")
    }

    /// An answer, or why the connection gave none.
    pub fn try_send(self) -> Result<Answer, String> {
        let response = self.0.send().map_err(|error| format!("{error:?}"))?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().map_err(|error| format!("{error:?}"))?;
        Ok(Answer {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        })
    }
}

impl Answer {
    /// Checks the status and passes the answer on.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Checks that it is a problem with this status and code, as RFC 9457
    /// has it, and passes it on.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.body["code"], code, "{}", answer.text);
        assert_eq!(answer.body["status"], status, "{}", answer.text);
        assert_eq!(answer.body["request_id"], answer.header("x-request-id"));
        answer
    }

    /// The pointers (or parameters) and codes of a problem's field errors.
    pub fn field_errors(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        let places = errors.iter().map(|error| {
            let place = ["pointer", "parameter", "header"]
                .iter()
                .find_map(|name| text(&error[name]));
            (
                place.unwrap_or_default(),
                text(&error["code"]).unwrap_or_default(),
            )
        });
        places.collect()
    }

    /// Checks that a problem names exactly these places, with these codes,
    /// and passes it on.
    #[track_caller]
    pub fn names(self, errors: &[(&str, &str)]) -> Self {
        let owned = |(place, code): &(&str, &str)| ((*place).to_owned(), (*code).to_owned());
        let mut expected: Vec<_> = errors.iter().map(owned).collect();
        let mut found = self.field_errors();
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{}", self.text);
        self
    }

    /// A header's value, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}
