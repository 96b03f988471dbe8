//! All SQL of the sandbox.
//!
//! Each function is one call to the database, which is one transaction, or
//! makes a statement that others take into theirs.

use stoa_kit::sql::{Error, Row};
use stoa_kit::{Problem, Statement, Timestamp};

use crate::bindings::stoa::payments::types::{ChargeState, Order};
use crate::charges::{
    Back, Charge, charge_state_name, parse_charge_state, parse_refund_state, refund_state_name,
};
#[cfg(test)]
use crate::memory::DATABASE;
#[cfg(not(test))]
use crate::schema::SCHEMA as DATABASE;

const CHARGE: &str = "id, payment, method, currency, amount, capture, state, authorized, \
     captured, code, ripe, created";

/// How long a delivery may take, in milliseconds; then it is tried again.
const UNDER_WAY: i64 = 15_000;

/// How long calls and webhooks are remembered, in milliseconds: 30 days.
const MEMORY: i64 = 30 * 24 * 60 * 60 * 1_000;

/// What is known of a call.
pub(crate) enum Seen {
    /// Nothing.
    Never,
    /// It was made, and got lost.
    Lost,
    Done(Kept),
}

/// A call that was done.
pub(crate) struct Kept {
    pub(crate) fingerprint: String,
    pub(crate) outcome: String,
}

/// Finds a call by its key and counts it.
pub(crate) fn seen(key: &str) -> Result<Seen, Problem> {
    let update = Statement::new(
        "UPDATE calls SET times = times + 1 WHERE key = ?1 RETURNING fingerprint, outcome",
    )
    .bind(key);
    let Some(mut row) = DATABASE.write(update)?.into_iter().next() else {
        return Ok(Seen::Never);
    };
    let kept = Kept {
        fingerprint: row.text()?,
        outcome: row.text()?,
    };
    Ok(if kept.outcome.is_empty() {
        Seen::Lost
    } else {
        Seen::Done(kept)
    })
}

/// Notes a call that got lost.
pub(crate) fn note_lost(
    order: &Order,
    kind: &str,
    fingerprint: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    let kept = Kept {
        fingerprint: fingerprint.to_owned(),
        outcome: String::new(),
    };
    DATABASE.transact(&[keep_call(order, kind, &kept, now)])?;
    Ok(())
}

/// Writes what a call does, and that it was done. `false` when it was done
/// before, or what it is about has changed: then nothing is written.
pub(crate) fn keep(
    order: &Order,
    kind: &str,
    kept: &Kept,
    work: Vec<Statement>,
    now: Timestamp,
) -> Result<bool, Problem> {
    let mut statements = vec![keep_call(order, kind, kept, now)];
    statements.extend(work);
    write(&statements)
}

fn keep_call(order: &Order, kind: &str, kept: &Kept, now: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO calls (key, kind, fingerprint, payment, outcome, times, created) \
         VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6) \
         ON CONFLICT (key) DO UPDATE SET outcome = ?5 WHERE calls.outcome = ''",
    )
    .bind(order.key.as_str())
    .bind(kind)
    .bind(kept.fingerprint.as_str())
    .bind(order.payment.as_str())
    .bind(kept.outcome.as_str())
    .bind(now)
    .expecting(1)
}

/// Writes all of it, or nothing (`false`) when somebody was faster.
pub(crate) fn write(statements: &[Statement]) -> Result<bool, Problem> {
    match DATABASE.transact(statements) {
        Ok(_) => Ok(true),
        Err(error) if error.guard().is_some() || error.violated().is_some() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The charge with this id.
pub(crate) fn find(charge: &str) -> Result<Option<Charge>, Problem> {
    let select = format!("SELECT {CHARGE} FROM charges WHERE id = ?1");
    first(&Statement::new(select).bind(charge))
}

/// The charge of this payment.
pub(crate) fn find_by_payment(payment: &str) -> Result<Option<Charge>, Problem> {
    let select = format!("SELECT {CHARGE} FROM charges WHERE payment = ?1");
    first(&Statement::new(select).bind(payment))
}

fn first(select: &Statement) -> Result<Option<Charge>, Problem> {
    let row = DATABASE.query(select)?.into_iter().next();
    Ok(row.map(charge).transpose()?)
}

/// Stores a new charge.
pub(crate) fn insert(charge: &Charge) -> Statement {
    let insert = format!(
        "INSERT INTO charges ({CHARGE}) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    );
    bind(Statement::new(insert), charge)
        .bind(charge.created)
        .expecting(1)
}

/// Writes over a charge that is in the state in which it was read.
pub(crate) fn update(charge: &Charge, before: ChargeState) -> Statement {
    let update = Statement::new(
        "UPDATE charges SET method = ?3, currency = ?4, amount = ?5, capture = ?6, state = ?7, \
             authorized = ?8, captured = ?9, code = ?10, ripe = ?11 \
         WHERE id = ?1 AND payment = ?2 AND state = ?12",
    );
    bind(update, charge)
        .bind(charge_state_name(before))
        .expecting(1)
}

fn bind(statement: Statement, charge: &Charge) -> Statement {
    statement
        .bind(charge.id.as_str())
        .bind(charge.payment.as_str())
        .bind(charge.method.as_str())
        .bind(charge.currency.as_str())
        .bind(charge.amount)
        .bind(i64::from(charge.captures))
        .bind(charge_state_name(charge.state))
        .bind(charge.authorized)
        .bind(charge.captured)
        .bind(charge.code.clone())
        .bind(charge.ripe)
}

/// The charges that come to their end.
pub(crate) fn ripe(now: Timestamp) -> Result<Vec<Charge>, Problem> {
    let select = Statement::new(format!(
        "SELECT {CHARGE} FROM charges WHERE ripe <= ?1 ORDER BY ripe LIMIT 50"
    ))
    .bind(now);
    let rows = DATABASE.query(&select)?.into_iter();
    Ok(rows.map(charge).collect::<Result<_, _>>()?)
}

fn charge(mut row: Row) -> Result<Charge, Error> {
    Ok(Charge {
        id: row.text()?,
        payment: row.text()?,
        method: row.text()?,
        currency: row.text()?,
        amount: row.integer()?,
        captures: row.integer()? != 0,
        state: parse_charge_state(&row.text()?).ok_or(Error::Shape("a state is none"))?,
        authorized: row.integer()?,
        captured: row.integer()?,
        code: row.optional_text()?,
        ripe: row.optional_integer()?.map(Timestamp),
        created: Timestamp(row.integer()?),
    })
}

/// Whether so much can be given back: read before, and guarded again when it is
/// written.
pub(crate) fn is_refundable(charge: &str, amount: i64) -> Result<bool, Problem> {
    let select = Statement::new(format!("SELECT 1 {REFUNDABLE}"))
        .bind(charge)
        .bind(amount);
    Ok(!DATABASE.query(&select)?.is_empty())
}

const REFUNDABLE: &str = "FROM charges WHERE id = ?1 AND state = 'captured' AND ?2 <= captured \
     - (SELECT COALESCE(SUM(amount), 0) FROM refunds WHERE charge = ?1 AND state <> 'failed')";

/// Stores a refund, if there is so much to give back.
pub(crate) fn insert_refund(back: &Back) -> Statement {
    Statement::new(format!(
        "INSERT INTO refunds (charge, amount, id, refund, state, code, ripe, created) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 {REFUNDABLE}"
    ))
    .bind(back.charge.as_str())
    .bind(back.amount)
    .bind(back.id.as_str())
    .bind(back.refund.as_str())
    .bind(refund_state_name(back.state))
    .bind(back.code.clone())
    .bind(back.ripe)
    .bind(back.created)
    .expecting(1)
}

/// The refunds of a charge.
pub(crate) fn refunds(charge: &str) -> Result<Vec<Back>, Problem> {
    let select = Statement::new(
        "SELECT id, refund, charge, amount, state, code, ripe, created FROM refunds \
         WHERE charge = ?1 ORDER BY created, id",
    )
    .bind(charge);
    let rows = DATABASE.query(&select)?.into_iter();
    Ok(rows.map(back).collect::<Result<_, _>>()?)
}

fn back(mut row: Row) -> Result<Back, Error> {
    Ok(Back {
        id: row.text()?,
        refund: row.text()?,
        charge: row.text()?,
        amount: row.integer()?,
        state: parse_refund_state(&row.text()?).ok_or(Error::Shape("a state is none"))?,
        code: row.optional_text()?,
        ripe: row.optional_integer()?.map(Timestamp),
        created: Timestamp(row.integer()?),
    })
}

/// Lets refunds come to their end; returns their charges.
pub(crate) fn ripen_refunds(now: Timestamp) -> Result<Vec<String>, Problem> {
    let update = Statement::new(
        "UPDATE refunds SET state = 'succeeded', ripe = NULL WHERE ripe <= ?1 RETURNING charge",
    )
    .bind(now);
    let rows = DATABASE.write(update)?.into_iter();
    Ok(rows.map(|mut row| row.text()).collect::<Result<_, _>>()?)
}

/// Stores a webhook.
pub(crate) fn insert_webhook(
    event: &str,
    kind: &str,
    charge: &Charge,
    now: Timestamp,
    due: Timestamp,
) -> Statement {
    Statement::new(
        "INSERT INTO webhooks (event, kind, charge, payment, created, due, tries) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
    )
    .bind(event)
    .bind(kind)
    .bind(charge.id.as_str())
    .bind(charge.payment.as_str())
    .bind(now)
    .bind(due)
    .expecting(1)
}

/// A webhook to be delivered.
pub(crate) struct Due {
    number: i64,
    pub(crate) event: String,
    pub(crate) kind: String,
    pub(crate) charge: String,
    pub(crate) payment: String,
    pub(crate) created: Timestamp,
    pub(crate) tries: i64,
}

/// Takes the webhook that is due first. It is due again later, in case nobody
/// takes it.
pub(crate) fn take_due(now: Timestamp) -> Result<Option<Due>, Problem> {
    let take = Statement::new(
        "UPDATE webhooks SET tries = tries + 1, due = ?1 + ?2 * (1 << tries) \
         WHERE number = (SELECT number FROM webhooks WHERE due <= ?1 \
             ORDER BY due, number LIMIT 1) AND due <= ?1 \
         RETURNING number, event, kind, charge, payment, created, tries",
    )
    .bind(now)
    .bind(UNDER_WAY);
    let row = DATABASE.write(take)?.into_iter().next();
    Ok(row.map(due).transpose()?)
}

fn due(mut row: Row) -> Result<Due, Error> {
    Ok(Due {
        number: row.integer()?,
        event: row.text()?,
        kind: row.text()?,
        charge: row.text()?,
        payment: row.text()?,
        created: Timestamp(row.integer()?),
        tries: row.integer()?,
    })
}

/// Notes that a webhook was taken.
pub(crate) fn delivered(due: &Due, now: Timestamp) -> Result<(), Problem> {
    let update = Statement::new("UPDATE webhooks SET due = NULL, delivered = ?2 WHERE number = ?1")
        .bind(due.number)
        .bind(now);
    DATABASE.transact(&[update])?;
    Ok(())
}

/// Deletes what nobody asks for any more.
pub(crate) fn delete_old(now: Timestamp) -> Result<(), Problem> {
    let old = now.plus(-MEMORY);
    let calls = Statement::new("DELETE FROM calls WHERE created <= ?1").bind(old);
    let webhooks =
        Statement::new("DELETE FROM webhooks WHERE created <= ?1 AND due IS NULL").bind(old);
    DATABASE.transact(&[calls, webhooks])?;
    Ok(())
}

/// Gives a webhook up.
pub(crate) fn given_up(due: &Due) -> Result<(), Problem> {
    let update =
        Statement::new("UPDATE webhooks SET due = NULL WHERE number = ?1").bind(due.number);
    DATABASE.transact(&[update])?;
    Ok(())
}
