//! What other services are told.

use stoa_kit::{Id, Statement, Timestamp};

use crate::outbox::Event;

/// Stores an event.
pub(crate) fn record(event: &Event, now: Timestamp) -> Statement {
    bind(
        "INSERT INTO outbox (id, type, subject, occurred, data) VALUES (?1, ?2, ?3, ?4, ?5)",
        event,
        now,
    )
    .expecting(1)
}

/// Stores an event that asks for a mail, if the token for it is there.
pub(crate) fn record_with_token(event: &Event, token: Id, now: Timestamp) -> Statement {
    bind(
        "INSERT INTO outbox (id, type, subject, occurred, data) SELECT ?1, ?2, ?3, ?4, ?5 \
         WHERE EXISTS (SELECT 1 FROM one_time_tokens WHERE id = ?6)",
        event,
        now,
    )
    .bind(token)
}

fn bind(sql: &str, event: &Event, now: Timestamp) -> Statement {
    Statement::new(sql)
        .bind(event.id)
        .bind(event.kind)
        .bind(event.subject.as_str())
        .bind(now)
        .bind(event.data.to_string())
}
