//! Events that ask for mails.

use stoa_kit::{Id, Statement, Timestamp};
use stoa_outbox::Event;

/// Stores an event, if the token that it names is there.
pub(crate) fn record_with_token(event: &Event, token: Id, now: Timestamp) -> Statement {
    let stored = event.statement(now);
    Statement {
        sql: "INSERT INTO outbox (id, type, subject, occurred, data, traceparent) \
             SELECT ?1, ?2, ?3, ?4, ?5, ?6 \
             WHERE EXISTS (SELECT 1 FROM one_time_tokens WHERE id = ?7)"
            .to_owned(),
        expect: None,
        ..stored
    }
    .bind(token)
}
