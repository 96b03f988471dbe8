//! What statements do: values, guards, constraints.

use stoa_sql_provider::types::ConstraintKind::{Check, ForeignKey, NotNull, Other, Unique};
use stoa_sql_provider::types::{Error, Value};
use tempfile::TempDir;

use crate::database::{Database, caller, guarded, limits, open, statement, text};

const PRODUCTS: &str = "CREATE TABLE products (
    id INTEGER PRIMARY KEY,
    sku TEXT NOT NULL UNIQUE,
    stock INTEGER NOT NULL DEFAULT 0 CONSTRAINT enough_stock CHECK (stock >= 0)
)";

async fn products() -> Database {
    let insert = "INSERT INTO products (id, sku, stock) VALUES (1, 'a', 5), (2, 'b', 0)";
    Database::prepared(&[PRODUCTS, insert]).await
}

#[tokio::test]
async fn values_survive() {
    let database = Database::prepared(&["CREATE TABLE t (v ANY) STRICT"]).await;
    let texts = ["", "größe 🛒", "a\0b", "'; DROP TABLE t; --"];
    let integers = [i64::MIN, -1, 0, (1 << 53) + 1, i64::MAX];
    let reals = [0.1, 1e-300, f64::MAX, f64::INFINITY];
    let values = (texts.map(text).into_iter())
        .chain(integers.map(Value::Integer))
        .chain(reals.map(Value::Real))
        .chain([Value::Null]);
    for value in values {
        let insert = statement("INSERT INTO t VALUES (?1) RETURNING v", [value.clone()]);
        let returned = database.run(insert).await.unwrap().rows;
        assert_eq!(format!("{returned:?}"), format!("{:?}", [[&value]]));
        let read = statement("SELECT v FROM t WHERE v IS ?1", [value.clone()]);
        let read = database.provider.query(caller(), 0, read).await.unwrap();
        assert_eq!(format!("{:?}", read.rows), format!("{:?}", [[&value]]));
    }
    assert_eq!(database.number("SELECT count(*) FROM t").await, 14);
}

#[tokio::test]
async fn what_has_no_value_in_the_interface_is_invalid() {
    let database = Database::new();
    let refused = |result| match result {
        Err(Error::Invalid(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let reason = refused(database.query("SELECT 1, x'00ff'").await);
    assert!(
        reason.contains("column 2") && reason.contains("BLOB"),
        "{reason}"
    );
    let reason = refused(database.query("SELECT CAST(x'ff' AS TEXT)").await);
    assert!(reason.contains("UTF-8"), "{reason}");
    let nan = statement("SELECT ?1", [Value::Real(f64::NAN)]);
    let reason = refused(database.run(nan).await);
    assert!(reason.contains("NaN"), "{reason}");
}

#[tokio::test]
async fn rows_changed_are_those_of_the_statement_itself() {
    let database = products().await;
    let outcomes = database
        .transact([
            statement("UPDATE products SET stock = stock + 1", []),
            statement("SELECT sku FROM products", []),
            statement("CREATE TABLE other (x)", []),
            statement("DELETE FROM products WHERE id > 2", []),
            statement("DELETE FROM products WHERE id = 2 RETURNING sku", []),
        ])
        .await
        .unwrap();
    let changed: Vec<_> = outcomes.iter().map(|outcome| outcome.changed).collect();
    assert_eq!(changed, [2, 0, 0, 0, 1]);
    let rows: Vec<_> = outcomes.iter().map(|outcome| outcome.rows.len()).collect();
    assert_eq!(rows, [0, 2, 0, 0, 1]);
}

#[tokio::test]
async fn a_guard_that_fails_undoes_the_whole_call() {
    let database = products().await;
    let take = "UPDATE products SET stock = stock - 1 WHERE id = ?1 AND stock > 0";
    let outcome = database
        .transact([
            guarded(take, [Value::Integer(1)], 1),
            guarded(take, [Value::Integer(2)], 1),
        ])
        .await;
    let Err(Error::Guard(mismatch)) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        (mismatch.statement, mismatch.expected, mismatch.actual),
        (1, 1, 0)
    );
    assert_eq!(database.number("SELECT sum(stock) FROM products").await, 5);
}

#[tokio::test]
async fn a_guard_counts_the_rows_returned_where_there_are_any() {
    let database = products().await;
    let returning = "UPDATE products SET stock = 9 RETURNING id";
    database.run(guarded(returning, [], 2)).await.unwrap();
    let select = guarded("SELECT 1 FROM products WHERE id = 7", [], 1);
    let outcome = database.run(select.clone()).await;
    assert!(matches!(outcome, Err(Error::Guard(_))), "{outcome:?}");
    let outcome = database.provider.query(caller(), 0, select).await;
    assert!(matches!(outcome, Err(Error::Guard(_))), "{outcome:?}");
}

#[tokio::test]
async fn violations_say_what_was_violated() {
    let database = products().await;
    let tables = [
        "CREATE TABLE tags (name)",
        "CREATE UNIQUE INDEX by_lower_name ON tags (lower(name))",
        "INSERT INTO tags VALUES ('sale')",
        "CREATE TABLE prices (product INTEGER REFERENCES products, currency TEXT, UNIQUE (product, currency))",
        "CREATE TRIGGER keep BEFORE DELETE ON prices BEGIN SELECT RAISE(ABORT, 'append only'); END",
        "INSERT INTO prices VALUES (1, 'EUR')",
    ];
    for sql in tables {
        database.run(statement(sql, [])).await.unwrap();
    }
    for (sql, kind, name) in [
        (
            "INSERT INTO products (sku) VALUES ('a')",
            Unique,
            "products.sku",
        ),
        (
            "INSERT INTO products (id, sku) VALUES (1, 'z')",
            Unique,
            "products.id",
        ),
        ("INSERT INTO tags VALUES ('Sale')", Unique, "by_lower_name"),
        (
            "INSERT INTO prices VALUES (1, 'EUR')",
            Unique,
            "prices.product, prices.currency",
        ),
        (
            "INSERT INTO products (id) VALUES (9)",
            NotNull,
            "products.sku",
        ),
        ("UPDATE products SET stock = -1", Check, "enough_stock"),
        ("INSERT INTO prices VALUES (99, 'EUR')", ForeignKey, ""),
        ("DELETE FROM prices", Other, "append only"),
    ] {
        let outcome = database.run(statement(sql, [])).await;
        let Err(Error::Constraint(violation)) = outcome else {
            panic!("{sql}: {outcome:?}");
        };
        assert_eq!((violation.kind, &*violation.name), (kind, name), "{sql}");
    }
}

#[tokio::test]
async fn a_constraint_deferred_to_the_commit_undoes_the_call() {
    let child = "CREATE TABLE child (p REFERENCES products DEFERRABLE INITIALLY DEFERRED)";
    let database = Database::prepared(&[PRODUCTS, child]).await;
    let outcome = database
        .run(statement("INSERT INTO child VALUES (7)", []))
        .await;
    assert!(matches!(outcome, Err(Error::Constraint(_))), "{outcome:?}");
    assert_eq!(database.number("SELECT count(*) FROM child").await, 0);
    database
        .run(statement("INSERT INTO products (sku) VALUES ('x')", []))
        .await
        .unwrap();
}

#[tokio::test]
async fn errors_do_not_show_values() {
    let database = Database::prepared(&["CREATE VIRTUAL TABLE docs USING fts5(body)"]).await;
    for (sql, value) in [
        ("SELECT * FROM docs WHERE docs MATCH ?1", "hidden\" AND"),
        ("SELECT * FROM docs WHERE docs MATCH ?1", "hidden:x"),
        ("SELECT json_extract('{}', ?1)", "hidden path"),
    ] {
        let outcome = database.run(statement(sql, [text(value)])).await;
        let Err(Error::Invalid(reason)) = outcome else {
            panic!("{sql}: {outcome:?}");
        };
        assert!(!reason.contains("hidden"), "{reason}");
    }
}

#[tokio::test]
async fn full_text_search_works_with_triggers_and_after_writes() {
    let database = Database::prepared(&[
        PRODUCTS,
        "CREATE VIRTUAL TABLE found USING fts5(sku, content='products', content_rowid='id')",
        "CREATE TRIGGER found_insert AFTER INSERT ON products
         BEGIN INSERT INTO found (rowid, sku) VALUES (new.id, new.sku); END",
    ])
    .await;
    for sku in ["red shoe", "blue shoe", "blue hat"] {
        let insert = statement("INSERT INTO products (sku) VALUES (?1)", [text(sku)]);
        assert_eq!(database.run(insert).await.unwrap().changed, 1);
        database
            .query("SELECT rowid FROM found WHERE found MATCH 'shoe' ORDER BY rank")
            .await
            .unwrap();
    }
    let shoes = "SELECT count(*) FROM found WHERE found MATCH 'shoe'";
    assert_eq!(database.number(shoes).await, 2);
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_crash() {
    let database = products().await;
    // The files as a crash right now would leave them.
    let crashed = TempDir::new().unwrap();
    for file in ["shop.db", "shop.db-wal"] {
        std::fs::copy(database.dir.path().join(file), crashed.path().join(file)).unwrap();
    }
    let reopened = open(crashed.path(), limits());
    let both = guarded("SELECT sku FROM products", [], 2);
    reopened.query(caller(), 0, both).await.unwrap();
}

#[tokio::test]
async fn closing_leaves_one_file_that_holds_everything() {
    let database = products().await;
    database.query("SELECT 1").await.unwrap();
    database.provider.close().await;
    let files: Vec<_> = std::fs::read_dir(database.dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(files, ["shop.db"]);
    let reopened = open(database.dir.path(), limits());
    let both = guarded("SELECT sku FROM products", [], 2);
    reopened.query(caller(), 0, both).await.unwrap();
}
