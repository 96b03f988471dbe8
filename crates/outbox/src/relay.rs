//! The relay: from the outbox to the events provider, oldest first.
//!
//! What was published is marked after that. If the service dies in between, it
//! is published again, and dropped by its id. Two relays at once do no harm
//! for the same reason: both go by the same order, and neither publishes an
//! event before the ones that come before it are with the broker, be it by the
//! other's hand.

use stoa_kit::sql::{self, Database, Row, Value};
use stoa_kit::{Statement, Timestamp, log};

use crate::publisher::{Event, Refusal};

/// The most events that are published at once.
pub const PAGE: usize = 256;
/// The most of the largest kind that the database gives in one answer.
const LARGE_PAGE: usize = 64;
/// A tick has little time; the next one goes on.
const PAGES: usize = 8;
/// How long an event is kept after it was sent, to be looked at.
const KEPT: i64 = 24 * 60 * 60 * 1000;
/// How many of those that were kept for long enough are deleted at a time.
const SWEPT: i64 = 500;

/// Why the relay did not get to the end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error("the outbox cannot be read or written: {0:?}")]
    Database(sql::Error),
    /// The events provider. All that is not marked is sent again.
    #[error(transparent)]
    Publisher(#[from] Refusal),
}

impl From<sql::Error> for Error {
    fn from(error: sql::Error) -> Self {
        Self::Database(error)
    }
}

/// Publishes what has not been sent, oldest first, and deletes what was sent
/// long ago. A few pages at most: the next call goes on.
///
/// An event that can never be published is logged and marked as well, or
/// nothing would ever come after it.
pub fn relay(
    database: &impl Database,
    publish: impl Fn(&[Event]) -> Result<(), Refusal>,
) -> Result<(), Error> {
    for _ in 0..PAGES {
        let (numbers, events) = unsent(database)?;
        if numbers.is_empty() {
            return sweep(database);
        }
        match publish(&events) {
            Ok(()) => mark(database, &numbers)?,
            Err(Refusal::Invalid(_)) => one_by_one(database, &publish, &numbers, &events)?,
            Err(refusal) => return Err(refusal.into()),
        }
        if numbers.len() < LARGE_PAGE {
            return Ok(());
        }
    }
    Ok(())
}

/// Finds out which event of a page is not acceptable.
fn one_by_one(
    database: &impl Database,
    publish: impl Fn(&[Event]) -> Result<(), Refusal>,
    numbers: &[i64],
    events: &[Event],
) -> Result<(), Error> {
    for (number, event) in numbers.iter().zip(events) {
        match publish(std::slice::from_ref(event)) {
            Ok(()) => {}
            Err(Refusal::Invalid(why)) => {
                let (id, kind) = (&event.id, &event.type_);
                log::error("outbox", &format!("{kind} {id} cannot be published: {why}"));
            }
            Err(refusal) => return Err(refusal.into()),
        }
        mark(database, std::slice::from_ref(number))?;
    }
    Ok(())
}

/// The next page, with the numbers of its rows.
fn unsent(database: &impl Database) -> Result<(Vec<i64>, Vec<Event>), Error> {
    let page = |size: usize| {
        Statement::new(format!(
            "SELECT number, id, type, subject, occurred, data, traceparent FROM outbox \
             WHERE sent IS NULL ORDER BY number LIMIT {size}"
        ))
    };
    let rows = match database.query(&page(PAGE)) {
        Err(error) if error.is_too_large() => database.query(&page(LARGE_PAGE)),
        answer => answer,
    };
    let events: Result<Vec<_>, _> = rows?.into_iter().map(event).collect();
    Ok(events?.into_iter().unzip())
}

fn event(mut row: Row) -> Result<(i64, Event), sql::Error> {
    let number = row.integer()?;
    let event = Event {
        id: row.text()?,
        type_: row.text()?,
        subject: row.text()?,
        occurred: row.integer()?,
        data: row.text()?,
        traceparent: row.optional_text()?,
    };
    Ok((number, event))
}

/// Marks exactly these rows: one between them may have been written since.
fn mark(database: &impl Database, numbers: &[i64]) -> Result<(), Error> {
    let places: Vec<_> = (2..numbers.len() + 2).map(|n| format!("?{n}")).collect();
    let mut mark = Statement::new(format!(
        "UPDATE outbox SET sent = ?1 WHERE sent IS NULL AND number IN ({})",
        places.join(", ")
    ))
    .bind(Timestamp::now());
    mark.params.extend(numbers.iter().copied().map(Value::from));
    database.transact(&[mark])?;
    Ok(())
}

/// Deletes some of what was sent long ago. Looks first: nothing is written
/// where there is nothing to do.
fn sweep(database: &impl Database) -> Result<(), Error> {
    let before = Timestamp::now().plus(-KEPT);
    let old = "SELECT number FROM outbox WHERE sent IS NOT NULL AND sent < ?1 ORDER BY sent";
    let look = Statement::new(format!("{old} LIMIT 1")).bind(before);
    if !database.query(&look)?.is_empty() {
        let delete = format!("DELETE FROM outbox WHERE number IN ({old} LIMIT {SWEPT})");
        database.transact(&[Statement::new(delete).bind(before)])?;
    }
    Ok(())
}
