//! The schema of the service's database.

use stoa_kit::sql::{Dialect, Migration, Schema};

/// Applied in order; released ones are never changed.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "emails",
        scripts: &[(
            Dialect::Sqlite,
            include_str!("../migrations/0001_emails.sqlite.sql"),
        )],
    },
    Migration {
        name: "suppressions",
        scripts: &[(
            Dialect::Sqlite,
            include_str!("../migrations/0002_suppressions.sqlite.sql"),
        )],
    },
];

/// The database behind the link.
#[cfg_attr(test, expect(dead_code, reason = "tests ask a database in memory"))]
pub(crate) static SCHEMA: Schema = Schema(MIGRATIONS);
