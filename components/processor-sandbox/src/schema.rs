//! The schema of the sandbox's database.

use stoa_kit::sql::{Dialect, Migration, Schema};

/// Applied in order; released ones are never changed.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "charges",
        scripts: &[(
            Dialect::Sqlite,
            include_str!("../migrations/0001_charges.sqlite.sql"),
        )],
    },
    Migration {
        name: "calls",
        scripts: &[(
            Dialect::Sqlite,
            include_str!("../migrations/0002_calls.sqlite.sql"),
        )],
    },
    Migration {
        name: "webhooks",
        scripts: &[(
            Dialect::Sqlite,
            include_str!("../migrations/0003_webhooks.sqlite.sql"),
        )],
    },
];

/// The database behind the link.
#[cfg_attr(test, expect(dead_code, reason = "tests ask a database in memory"))]
pub(crate) static SCHEMA: Schema = Schema(MIGRATIONS);
