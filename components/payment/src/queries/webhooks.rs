//! Webhooks that came.

use stoa_kit::{Id, Problem, Statement, Timestamp};

use super::{DATABASE, id, rows};
use crate::bindings::stoa::payments::types::Webhook;

/// How long an event is remembered, in milliseconds: 30 days. Stripe repeats
/// one for 3.
const MEMORY: i64 = 30 * 24 * 60 * 60 * 1_000;

/// How soon the payment is looked at, in milliseconds, if it cannot be done at
/// once.
const SOON: i64 = 2_000;

/// Stores an event and lets the payment that it is about be looked at. Returns
/// that payment; `None` if the event came before, or is about nothing of ours.
pub(crate) fn take(
    processor: &str,
    webhook: &Webhook,
    now: Timestamp,
) -> Result<Option<Id>, Problem> {
    let delivery = Id::new();
    let insert = Statement::new(
        "INSERT INTO webhooks (processor, event, delivery, kind, received) \
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (processor, event) DO NOTHING",
    )
    .bind(processor)
    .bind(webhook.event.as_str())
    .bind(delivery)
    .bind(webhook.kind.as_str())
    .bind(now);
    let update = Statement::new(
        "UPDATE payments SET due = ?5, tries = 0 \
         WHERE processor = ?1 AND (charge = ?2 OR id = ?3) \
             AND EXISTS (SELECT 1 FROM webhooks WHERE delivery = ?4) \
         RETURNING id",
    )
    .bind(processor)
    .bind(webhook.charge.clone())
    .bind(webhook.payment.clone())
    .bind(delivery)
    .bind(now.plus(SOON));
    let mut outcomes = DATABASE.transact(&[insert, update])?.into_iter().skip(1);
    let row = rows(&mut outcomes).into_iter().next();
    Ok(row.map(|mut row| id(&row.text()?)).transpose()?)
}

/// Deletes what no processor sends any more.
pub(crate) fn delete_old(now: Timestamp) -> Statement {
    Statement::new("DELETE FROM webhooks WHERE received <= ?1").bind(now.plus(-MEMORY))
}
