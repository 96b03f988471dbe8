//! One statement of a caller: prepared, bound, run, and its rows read.

use rusqlite::types::{Null, ValueRef};
use rusqlite::{CachedStatement, Connection, Row};

use super::super::Limits;
use super::errors;
use super::session::Session;
use crate::types::{Error, GuardMismatch, Outcome, Statement, Value};

/// What a value costs in an answer beside its text.
const VALUE_BYTES: usize = 9;

/// What is left of the limits for one call.
pub(super) struct Budget {
    sql_bytes: usize,
    rows: usize,
    bytes: usize,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            sql_bytes: limits.sql_bytes,
            rows: limits.rows,
            bytes: limits.answer_bytes,
        }
    }

    fn spend(&mut self, rows: usize, bytes: usize) -> Result<(), Error> {
        let left = |have: usize, cost: usize, what: &str| {
            have.checked_sub(cost)
                .ok_or_else(|| Error::TooLarge(format!("the answer has too many {what}")))
        };
        self.rows = left(self.rows, rows, "rows")?;
        self.bytes = left(self.bytes, bytes, "bytes")?;
        Ok(())
    }
}

/// Runs a statement that only reads.
pub(super) fn run_reading(
    session: &Session,
    statement: &Statement,
    budget: &mut Budget,
) -> Result<Outcome, Error> {
    run_if(session, 0, statement, budget, |prepared| {
        if prepared.readonly() {
            Ok(())
        } else {
            Err(Error::Invalid("not a reading statement".to_owned()))
        }
    })
}

/// Runs a statement, the one at `position` in its call.
pub(super) fn run(
    session: &Session,
    position: u32,
    statement: &Statement,
    budget: &mut Budget,
) -> Result<Outcome, Error> {
    run_if(session, position, statement, budget, |_| Ok(()))
}

fn run_if(
    session: &Session,
    position: u32,
    statement: &Statement,
    budget: &mut Budget,
    permit: impl FnOnce(&CachedStatement<'_>) -> Result<(), Error>,
) -> Result<Outcome, Error> {
    session.watched(|connection| {
        let mut prepared = prepare(connection, statement, budget.sql_bytes)?;
        permit(&prepared)?;
        bind(&mut prepared, &statement.params)?;

        let changes_before = connection.total_changes();
        let columns = prepared.column_count();
        let rows = read(&mut prepared, columns, &statement.params, budget)?;
        // SQLite keeps the count of the last INSERT, UPDATE or DELETE until the
        // next one: a statement that is none of them must not inherit it.
        let changed = if connection.total_changes() == changes_before {
            0
        } else {
            connection.changes()
        };

        let actual = if columns == 0 {
            changed
        } else {
            rows.len() as u64
        };
        match statement.expect {
            Some(expected) if expected != actual => Err(Error::Guard(GuardMismatch {
                statement: position,
                expected,
                actual,
            })),
            _ => Ok(Outcome { rows, changed }),
        }
    })
}

fn prepare<'a>(
    connection: &'a Connection,
    statement: &Statement,
    sql_bytes: usize,
) -> Result<CachedStatement<'a>, Error> {
    let invalid = |reason: String| Err(Error::Invalid(reason));
    if statement.sql.len() > sql_bytes {
        return invalid(format!("the statement is longer than {sql_bytes} bytes"));
    }
    // SQLite would end the statement there and ignore the rest.
    if statement.sql.contains('\0') {
        return invalid("the statement contains a NUL".to_owned());
    }
    let prepared = connection
        .prepare_cached(&statement.sql)
        .map_err(errors::own)?;
    let (takes, given) = (prepared.parameter_count(), statement.params.len());
    if takes != given {
        return invalid(format!(
            "the statement takes {takes} parameters, {given} are given"
        ));
    }
    Ok(prepared)
}

fn bind(prepared: &mut CachedStatement<'_>, params: &[Value]) -> Result<(), Error> {
    for (position, value) in (1_usize..).zip(params) {
        match value {
            Value::Null => prepared.raw_bind_parameter(position, Null),
            Value::Integer(integer) => prepared.raw_bind_parameter(position, integer),
            Value::Real(real) if real.is_nan() => {
                // SQLite would store NULL.
                return Err(Error::Invalid(format!("parameter {position} is NaN")));
            }
            Value::Real(real) => prepared.raw_bind_parameter(position, real),
            Value::Text(text) => prepared.raw_bind_parameter(position, text.as_str()),
        }
        .map_err(errors::own)?;
    }
    Ok(())
}

fn read(
    prepared: &mut CachedStatement<'_>,
    columns: usize,
    params: &[Value],
    budget: &mut Budget,
) -> Result<Vec<Vec<Value>>, Error> {
    let failed = |error| errors::of_statement(error, params);
    let mut rows = Vec::new();
    let mut cursor = prepared.raw_query();
    while let Some(row) = cursor.next().map_err(failed)? {
        let values = (0..columns)
            .map(|column| value(row, column))
            .collect::<Result<Vec<_>, _>>()?;
        budget.spend(1, values.iter().map(size).sum())?;
        rows.push(values);
    }
    Ok(rows)
}

fn value(row: &Row<'_>, column: usize) -> Result<Value, Error> {
    Ok(match row.get_ref(column).map_err(errors::own)? {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Real(real),
        ValueRef::Text(bytes) => match str::from_utf8(bytes) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => return Err(unreadable(column, "text that is not UTF-8")),
        },
        ValueRef::Blob(_) => return Err(unreadable(column, "a BLOB")),
    })
}

fn unreadable(column: usize, what: &str) -> Error {
    let column = column + 1;
    Error::Invalid(format!(
        "column {column} of the result is {what}: select it as text, with hex() for example"
    ))
}

fn size(value: &Value) -> usize {
    match value {
        Value::Text(text) => VALUE_BYTES + text.len(),
        Value::Null | Value::Integer(_) | Value::Real(_) => VALUE_BYTES,
    }
}
