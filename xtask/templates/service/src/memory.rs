//! For tests: the database in memory.

use stoa_fixtures::Memory;
pub(crate) use stoa_fixtures::memory::calls;
use stoa_kit::Statement;

use crate::schema::MIGRATIONS;

pub(crate) static DATABASE: Memory = Memory(MIGRATIONS);

/// Empties the database: the first thing in a test.
pub(crate) fn open() {
    DATABASE.open();
}

/// What SQLite means to do for a statement.
pub(crate) fn plan(statement: &Statement) -> String {
    DATABASE.plan(statement)
}
