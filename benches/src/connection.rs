//! A keep-alive HTTP/1.1 connection: as little between the clock and the
//! gateway as possible.

use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A connection that is opened when it is needed, and again after a failure.
pub(crate) struct Connection {
    address: String,
    sender: Option<SendRequest<Full<Bytes>>>,
}

/// What is asked.
#[derive(Clone)]
pub(crate) struct Call {
    method: Method,
    path: String,
    authorization: Option<String>,
    body: Bytes,
}

/// What came back, in full.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            authorization: None,
            body: Bytes::new(),
        }
    }

    /// A POST of JSON.
    pub(crate) fn post(path: &str, body: &serde_json::Value) -> Self {
        Self {
            method: Method::POST,
            path: path.to_owned(),
            authorization: None,
            body: body.to_string().into(),
        }
    }

    /// A PATCH with a merge patch.
    pub(crate) fn patch(path: &str, body: &serde_json::Value) -> Self {
        Self {
            method: Method::PATCH,
            ..Self::post(path, body)
        }
    }

    /// The same with a bearer token.
    pub(crate) fn with_token(self, token: &str) -> Self {
        Self {
            authorization: Some(format!("Bearer {token}")),
            ..self
        }
    }
}

impl Connection {
    /// A connection to the gateway at `address`, not open yet.
    pub(crate) fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            sender: None,
        }
    }

    /// Opens it if it is not open.
    pub(crate) async fn open(&mut self) -> anyhow::Result<&mut SendRequest<Full<Bytes>>> {
        if self.sender.as_ref().is_none_or(SendRequest::is_closed) {
            let stream = TcpStream::connect(&self.address).await?;
            stream.set_nodelay(true)?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await?;
            // It ends with the sender; its errors are those of the requests.
            tokio::spawn(connection);
            self.sender = Some(sender);
        }
        self.sender.as_mut().context("the connection is not open")
    }

    /// Sends a request and reads the whole answer. An error is a connection
    /// that gave none, or not in time.
    pub(crate) async fn send(&mut self, call: Call, patience: Duration) -> anyhow::Result<Answer> {
        let answer = timeout(patience, self.exchange(call))
            .await
            .context("no answer in time")
            .flatten();
        if answer.is_err() {
            self.sender = None;
        }
        answer
    }

    async fn exchange(&mut self, call: Call) -> anyhow::Result<Answer> {
        let mut request = Request::builder()
            .method(call.method)
            .uri(call.path)
            .header(HOST, &self.address);
        if let Some(authorization) = call.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if !call.body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(call.body))?;
        let sender = self.open().await?;
        sender.ready().await?;
        let response = sender.send_request(request).await?;
        Ok(Answer {
            status: response.status(),
            body: response.into_body().collect().await?.to_bytes(),
        })
    }
}
