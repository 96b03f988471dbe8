//! For tests: the database in memory.

use stoa_fixtures::Memory;
use stoa_kit::Statement;
use stoa_kit::sql::Value;

use crate::schema::MIGRATIONS;

pub(crate) static DATABASE: Memory = Memory(MIGRATIONS);

/// The rows of a query in SQL.
pub(crate) fn rows(sql: &str) -> Vec<Vec<Value>> {
    let mut outcomes = DATABASE.transact(&[Statement::new(sql)]).unwrap();
    outcomes.remove(0).rows
}
