//! The schema of the service's database.

use stoa_kit::sql::{Dialect, Migration, Schema};

/// Applied in order; released ones are never changed.
pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    name: "new_service",
    scripts: &[(
        Dialect::Sqlite,
        include_str!("../migrations/0001_new_service.sqlite.sql"),
    )],
}];

/// The database behind the link.
#[cfg_attr(test, expect(dead_code, reason = "tests ask a database in memory"))]
pub(crate) static SCHEMA: Schema = Schema(MIGRATIONS);
