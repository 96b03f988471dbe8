//! Refunds.

use stoa_domain::{Currency, Money};
use stoa_kit::sql::{Error, Row};
use stoa_kit::{Id, Problem, Statement, Timestamp};

use super::{DATABASE, id};
use crate::operation::Operation;
use crate::refund::{Refund, Status};

/// Stores a refund that is under way.
pub(crate) fn insert(refund: &Refund) -> Statement {
    Statement::new(
        "INSERT INTO refunds (id, payment, amount, currency, status, reason, created, updated) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
    )
    .bind(refund.id)
    .bind(refund.payment)
    .bind(refund.amount.amount())
    .bind(refund.amount.currency().code())
    .bind(refund.status.name())
    .bind(refund.reason.clone())
    .bind(refund.created)
    .expecting(1)
}

/// Notes how a refund has ended.
pub(crate) fn settle(operation: &Operation, failed: Option<&str>, now: Timestamp) -> Statement {
    let status = if failed.is_some() {
        Status::Failed
    } else {
        Status::Succeeded
    };
    Statement::new(
        "UPDATE refunds SET status = ?2, failure_code = ?3, updated = ?4 \
         WHERE id = ?1 AND status = 'pending'",
    )
    .bind(operation.intent.refund)
    .bind(status.name())
    .bind(failed.map(str::to_owned))
    .bind(now)
    .expecting(1)
}

/// Notes that a refund came back that had reached the customer.
pub(crate) fn take_back(refund: &Refund, code: &str, now: Timestamp) -> Statement {
    Statement::new(
        "UPDATE refunds SET status = 'failed', failure_code = ?2, updated = ?3 \
         WHERE id = ?1 AND status = 'succeeded'",
    )
    .bind(refund.id)
    .bind(code)
    .bind(now)
    .expecting(1)
}

/// The refund with this id.
pub(crate) fn find(refund: Id) -> Result<Option<Refund>, Problem> {
    let select = Statement::new(
        "SELECT id, payment, amount, currency, status, reason, failure_code, created, updated \
         FROM refunds WHERE id = ?1",
    )
    .bind(refund);
    let row = DATABASE.query(&select)?.into_iter().next();
    Ok(row.map(read).transpose()?)
}

fn read(mut row: Row) -> Result<Refund, Error> {
    let refund = id(&row.text()?)?;
    let payment = id(&row.text()?)?;
    let amount = row.integer()?;
    let currency = Currency::parse(&row.text()?);
    let amount = currency
        .and_then(|currency| Money::new(amount, currency))
        .ok_or(Error::Shape("an amount is none"))?;
    Ok(Refund {
        id: refund,
        payment,
        amount,
        status: Status::stored(&row.text()?).ok_or(Error::Shape("a status is none"))?,
        reason: row.optional_text()?,
        failure_code: row.optional_text()?,
        created: Timestamp(row.integer()?),
        updated: Timestamp(row.integer()?),
    })
}
