//! Links: who reaches which database.

use std::collections::HashMap;
use std::time::Duration;

use futures::FutureExt as _;
use stoa_sql_provider::types::{Error, Outcome};
use stoa_sql_provider::{Caller, Config, SqlProvider};
use tempfile::TempDir;

use crate::database::{Database, caller, statement};

async fn query(provider: &SqlProvider, caller: Caller, sql: &str) -> Result<Outcome, Error> {
    provider.query(caller, 0, statement(sql, [])).await
}

#[tokio::test]
async fn a_caller_without_a_link_gets_nothing() {
    let database = Database::new();
    for stranger in [
        Caller::new("order", "default"),
        Caller::new("product", "second"),
    ] {
        let outcome = query(&database.provider, stranger, "SELECT 1").await;
        assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn links_to_different_databases_do_not_meet() {
    let database = Database::prepared(&["CREATE TABLE t (x)"]).await;
    let order = Caller::new("order", "default");
    database.provider.link(order.clone(), &HashMap::new());
    let outcome = query(&database.provider, order, "SELECT * FROM t").await;
    assert!(matches!(outcome, Err(Error::Invalid(_))), "{outcome:?}");
    assert!(database.dir.path().join("order.db").exists());
}

#[tokio::test]
async fn a_link_that_was_removed_reaches_nothing_until_it_is_put_again() {
    let database = Database::prepared(&["CREATE TABLE t (x)"]).await;
    database.provider.unlink(caller());
    let outcome = database.query("SELECT * FROM t").await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    let link = HashMap::from([("database".to_owned(), "shop".to_owned())]);
    database.provider.link(caller(), &link);
    database.query("SELECT * FROM t").await.unwrap();
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_a_fault_until_it_can() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("product.db");
    std::fs::write(
        &file,
        "not a database, and long enough to be looked at".repeat(100),
    )
    .unwrap();
    let provider = SqlProvider::new(Config::new(dir.path()));
    provider.link(caller(), &HashMap::new());
    assert!(
        provider.faults().is_empty(),
        "nothing is opened before the first call"
    );

    let outcome = query(&provider, caller(), "SELECT 1").await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    assert_eq!(provider.faults().len(), 1);
    std::fs::remove_file(&file).unwrap();
    query(&provider, caller(), "SELECT 1").await.unwrap();
    assert!(provider.faults().is_empty());
}

#[tokio::test]
async fn after_the_shutdown_there_is_no_database() {
    let database = Database::new();
    database.query("SELECT 1").await.unwrap();
    database.provider.close().await;
    let outcome = database.query("SELECT 1").await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_caller_whose_link_never_came_is_the_sign_of_a_lost_link() {
    let dir = TempDir::new().unwrap();
    let provider = |grace| {
        SqlProvider::new(Config {
            grace,
            ..Config::new(dir.path())
        })
    };
    let early = provider(Duration::from_hours(1));
    query(&early, caller(), "SELECT 1").await.unwrap_err();
    assert!(early.link_lost().now_or_never().is_none());

    let late = provider(Duration::ZERO);
    late.link(caller(), &HashMap::new());
    late.unlink(caller());
    query(&late, caller(), "SELECT 1").await.unwrap_err();
    assert!(late.link_lost().now_or_never().is_none());
    let stranger = Caller::new("order", "default");
    query(&late, stranger, "SELECT 1").await.unwrap_err();
    assert!(late.link_lost().now_or_never().is_some());
}
