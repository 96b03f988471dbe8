//! For tests: a real SQLite in memory in the place of the database behind the
//! link, so that every statement runs natively, through the same handlers.
//!
//! It keeps the contract of `stoa:sql`: one call is one transaction, and what
//! a statement expects is checked.

use std::cell::{Cell, RefCell};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, StatementStatus, ToSql, params_from_iter};
use stoa_kit::Statement;
use stoa_kit::bindings::stoa::sql::types::Error as DatabaseError;
use stoa_kit::sql::{
    ConstraintKind, ConstraintViolation, Error, GuardMismatch, Outcome, Row, Value,
};

use crate::schema::MIGRATIONS;

/// The largest answer, as the provider has it.
const ANSWER_BYTES: usize = 8 << 20;

/// The database of the test that runs on this thread.
pub(crate) struct Memory;

pub(crate) static DATABASE: Memory = Memory;

thread_local! {
    static CONNECTION: RefCell<Connection> = RefCell::new(migrated());
    static CALLS: Cell<u32> = const { Cell::new(0) };
    static STEPS: Cell<i32> = const { Cell::new(0) };
    static INTERFERENCE: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Empties the database: the first thing in a test.
pub(crate) fn open() {
    CONNECTION.set(migrated());
    INTERFERENCE.take();
    CALLS.set(0);
}

/// The calls since this was asked last.
pub(crate) fn calls() -> u32 {
    CALLS.replace(0)
}

/// How much the last statement worked: SQLite's count of virtual machine
/// steps.
pub(crate) fn steps() -> i32 {
    STEPS.get()
}

/// Lets somebody else run these, one before each of the next transactions.
pub(crate) fn interfere<S: Into<String>>(sql: impl IntoIterator<Item = S>) {
    INTERFERENCE.with_borrow_mut(|interference| {
        interference.extend(sql.into_iter().map(Into::into));
    });
}

/// What SQLite means to do for a statement.
pub(crate) fn plan(statement: &Statement) -> String {
    let explain = Statement {
        sql: format!("EXPLAIN QUERY PLAN {}", statement.sql),
        ..statement.clone()
    };
    let rows = CONNECTION
        .with_borrow(|connection| execute(connection, &explain))
        .unwrap()
        .rows;
    let details = rows.into_iter().map(|mut row| match row.pop() {
        Some(Value::Text(detail)) => detail,
        other => format!("{other:?}"),
    });
    details.collect::<Vec<_>>().join("\n")
}

impl Memory {
    #[expect(clippy::unused_self, reason = "has the shape of Schema")]
    pub(crate) fn query(&self, statement: &Statement) -> Result<Vec<Row>, Error> {
        CALLS.set(CALLS.get() + 1);
        let outcome = CONNECTION
            .with_borrow(|connection| execute(connection, statement))
            .map_err(Error::Database)?;
        let bytes: usize = outcome.rows.iter().flatten().map(length).sum();
        if bytes > ANSWER_BYTES {
            return Err(Error::Database(DatabaseError::TooLarge("answer".into())));
        }
        Ok(outcome.rows.into_iter().map(Row::new).collect())
    }

    #[expect(clippy::unused_self, reason = "has the shape of Schema")]
    pub(crate) fn transact(&self, statements: &[Statement]) -> Result<Vec<Outcome>, Error> {
        CALLS.set(CALLS.get() + 1);
        CONNECTION.with_borrow_mut(|connection| {
            let interference =
                INTERFERENCE.with_borrow_mut(|list| (!list.is_empty()).then(|| list.remove(0)));
            if let Some(sql) = interference {
                connection.execute_batch(&sql).unwrap();
            }
            let transaction = connection.transaction().unwrap();
            let mut outcomes = Vec::new();
            for (index, statement) in (0..).zip(statements) {
                let outcome = execute(&transaction, statement).map_err(Error::Database)?;
                let actual = outcome.changed.max(outcome.rows.len() as u64);
                if let Some(expected) = statement.expect.filter(|expected| *expected != actual) {
                    return Err(Error::Database(DatabaseError::Guard(GuardMismatch {
                        statement: index,
                        expected,
                        actual,
                    })));
                }
                outcomes.push(outcome);
            }
            transaction.commit().unwrap();
            Ok(outcomes)
        })
    }

    pub(crate) fn write(&self, statement: Statement) -> Result<Vec<Row>, Error> {
        let outcomes = self.transact(&[statement])?;
        let rows = outcomes.into_iter().flat_map(|outcome| outcome.rows);
        Ok(rows.map(Row::new).collect())
    }
}

fn migrated() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    for (_, sql) in MIGRATIONS.iter().flat_map(|migration| migration.scripts) {
        connection.execute_batch(sql).unwrap();
    }
    connection
}

struct Parameter<'a>(&'a Value);

impl ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(number) => ValueRef::Integer(*number),
            Value::Real(number) => ValueRef::Real(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

fn execute(connection: &Connection, statement: &Statement) -> Result<Outcome, DatabaseError> {
    let invalid = |error: rusqlite::Error| DatabaseError::Invalid(error.to_string());
    let before = connection.total_changes();
    let mut prepared = connection.prepare_cached(&statement.sql).map_err(invalid)?;
    assert_eq!(
        prepared.parameter_count(),
        statement.params.len(),
        "{}",
        statement.sql
    );
    prepared.reset_status(StatementStatus::VmStep);
    let columns = prepared.column_count();
    let mut rows = Vec::new();
    let mut cursor = prepared
        .query(params_from_iter(statement.params.iter().map(Parameter)))
        .map_err(invalid)?;
    while let Some(row) = cursor.next().map_err(|error| violated(&error))? {
        let values = (0..columns).map(|column| match row.get_ref_unwrap(column) {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Integer(number),
            ValueRef::Real(number) => Value::Real(number),
            ValueRef::Text(text) => Value::Text(String::from_utf8(text.to_vec()).unwrap()),
            ValueRef::Blob(_) => panic!("no blobs"),
        });
        rows.push(values.collect());
    }
    drop(cursor);
    STEPS.set(prepared.get_status(StatementStatus::VmStep));
    let changed = if connection.total_changes() == before {
        0
    } else {
        connection.changes()
    };
    Ok(Outcome { rows, changed })
}

fn length(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        _ => 8,
    }
}

/// SQLite names the column in its message: `UNIQUE constraint failed: t.c`.
fn violated(error: &rusqlite::Error) -> DatabaseError {
    let message = error.to_string();
    match message.strip_prefix("UNIQUE constraint failed: ") {
        Some(name) => DatabaseError::Constraint(ConstraintViolation {
            kind: ConstraintKind::Unique,
            name: name.to_owned(),
        }),
        None => DatabaseError::Invalid(message),
    }
}
