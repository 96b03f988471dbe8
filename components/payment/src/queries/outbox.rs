//! What other services are told.

use stoa_kit::{Statement, Timestamp};

use crate::outbox::Event;

/// Stores an event.
pub(crate) fn record(event: &Event, now: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO outbox (id, type, subject, occurred, data) VALUES (?1, ?2, ?3, ?4, ?5)",
    )
    .bind(event.id)
    .bind(event.kind)
    .bind(event.subject)
    .bind(now)
    .bind(event.data.to_string())
    .expecting(1)
}
