//! Migrations: once, in order, whole or not at all.

use stoa_sql_provider::SqlProvider;
use stoa_sql_provider::types::{Dialect, Error, Migration};

use crate::database::{Database, caller, limits, migration, open, script, statement};

fn schema() -> Vec<Migration> {
    vec![
        migration(1, "CREATE TABLE a (x); INSERT INTO a VALUES (1)"),
        migration(2, "CREATE TABLE b (x); INSERT INTO a VALUES (2);"),
        migration(
            3,
            "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 0 CHECK (y < 9)",
        ),
    ]
}

async fn migrate(database: &Database, migrations: Vec<Migration>) -> Result<u32, Error> {
    database.provider.migrate(caller(), migrations).await
}

async fn assert_changed(database: &Database, migrations: Vec<Migration>) {
    let outcome = migrate(database, migrations).await;
    assert!(
        matches!(outcome, Err(Error::MigrationChanged(_))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn each_is_applied_once() {
    let database = Database::new();
    assert_eq!(migrate(&database, schema()).await.unwrap(), 3);
    assert_eq!(migrate(&database, schema()).await.unwrap(), 3);
    assert_eq!(database.number("SELECT count(*) FROM a").await, 2);
    assert_eq!(
        database
            .number("SELECT count(*) FROM stoa_migrations")
            .await,
        3
    );
}

#[tokio::test]
async fn the_missing_ones_may_be_sent_alone() {
    let database = Database::new();
    let mut first = schema();
    let rest = first.split_off(1);
    assert_eq!(migrate(&database, first).await.unwrap(), 1);
    assert_eq!(migrate(&database, rest).await.unwrap(), 3);
    assert_eq!(migrate(&database, vec![]).await.unwrap(), 3);
}

#[tokio::test]
async fn a_call_says_when_the_schema_is_behind() {
    let database = Database::new();
    let query = |schema| {
        let provider = database.provider.clone();
        async move {
            provider
                .query(caller(), schema, statement("SELECT 1", []))
                .await
        }
    };
    assert!(query(0).await.is_ok());
    assert!(matches!(query(3).await, Err(Error::SchemaBehind(0))));
    migrate(&database, schema()).await.unwrap();
    assert!(query(3).await.is_ok());
    assert!(query(2).await.is_ok(), "a newer database is fine");
    assert!(matches!(query(4).await, Err(Error::SchemaBehind(3))));
    let transact = database.provider.transact(caller(), 4, vec![]).await;
    assert!(matches!(transact, Err(Error::SchemaBehind(3))));
    // Known again after a restart.
    let reopened = open(database.dir.path(), limits());
    let outcome = reopened.query(caller(), 4, statement("SELECT 1", [])).await;
    assert!(matches!(outcome, Err(Error::SchemaBehind(3))));
}

#[tokio::test]
async fn a_changed_text_or_a_gap_applies_nothing() {
    let database = Database::new();
    let [first, second, third]: [Migration; 3] = schema().try_into().unwrap();
    migrate(&database, vec![first.clone()]).await.unwrap();

    let changed = migration(1, "CREATE TABLE a (x, y)");
    assert_changed(&database, vec![changed, second.clone()]).await;
    assert_changed(&database, vec![first.clone(), third.clone()]).await;
    assert_changed(&database, vec![third]).await;
    assert_changed(&database, vec![second.clone(), first.clone()]).await;
    assert_changed(&database, vec![first.clone(), first.clone()]).await;
    assert_changed(&database, vec![migration(0, "SELECT 1"), first]).await;

    assert_eq!(
        database
            .number("SELECT max(version) FROM stoa_migrations")
            .await,
        1
    );
    assert!(database.query("SELECT 1 FROM b").await.is_err());
}

#[tokio::test]
async fn a_failing_script_leaves_nothing_of_its_migration() {
    let database = Database::new();
    let broken = [
        "CREATE TABLE half (x); INSERT INTO half VALUES (1); INSERT INTO nowhere VALUES (1)",
        "CREATE TABLE half (x NOT NULL); INSERT INTO half VALUES (NULL)",
        "CREATE TABLE half (x); COMMIT; CREATE TABLE more (x)",
        "CREATE TABLE half (x); PRAGMA foreign_keys = OFF",
        "CREATE TABLE half (x); INSERT INTO stoa_migrations VALUES (9, 'x', 'x', 0)",
        "CREATE TABLE half (x);\0 CREATE TABLE more (x)",
    ];
    for sql in broken {
        let steps = vec![schema().remove(0), migration(2, sql)];
        let outcome = migrate(&database, steps).await;
        let Err(Error::Invalid(reason)) = outcome else {
            panic!("{sql}: {outcome:?}");
        };
        assert!(reason.contains("migration 2 (step 2)"), "{reason}");
        assert!(database.query("SELECT 1 FROM half").await.is_err(), "{sql}");
    }
    assert_eq!(migrate(&database, schema()).await.unwrap(), 3);
}

#[tokio::test]
async fn the_script_in_sqlites_dialect_is_preferred() {
    let database = Database::new();
    let portable = script(Dialect::Portable, "CREATE TABLE portable (x)");
    let sqlite = script(Dialect::Sqlite, "CREATE TABLE sqlite (x)");
    let postgres = script(Dialect::Postgres, "CREATE TABLE postgres (x)");
    let step = |version, scripts| Migration {
        version,
        name: String::new(),
        scripts,
    };
    let steps = vec![
        step(1, vec![postgres.clone(), portable.clone(), sqlite]),
        step(2, vec![postgres.clone(), portable]),
    ];
    assert_eq!(migrate(&database, steps).await.unwrap(), 2);
    let tables =
        "SELECT count(*) FROM sqlite_schema WHERE name IN ('sqlite', 'portable', 'postgres')";
    assert_eq!(database.number(tables).await, 2);
    let outcome = migrate(&database, vec![step(3, vec![postgres])]).await;
    assert!(matches!(outcome, Err(Error::Invalid(_))), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_migrate_at_the_same_time() {
    let database = Database::new();
    // Each of them as a process of its own, twice.
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let provider: SqlProvider = open(database.dir.path(), limits());
        for _ in 0..2 {
            let provider = provider.clone();
            running.spawn(async move { provider.migrate(caller(), schema()).await });
        }
    }
    while let Some(outcome) = running.join_next().await {
        assert_eq!(outcome.unwrap().unwrap(), 3);
    }
    assert_eq!(database.number("SELECT count(*) FROM a").await, 2);
}

#[tokio::test]
async fn callers_cannot_touch_the_ledger() {
    let database = Database::new();
    let forged = "CREATE TABLE stoa_migrations (version, name, checksum, applied_at)";
    assert!(database.run(statement(forged, [])).await.is_err());
    migrate(&database, schema()).await.unwrap();
    for sql in [
        "DELETE FROM stoa_migrations",
        "UPDATE Stoa_Migrations SET checksum = ''",
        "DROP TABLE stoa_migrations",
        "ALTER TABLE stoa_migrations RENAME TO gone",
        "CREATE TRIGGER t AFTER INSERT ON stoa_migrations BEGIN SELECT 1; END",
    ] {
        let outcome = database.run(statement(sql, [])).await;
        assert!(
            matches!(outcome, Err(Error::Invalid(_))),
            "{sql}: {outcome:?}"
        );
    }
    assert_eq!(
        database
            .number("SELECT count(*) FROM stoa_migrations")
            .await,
        3
    );
}
