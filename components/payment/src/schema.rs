//! The schema of the service's database.

use stoa_kit::sql::{Dialect, Migration, Schema};

/// Applied in order; released ones are never changed.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "payments",
        scripts: &[(
            Dialect::Sqlite,
            include_str!("../migrations/0001_payments.sqlite.sql"),
        )],
    },
    Migration {
        name: "operations",
        scripts: &[(
            Dialect::Sqlite,
            include_str!("../migrations/0002_operations.sqlite.sql"),
        )],
    },
    Migration {
        name: "ledger",
        scripts: &[(
            Dialect::Sqlite,
            include_str!("../migrations/0003_ledger.sqlite.sql"),
        )],
    },
    Migration {
        name: "webhooks",
        scripts: &[(
            Dialect::Sqlite,
            include_str!("../migrations/0004_webhooks.sqlite.sql"),
        )],
    },
    stoa_outbox::OUTBOX,
    stoa_outbox::TRACES,
    stoa_idempotency::MIGRATION,
];

/// The database behind the link.
#[cfg_attr(test, expect(dead_code, reason = "tests ask a database in memory"))]
pub(crate) static SCHEMA: Schema = Schema(MIGRATIONS);
