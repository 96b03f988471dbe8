//! The schema of the service's database.

use stoa_kit::sql::{Dialect, Migration, Schema};

/// Applied in order; released ones are never changed.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "credentials",
        scripts: &[(
            Dialect::Sqlite,
            include_str!("../migrations/0001_credentials.sqlite.sql"),
        )],
    },
    Migration {
        name: "sessions",
        scripts: &[(
            Dialect::Sqlite,
            include_str!("../migrations/0002_sessions.sqlite.sql"),
        )],
    },
    Migration {
        name: "one_time_tokens",
        scripts: &[(
            Dialect::Sqlite,
            include_str!("../migrations/0003_one_time_tokens.sqlite.sql"),
        )],
    },
    Migration {
        name: "keys",
        scripts: &[(
            Dialect::Sqlite,
            include_str!("../migrations/0004_keys.sqlite.sql"),
        )],
    },
    Migration {
        name: "throttle",
        scripts: &[(
            Dialect::Sqlite,
            include_str!("../migrations/0005_throttle.sqlite.sql"),
        )],
    },
    stoa_outbox::OUTBOX,
    stoa_outbox::TRACES,
];

/// The database behind the link.
#[cfg_attr(test, expect(dead_code, reason = "tests ask a database in memory"))]
pub(crate) static SCHEMA: Schema = Schema(MIGRATIONS);
