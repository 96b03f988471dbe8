//! All SQL of the service, by table.
//!
//! Each function is one call to the database, which is one transaction, or
//! makes a statement that others take into theirs. Text is put together from
//! fixed fragments only; values are always bound.

pub(crate) mod ledger;
pub(crate) mod operations;
pub(crate) mod payments;
pub(crate) mod refunds;
pub(crate) mod webhooks;

use stoa_kit::sql::{Error, Outcome, Row};
use stoa_kit::{Id, Problem, Statement};

#[cfg(test)]
pub(crate) use crate::memory::DATABASE;
#[cfg(not(test))]
pub(crate) use crate::schema::SCHEMA as DATABASE;

/// Runs the statements in one transaction. The position of the one that did
/// not change or find as many rows as it expects, where that was it: somebody
/// was faster.
pub(crate) fn unless_too_late(
    statements: &[Statement],
) -> Result<Result<Vec<Outcome>, u32>, Problem> {
    match DATABASE.transact(statements) {
        Ok(outcomes) => Ok(Ok(outcomes)),
        Err(error) => match error.guard() {
            Some(guard) => Ok(Err(guard.statement)),
            None => Err(error.into()),
        },
    }
}

/// Takes the rows of the next outcome.
fn rows(outcomes: &mut impl Iterator<Item = Outcome>) -> Vec<Row> {
    let rows = outcomes.next().map(|outcome| outcome.rows);
    rows.into_iter().flatten().map(Row::new).collect()
}

fn id(text: &str) -> Result<Id, Error> {
    Id::parse(text, "row").map_err(|_| Error::Shape("an id is no UUID"))
}
