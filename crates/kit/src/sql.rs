//! The service's database.
//!
//! A service declares its [`Schema`] once, and asks through it: every call
//! says which version of the schema it needs, and where the database is
//! behind, the missing migrations are applied and the call is made again. So
//! the first call after an upgrade migrates, and no other call pays for it.

use crate::Problem;
use crate::bindings::stoa::sql::client;
use crate::bindings::stoa::sql::types::{self, Error as DatabaseError};
pub use crate::bindings::stoa::sql::types::{
    ConstraintKind, ConstraintViolation, Dialect, GuardMismatch, Outcome, Statement, Value,
};

/// One step of a schema. Migrations are applied in order and never changed
/// once they were released: a change is a new one.
#[derive(Debug)]
pub struct Migration {
    /// What it does, in words that fit a file name.
    pub name: &'static str,
    /// The script for each dialect that needs one of its own, else
    /// [`Dialect::Portable`].
    pub scripts: &'static [(Dialect, &'static str)],
}

/// The schema of a service: its migrations, the first being version 1.
#[derive(Debug)]
pub struct Schema(pub &'static [Migration]);

/// A service's database, or in its unit tests one in memory.
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

impl Schema {
    /// The version these migrations lead to.
    fn version(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// Runs one reading statement and returns its rows.
    pub fn query(&self, statement: &Statement) -> Result<Vec<Row>, Error> {
        let outcome = self.migrated(|| flatten(client::query(self.version(), statement)))?;
        Ok(outcome.rows.into_iter().map(Row::new).collect())
    }

    /// Runs the statements in one transaction: all of them, or none.
    pub fn transact(&self, statements: &[Statement]) -> Result<Vec<Outcome>, Error> {
        self.migrated(|| flatten(client::transact(self.version(), statements)))
    }

    /// Runs one statement that writes and returns rows.
    pub fn write(&self, statement: Statement) -> Result<Vec<Row>, Error> {
        let outcomes = self.transact(&[statement])?;
        Ok(outcomes
            .into_iter()
            .flat_map(|outcome| outcome.rows)
            .map(Row::new)
            .collect())
    }

    fn migrated<T>(&self, call: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
        match call() {
            Err(Error::Database(DatabaseError::SchemaBehind(applied))) => {
                self.migrate(applied)?;
                call()
            }
            answer => answer,
        }
    }

    fn migrate(&self, applied: u32) -> Result<(), Error> {
        let migrations: Vec<_> = (1..)
            .zip(self.0)
            .map(|(version, migration)| types::Migration {
                version,
                name: migration.name.to_owned(),
                scripts: migration
                    .scripts
                    .iter()
                    .map(|(dialect, sql)| types::Script {
                        dialect: *dialect,
                        sql: (*sql).to_owned(),
                    })
                    .collect(),
            })
            .collect();
        let version = flatten(client::migrate(&migrations))?;
        crate::log::info(
            "sql",
            &format!("schema migrated from {applied} to {version}"),
        );
        Ok(())
    }
}

/// Why a call did not do what it should.
#[derive(Debug)]
pub enum Error {
    /// The database's answer.
    Database(DatabaseError),
    /// There was no answer.
    Unreachable(String),
    /// The rows are not of the shape the service expects.
    Shape(&'static str),
}

impl Error {
    /// What was violated, where a constraint was: `products.sku`.
    pub fn violated(&self) -> Option<&ConstraintViolation> {
        match self {
            Self::Database(DatabaseError::Constraint(violation)) => Some(violation),
            _ => None,
        }
    }

    /// Whether the answer would be larger than the database gives at once.
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::Database(DatabaseError::TooLarge(_)))
    }

    /// The statement whose `expect` did not hold, where that was it.
    pub fn guard(&self) -> Option<&GuardMismatch> {
        match self {
            Self::Database(DatabaseError::Guard(mismatch)) => Some(mismatch),
            _ => None,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(DatabaseError::Busy(why)) => {
                Self::unavailable("The database is busy. Try again.", why)
            }
            Error::Database(DatabaseError::Unavailable(why)) | Error::Unreachable(why) => {
                Self::unavailable("The database does not answer. Try again.", why)
            }
            Error::Database(other) => Self::internal(format!("database: {other:?}")),
            Error::Shape(why) => Self::internal(format!("unexpected row: {why}")),
        }
    }
}

fn flatten<T>(
    answer: Result<Result<T, DatabaseError>, crate::bindings::wrpc::rpc::error::Error>,
) -> Result<T, Error> {
    match answer {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Error::Database(error)),
        Err(error) => Err(Error::Unreachable(error.to_debug_string())),
    }
}

impl Statement {
    /// A statement without parameters so far.
    pub fn new(sql: impl Into<String>) -> Self {
        Self {
            sql: sql.into(),
            params: Vec::new(),
            expect: None,
        }
    }

    /// Adds the next parameter: the first is `?1`.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.params.push(value.into());
        self
    }

    /// Rolls everything back unless exactly so many rows are changed (or
    /// returned).
    #[must_use]
    pub fn expecting(mut self, rows: u64) -> Self {
        self.expect = Some(rows);
        self
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<crate::Id> for Value {
    fn from(id: crate::Id) -> Self {
        Self::Text(id.to_string())
    }
}

impl From<crate::Timestamp> for Value {
    fn from(time: crate::Timestamp) -> Self {
        Self::Integer(time.0)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row whose columns are taken from left to right.
#[derive(Debug)]
pub struct Row(std::vec::IntoIter<Value>);

impl Row {
    /// A row of these columns, such as one of an [`Outcome`].
    pub fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    /// Takes the next column as text.
    pub fn text(&mut self) -> Result<String, Error> {
        match self.0.next() {
            Some(Value::Text(text)) => Ok(text),
            _ => Err(Error::Shape("a text was expected")),
        }
    }

    /// Takes the next column as text that may be null.
    pub fn optional_text(&mut self) -> Result<Option<String>, Error> {
        match self.0.next() {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(Error::Shape("a text or null was expected")),
        }
    }

    /// Takes the next column as an integer that may be null.
    pub fn optional_integer(&mut self) -> Result<Option<i64>, Error> {
        match self.0.next() {
            Some(Value::Integer(number)) => Ok(Some(number)),
            Some(Value::Null) => Ok(None),
            _ => Err(Error::Shape("an integer or null was expected")),
        }
    }

    /// Takes the next column as an integer.
    pub fn integer(&mut self) -> Result<i64, Error> {
        match self.0.next() {
            Some(Value::Integer(number)) => Ok(number),
            _ => Err(Error::Shape("an integer was expected")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_taken_from_left_to_right_and_by_type() {
        let null = Value::Null;
        let mut row = Row::new(vec!["a".into(), null.clone(), null, 7.into(), 8.into()]);
        assert_eq!(row.text().unwrap(), "a");
        assert_eq!(row.optional_text().unwrap(), None);
        assert_eq!(row.optional_integer().unwrap(), None);
        assert_eq!(row.integer().unwrap(), 7);
        assert!(matches!(row.text(), Err(Error::Shape(_))));
        assert!(matches!(row.integer(), Err(Error::Shape(_))));
    }
}
