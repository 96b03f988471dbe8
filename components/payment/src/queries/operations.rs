//! What processors are asked to do.

use stoa_idempotency::Origin;
use stoa_kit::sql::{Error, Row};
use stoa_kit::{Id, Statement, Timestamp};

use super::id;
use crate::operation::{Intent, Kind, Operation};
use crate::state::State;

const COLUMNS: &str = "key, payment, kind, amount, method, refund, reason, previous, \
     acknowledged, created, settled";

/// Stores an operation, with the next key of its kind. `settled` is when it was
/// done, if nobody has to do anything about it any more.
pub(crate) fn insert(
    payment: Id,
    intent: &Intent,
    previous: State,
    origin: Origin,
    settled: Option<Timestamp>,
    now: Timestamp,
) -> Statement {
    Statement::new(format!(
        "INSERT INTO operations (key, origin, payment, kind, amount, method, refund, reason, \
             previous, acknowledged, created, settled) \
         SELECT ?1 || ':' || ?2 || ':' || (COUNT(*) + 1), ?3, ?1, ?2, ?4, ?5, ?6, ?7, ?8, 0, ?9, \
             ?10 \
             FROM operations WHERE payment = ?1 AND kind = ?2 \
         RETURNING {COLUMNS}"
    ))
    .bind(payment)
    .bind(intent.kind.name())
    .bind(origin.0)
    .bind(intent.amount)
    .bind(intent.method.clone())
    .bind(intent.refund)
    .bind(intent.reason.clone())
    .bind(previous.name())
    .bind(now)
    .bind(settled)
    .expecting(1)
}

/// Finds the operation that comes from a use of a client's key.
pub(crate) fn by_origin(payment: Id, origin: Origin) -> Statement {
    Statement::new(format!(
        "SELECT {COLUMNS} FROM operations WHERE payment = ?1 AND origin = ?2"
    ))
    .bind(payment)
    .bind(origin.0)
}

/// Finds the operations of a payment that are open, the first one first.
pub(crate) fn open(payment: Id) -> Statement {
    Statement::new(format!(
        "SELECT {COLUMNS} FROM operations WHERE payment = ?1 AND settled IS NULL \
         ORDER BY created, key LIMIT 20"
    ))
    .bind(payment)
}

/// Closes an operation, which only one can do.
pub(crate) fn settle(operation: &Operation, now: Timestamp) -> Statement {
    Statement::new("UPDATE operations SET settled = ?2 WHERE key = ?1 AND settled IS NULL")
        .bind(operation.key.as_str())
        .bind(now)
        .expecting(1)
}

/// Notes that the processor is at it.
pub(crate) fn acknowledge(operation: &Operation) -> Statement {
    Statement::new("UPDATE operations SET acknowledged = 1 WHERE key = ?1")
        .bind(operation.key.as_str())
}

pub(crate) fn operation(mut row: Row) -> Result<Operation, Error> {
    let key = row.text()?;
    let payment = id(&row.text()?)?;
    let kind = Kind::stored(&row.text()?).ok_or(Error::Shape("a kind is none"))?;
    let amount = row.integer()?;
    let method = row.optional_text()?;
    let refund = row.optional_text()?.map(|text| id(&text)).transpose()?;
    let reason = row.optional_text()?;
    let previous = State::parse(&row.text()?).ok_or(Error::Shape("a state is none"))?;
    Ok(Operation {
        key,
        payment,
        intent: Intent {
            kind,
            amount,
            method,
            refund,
            reason,
        },
        previous,
        is_acknowledged: row.integer()? != 0,
        created: Timestamp(row.integer()?),
        is_open: row.optional_integer()?.is_none(),
    })
}
