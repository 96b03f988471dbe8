//! What callers may not do, and how much.

use std::time::Duration;

use stoa_harness::patience;
use stoa_sql_provider::Limits;
use stoa_sql_provider::types::{Error, Value};

use crate::database::{Database, caller, limits, statement, text};

const FOREVER: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
    SELECT count(*) FROM n";

fn is_invalid<T: std::fmt::Debug>(what: &str, result: &Result<T, Error>) {
    assert!(
        matches!(result, Err(Error::Invalid(_))),
        "{what}: {result:?}"
    );
}

#[tokio::test]
async fn a_query_cannot_write() {
    let database = Database::prepared(&["CREATE TABLE t (x UNIQUE)"]).await;
    for sql in [
        "INSERT INTO t VALUES (1)",
        "INSERT INTO t VALUES (1) RETURNING x",
        "DELETE FROM t",
        "CREATE TABLE u (x)",
        "CREATE TEMP TABLE u (x)",
        "WITH x AS (SELECT 1) UPDATE t SET x = 2",
        "REINDEX",
        "ANALYZE",
    ] {
        is_invalid(sql, &database.query(sql).await);
    }
    assert_eq!(database.number("SELECT count(*) FROM t").await, 0);
}

#[tokio::test]
async fn what_is_the_providers_business_is_refused() {
    let database = Database::prepared(&["CREATE TABLE t (x)"]).await;
    let elsewhere = database.dir.path().join("elsewhere.db");
    let attach = format!("ATTACH '{}' AS other", elsewhere.display());
    let vacuum_into = format!("VACUUM INTO '{}'", elsewhere.display());
    for sql in [
        &*attach,
        &*vacuum_into,
        "DETACH main",
        "VACUUM",
        "BEGIN",
        "COMMIT",
        "END",
        "ROLLBACK",
        "SAVEPOINT s",
        "RELEASE s",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA query_only = 0",
        "PRAGMA foreign_keys = OFF",
        "PRAGMA writable_schema = ON",
        "PRAGMA page_size = 512",
        "SELECT load_extension('x')",
        "CREATE TEMP TABLE kept (x)",
        "CREATE TEMP VIEW kept AS SELECT 1",
    ] {
        is_invalid(sql, &database.run(statement(sql, [])).await);
        is_invalid(sql, &database.query(sql).await);
    }
    assert!(!elsewhere.exists());
    // Every refusal left the connections as they were.
    database
        .run(statement("INSERT INTO t VALUES (1)", []))
        .await
        .unwrap();
    assert_eq!(database.number("SELECT count(*) FROM t").await, 1);
}

#[tokio::test]
async fn a_text_is_exactly_one_statement() {
    let database = Database::prepared(&["CREATE TABLE t (x)"]).await;
    for sql in [
        "",
        "-- nothing",
        ";",
        "SELECT 1; SELECT 2",
        "SELECT 1; DELETE FROM t",
        "SELECT 1; nonsense",
        "SELECT 1\0",
        "SELECT 1 FROM",
        "SELECT * FROM nowhere",
        "SELECT \"nothing\"",
    ] {
        is_invalid(sql, &database.query(sql).await);
        is_invalid(sql, &database.run(statement(sql, [])).await);
    }
    for sql in ["SELECT 1;", " SELECT 1 ; -- one\n"] {
        assert_eq!(database.number(sql).await, 1);
    }
}

#[tokio::test]
async fn parameters_are_counted() {
    let database = Database::new();
    let one = || Value::Integer(1);
    is_invalid("none", &database.run(statement("SELECT ?1", [])).await);
    is_invalid(
        "too many",
        &database.run(statement("SELECT ?1", [one(), one()])).await,
    );
    is_invalid(
        "no place",
        &database.run(statement("SELECT 1", [one()])).await,
    );
    let twice = statement("SELECT ?1, ?1", [one()]);
    assert_eq!(database.run(twice).await.unwrap().rows[0].len(), 2);
}

#[tokio::test]
async fn a_parameter_is_never_sql() {
    let database = Database::prepared(&["CREATE TABLE t (x)", "INSERT INTO t VALUES ('a')"]).await;
    let select = statement("SELECT x FROM t WHERE x = ?1", [text("' OR '1'='1")]);
    let outcome = database.provider.query(caller(), 0, select).await.unwrap();
    assert!(outcome.rows.is_empty());
}

#[tokio::test]
async fn an_answer_has_its_limits() {
    let limits = Limits {
        rows: 100,
        answer_bytes: 5000,
        ..limits()
    };
    let database = Database::with(limits);
    let rows = |count| {
        format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {count})
             SELECT i FROM n"
        )
    };
    assert_eq!(database.query(&rows(100)).await.unwrap().rows.len(), 100);
    for sql in [
        &*rows(101),
        "SELECT hex(zeroblob(2500))",
        "SELECT hex(zeroblob(50000000))",
    ] {
        let outcome = database.query(sql).await;
        assert!(matches!(outcome, Err(Error::TooLarge(_))), "{sql}");
    }
    // The rows of all statements of a call count.
    let outcome = database
        .transact([rows(60), rows(60)].map(|sql| statement(&sql, [])))
        .await;
    assert!(matches!(outcome, Err(Error::TooLarge(_))));
}

#[tokio::test]
async fn an_answer_that_is_too_large_undoes_the_call() {
    let limits = Limits {
        rows: 1,
        ..limits()
    };
    let database = Database::with(limits);
    let create = statement("CREATE TABLE t (x)", []);
    database.run(create).await.unwrap();
    let insert = statement("INSERT INTO t VALUES (1), (2) RETURNING x", []);
    let outcome = database.run(insert).await;
    assert!(matches!(outcome, Err(Error::TooLarge(_))), "{outcome:?}");
    assert_eq!(database.number("SELECT count(*) FROM t").await, 0);
}

#[tokio::test]
async fn a_call_has_its_limits() {
    let limits = Limits {
        statements: 2,
        sql_bytes: 20,
        ..limits()
    };
    let database = Database::with(limits);
    let one = || statement("SELECT 1", []);
    assert_eq!(database.transact([one(), one()]).await.unwrap().len(), 2);
    is_invalid("3", &database.transact([one(), one(), one()]).await);
    is_invalid("long", &database.query("SELECT 1 -- and a comment").await);
    assert!(database.transact([]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_statement_that_runs_too_long_is_stopped_and_undone() {
    let limits = Limits {
        call_time: patience(Duration::from_secs(2)),
        ..limits()
    };
    let database = Database::with(limits);
    let create = statement("CREATE TABLE t (x)", []);
    database.run(create).await.unwrap();
    let outcome = database.query(FOREVER).await;
    assert!(matches!(outcome, Err(Error::Busy(_))), "{outcome:?}");
    let insert = statement("INSERT INTO t VALUES (1)", []);
    let outcome = database.transact([insert, statement(FOREVER, [])]).await;
    assert!(matches!(outcome, Err(Error::Busy(_))), "{outcome:?}");
    assert_eq!(database.number("SELECT count(*) FROM t").await, 0);
}
