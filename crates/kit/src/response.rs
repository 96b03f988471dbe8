//! Answers.

use serde::Serialize;

use crate::bindings::stoa::http::types::Header;
use crate::{Problem, Response};

impl Response {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
        }
    }

    /// 200 with a JSON body.
    pub fn json(value: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_string(value)
            .map_err(|error| Problem::internal(format!("answer is not JSON: {error}")))?;
        let response = Self {
            body,
            ..Self::empty(200)
        };
        Ok(response.header("content-type", "application/json"))
    }

    /// 201 with a JSON body and where the new thing is.
    pub fn created(location: &str, value: &impl Serialize) -> Result<Self, Problem> {
        let mut response = Self::json(value)?.header("location", location);
        response.status = 201;
        Ok(response)
    }

    /// 202 with a JSON body: it will be done.
    pub fn accepted(value: &impl Serialize) -> Result<Self, Problem> {
        let mut response = Self::json(value)?;
        response.status = 202;
        Ok(response)
    }

    /// 204: done, and nothing to say.
    pub fn no_content() -> Self {
        Self::empty(204)
    }

    /// Says that nobody may keep the answer: it is about somebody.
    #[must_use]
    pub fn private(self) -> Self {
        self.header("cache-control", "private, no-store")
    }

    /// Adds a header; `name` in lower case.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(Header {
            name: name.to_owned(),
            value: value.to_owned(),
        });
        self
    }

    /// Sets the entity tag of a thing with a version.
    #[must_use]
    pub fn etag(self, version: i64) -> Self {
        self.header("etag", &format!("\"{version}\""))
    }

    /// Sets an entity tag made of the body: for collections, which have no
    /// version.
    #[must_use]
    pub fn etag_of_body(self) -> Self {
        let tag = format!("\"{:016x}\"", fnv1a(self.body.as_bytes()));
        self.header("etag", &tag)
    }

    /// The value of a header; `name` in lower case.
    pub fn get_header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|header| header.name == name)
            .map(|header| header.value.as_str())
    }
}

/// FNV-1a, 64 bits: entity tags must tell bodies apart, not resist forgery.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
