//! All SQL of the service, by table.
//!
//! Each function is one call to the database, which is one transaction, or
//! makes a statement that others take into theirs. Text is put together from
//! fixed fragments only; values are always bound.

pub(crate) mod credentials;
pub(crate) mod keys;
pub(crate) mod one_time;
pub(crate) mod outbox;
pub(crate) mod sessions;
pub(crate) mod throttle;

use stoa_kit::sql::{Error, Outcome, Row};
use stoa_kit::{Id, Problem, Statement};

#[cfg(test)]
pub(crate) use crate::memory::DATABASE;
#[cfg(not(test))]
pub(crate) use crate::schema::SCHEMA as DATABASE;

/// Runs the statements in one transaction. `None` when the one at `position`
/// did not change or find as many rows as it expects: somebody was faster.
pub(crate) fn unless_too_late(
    position: usize,
    statements: &[Statement],
) -> Result<Option<Vec<Outcome>>, Problem> {
    match DATABASE.transact(statements) {
        Ok(outcomes) => Ok(Some(outcomes)),
        Err(error) => match error.guard() {
            Some(guard) if usize::try_from(guard.statement) == Ok(position) => Ok(None),
            _ => Err(error.into()),
        },
    }
}

/// The ids that the last statement returned.
pub(crate) fn ids(outcomes: Vec<Outcome>) -> Result<Vec<Id>, Error> {
    let last = outcomes.into_iter().last();
    let rows = last.into_iter().flat_map(|last| last.rows).map(Row::new);
    rows.map(|mut row| id(&row.text()?)).collect()
}

fn id(text: &str) -> Result<Id, Error> {
    Id::parse(text, "row").map_err(|_| Error::Shape("an id is no UUID"))
}
