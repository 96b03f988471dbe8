//! The ledger's entries, and what they add up to.

use stoa_kit::sql::{Error, Row};
use stoa_kit::{Id, Problem, Statement, Timestamp};

use super::{DATABASE, id};
use crate::events::Shown;
use crate::ledger::{Entry, Sums};
use crate::payment::{Balances, Payment};

/// How long after a change a payment is compared, in milliseconds: what began
/// before it has been written by then.
const REST: i64 = 30_000;

/// Stores an entry.
pub(crate) fn record(payment: &Payment, entry: &Entry, now: Timestamp) -> Statement {
    let (source, target) = entry.kind.way();
    Statement::new(
        "INSERT INTO ledger (id, payment, type, source, target, amount, currency, refund, code, \
             occurred) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )
    .bind(Id::new())
    .bind(payment.id)
    .bind(entry.kind.name())
    .bind(source.name())
    .bind(target.name())
    .bind(entry.amount)
    .bind(payment.amount.currency().code())
    .bind(entry.refund)
    .bind(entry.code.clone())
    .bind(now)
    .expecting(1)
}

/// The entries of a payment behind a number, the first one first.
pub(crate) fn list(payment: Id, after: i64, limit: i64) -> Result<Vec<(i64, Shown)>, Problem> {
    let select = Statement::new(
        "SELECT number, id, type, source, target, amount, currency, refund, code, occurred \
         FROM ledger WHERE payment = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
    )
    .bind(payment)
    .bind(after)
    .bind(limit);
    let rows = DATABASE.query(&select)?.into_iter();
    Ok(rows.map(shown).collect::<Result<_, _>>()?)
}

fn shown(mut row: Row) -> Result<(i64, Shown), Error> {
    Ok((
        row.integer()?,
        Shown {
            id: row.text()?,
            r#type: row.text()?,
            from: row.text()?,
            to: row.text()?,
            amount: row.integer()?,
            currency: row.text()?,
            refund: row.optional_text()?,
            code: row.optional_text()?,
            occurred: Timestamp(row.integer()?),
        },
    ))
}

/// A payment beside what its entries add up to.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) payment: Id,
    pub(crate) amount: i64,
    pub(crate) balances: Balances,
    pub(crate) sums: Sums,
    updated: Timestamp,
    number: i64,
}

/// The payments that changed since this was asked last, so many at most.
pub(crate) fn compare(limit: i64, now: Timestamp) -> Result<Vec<Compared>, Problem> {
    let sum = |account: &str| {
        format!(
            "COALESCE(SUM(CASE WHEN ledger.target = '{account}' THEN ledger.amount ELSE 0 END \
                 - CASE WHEN ledger.source = '{account}' THEN ledger.amount ELSE 0 END), 0)"
        )
    };
    let sums = ["customer", "held", "shop", "refunding"]
        .map(sum)
        .join(", ");
    let select = Statement::new(format!(
        "SELECT p.id, p.amount, p.held, p.captured, p.refunding, p.refunded, p.updated, p.number, \
             {sums}, COALESCE(SUM(CASE WHEN ledger.type = 'captured' THEN ledger.amount END), 0) \
         FROM (SELECT payments.* FROM payments, ledger_checks AS checked \
             WHERE (payments.updated, payments.number) > (checked.updated, checked.number) \
                 AND payments.updated <= ?1 AND checked.id = 1 \
             ORDER BY payments.updated, payments.number LIMIT ?2) AS p \
         LEFT JOIN ledger ON ledger.payment = p.id \
         GROUP BY p.id, p.amount, p.held, p.captured, p.refunding, p.refunded, p.updated, p.number \
         ORDER BY p.updated, p.number"
    ))
    .bind(now.plus(-REST))
    .bind(limit);
    let rows = DATABASE.query(&select)?.into_iter();
    Ok(rows.map(compared).collect::<Result<_, _>>()?)
}

fn compared(mut row: Row) -> Result<Compared, Error> {
    Ok(Compared {
        payment: id(&row.text()?)?,
        amount: row.integer()?,
        balances: Balances {
            held: row.integer()?,
            captured: row.integer()?,
            refunding: row.integer()?,
            refunded: row.integer()?,
        },
        updated: Timestamp(row.integer()?),
        number: row.integer()?,
        sums: Sums {
            customer: row.integer()?,
            held: row.integer()?,
            shop: row.integer()?,
            refunding: row.integer()?,
            captured: row.integer()?,
        },
    })
}

/// Notes up to which payment all were compared.
pub(crate) fn checked(last: &Compared) -> Result<(), Problem> {
    let update = Statement::new("UPDATE ledger_checks SET updated = ?1, number = ?2 WHERE id = 1")
        .bind(last.updated)
        .bind(last.number);
    DATABASE.transact(&[update])?;
    Ok(())
}
