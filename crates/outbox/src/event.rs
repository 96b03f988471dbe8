//! Something that happened, and its place in the outbox.

use serde_json::Value;
use stoa_kit::{Id, Statement, Timestamp};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The event's own id, a UUIDv7: who gets it twice knows it again by it.
    pub id: Id,
    /// What happened, such as `account.created`: two or more words of `a-z`,
    /// `0-9`, `-` and `_`, with dots between them.
    pub kind: &'static str,
    /// The id of what it happened to. Order is kept among the events of one.
    pub subject: Id,
    /// What there is to say about it; 64 KiB at most, as text.
    pub data: Value,
    /// The trace in which it happened (W3C Trace Context).
    pub traceparent: Option<String>,
}

impl Event {
    /// A new event.
    pub fn new(kind: &'static str, subject: Id, data: Value) -> Self {
        Self {
            id: Id::new(),
            kind,
            subject,
            data,
            traceparent: None,
        }
    }

    /// With the trace of a request.
    #[must_use]
    pub fn traced(mut self, traceparent: Option<&str>) -> Self {
        self.traceparent = traceparent.map(str::to_owned);
        self
    }

    /// The statement that stores it: a part of the transaction of the change.
    pub fn statement(&self, now: Timestamp) -> Statement {
        Statement::new(
            "INSERT INTO outbox (id, type, subject, occurred, data, traceparent) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(self.id)
        .bind(self.kind)
        .bind(self.subject)
        .bind(now)
        .bind(self.data.to_string())
        .bind(self.traceparent.clone())
        .expecting(1)
    }
}
