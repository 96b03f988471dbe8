//! The database of a service, as far as its outbox needs it.

use stoa_kit::Statement;
use stoa_kit::sql::{Error, Outcome, Row, Schema};

/// Something that answers as a [`Schema`] does.
pub trait Database {
    /// Runs one reading statement and returns its rows.
    fn query(&self, statement: &Statement) -> Result<Vec<Row>, Error>;

    /// Runs the statements in one transaction: all of them, or none.
    fn transact(&self, statements: &[Statement]) -> Result<Vec<Outcome>, Error>;
}

impl Database for Schema {
    fn query(&self, statement: &Statement) -> Result<Vec<Row>, Error> {
        Self::query(self, statement)
    }

    fn transact(&self, statements: &[Statement]) -> Result<Vec<Outcome>, Error> {
        Self::transact(self, statements)
    }
}

#[cfg(any(test, feature = "fixtures"))]
impl Database for stoa_fixtures::Memory {
    fn query(&self, statement: &Statement) -> Result<Vec<Row>, Error> {
        Self::query(self, statement)
    }

    fn transact(&self, statements: &[Statement]) -> Result<Vec<Outcome>, Error> {
        Self::transact(self, statements)
    }
}
