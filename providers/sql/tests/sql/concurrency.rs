//! Several calls at the same time.

use std::sync::Arc;
use std::time::Duration;

use stoa_harness::patience;
use stoa_sql_provider::Limits;
use stoa_sql_provider::types::Error;
use tokio::task::JoinSet;

use crate::database::{Database, caller, guarded, limits, open, statement};

/// Runs for as long as a call may.
const FOREVER: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
    SELECT count(*) FROM n";

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_whole_transactions_while_a_writer_writes() {
    let database = Arc::new(
        Database::prepared(&["CREATE TABLE t (x)", "INSERT INTO t VALUES (0), (0)"]).await,
    );
    let mut running = JoinSet::new();
    for _ in 0..4 {
        let database = Arc::clone(&database);
        running.spawn(async move {
            for _ in 0..100 {
                let distinct = "SELECT count(DISTINCT x) FROM t";
                assert_eq!(database.number(distinct).await, 1);
            }
        });
    }
    for _ in 0..2 {
        let database = Arc::clone(&database);
        running.spawn(async move {
            for _ in 0..20 {
                let step = |row| {
                    let sql = format!("UPDATE t SET x = x + 1 WHERE rowid = {row}");
                    guarded(&sql, [], 1)
                };
                database.transact([step(1), step(2)]).await.unwrap();
            }
        });
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
    assert_eq!(database.number("SELECT sum(x) FROM t").await, 80);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_do_not_wait_for_a_writer_or_for_each_other() {
    let limits = Limits {
        readers: 2,
        call_time: patience(Duration::from_secs(5)),
        ..limits()
    };
    let database = Arc::new(Database::with(limits));
    database.query("SELECT 1").await.unwrap();
    let long_query = tokio::spawn({
        let database = Arc::clone(&database);
        async move { database.query(FOREVER).await }
    });
    let long_write = tokio::spawn({
        let database = Arc::clone(&database);
        async move { database.run(statement(FOREVER, [])).await }
    });
    for _ in 0..20 {
        database.query("SELECT 1").await.unwrap();
    }
    assert!(!long_query.is_finished() && !long_write.is_finished());
    assert!(matches!(long_query.await.unwrap(), Err(Error::Busy(_))));
    assert!(matches!(long_write.await.unwrap(), Err(Error::Busy(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_busy_at_once() {
    let limits = Limits {
        readers: 1,
        queue: 2,
        call_time: patience(Duration::from_secs(3)),
        ..limits()
    };
    let database = Arc::new(Database::with(limits));
    database.query("SELECT 1").await.unwrap();
    let mut running = JoinSet::new();
    for _ in 0..3 {
        let database = Arc::clone(&database);
        running.spawn(async move {
            match database.query(FOREVER).await {
                Err(Error::Busy(reason)) => reason,
                other => panic!("{other:?}"),
            }
        });
    }
    let first = running.join_next().await.unwrap().unwrap();
    assert!(first.contains("too many calls"), "{first}");
    let reasons = running.join_all().await;
    assert_eq!(reasons.len(), 2);
    database.query("SELECT 1").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_processs_lock_makes_a_write_busy_and_then_lets_it_through() {
    let limits = Limits {
        lock_time: Duration::from_millis(100),
        ..limits()
    };
    let database = Database::with(limits);
    let create = statement("CREATE TABLE t (x)", []);
    database.run(create).await.unwrap();

    let other = rusqlite::Connection::open(database.dir.path().join("shop.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let insert = || statement("INSERT INTO t VALUES (1)", []);
    let outcome = database.run(insert()).await;
    assert!(matches!(outcome, Err(Error::Busy(_))), "{outcome:?}");
    assert_eq!(database.number("SELECT count(*) FROM t").await, 0);
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(database.run(insert()).await.unwrap().changed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_lets_running_calls_finish() {
    let database = Database::prepared(&["CREATE TABLE t (x)"]).await;
    let mut running = JoinSet::new();
    for _ in 0..50 {
        let provider = database.provider.clone();
        running.spawn(async move {
            let insert = statement("INSERT INTO t VALUES (1)", []);
            provider.transact(caller(), 0, vec![insert]).await
        });
    }
    let first = running.join_next().await.unwrap().unwrap();
    assert!(first.is_ok(), "{first:?}");
    database.provider.close().await;
    let mut done = 1;
    while let Some(outcome) = running.join_next().await {
        match outcome.unwrap() {
            Ok(_) => done += 1,
            Err(Error::Unavailable(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    let reopened = open(database.dir.path(), limits());
    let count = guarded("SELECT 1 FROM t", [], done);
    reopened.query(caller(), 0, count).await.unwrap();
}
