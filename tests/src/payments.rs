//! Payments over HTTP, through the real payment service and the real
//! processors: the sandbox, and Stripe's side played by `localstripe`.

pub(crate) mod idempotency;
pub(crate) mod kills;
pub(crate) mod life;
pub(crate) mod owner;
pub(crate) mod races;
pub(crate) mod stripe;
pub(crate) mod swap;
pub(crate) mod webhooks;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use serde_json::{Value, json};
use stoa_harness::{Answer, Client, Lattice, Request, eventually};

use crate::auth::Person;
use crate::auth::mail::database;

/// An idempotency key that nobody has used.
pub(crate) fn key() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!(
        "{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// A request that creates or moves money, with a key of its own.
fn post(client: &Client, path: &str, body: &Value) -> Request {
    client.post(path, body).header("idempotency-key", &key())
}

/// A payment of 19.99 EUR by this token, not confirmed.
fn draft(token: &str) -> Value {
    json!({
        "amount": {"amount": 1999, "currency": "EUR"},
        "reference": "Order 42",
        "payment_method": token,
    })
}

/// The same, confirmed at once.
fn confirmed(token: &str) -> Value {
    let mut body = draft(token);
    body["confirm"] = json!(true);
    body
}

/// Creates a payment by this token and confirms it.
fn pay(person: &Person, token: &str) -> Answer {
    post(&person.client, "/payments", &confirmed(token)).send()
}

/// The path of the payment in an answer.
fn path(answer: &Answer) -> String {
    format!("/payments/{}", answer.body["id"].as_str().expect("an id"))
}

/// Waits until a payment has this status; the payment.
fn becomes(client: &Client, path: &str, status: &str) -> Value {
    let is_there = |answer: &Answer| answer.status == 200 && answer.body["status"] == status;
    client.wait_for(path, is_there).body
}

/// A number that a statement selects from a service's database.
fn number(lattice: &Lattice, service: &str, select: &str) -> i64 {
    let database = database(lattice, service);
    database
        .query_row(select, [], |row| row.get(0))
        .expect("a number")
}

/// Payments and ledger agree, to the cent: what every payment says it holds,
/// has taken and gave back is what its entries add up to.
fn ledger_agrees(lattice: &Lattice) {
    let sum = |column: &str, account: &str| {
        format!(
            "{column} <> (SELECT coalesce(sum(CASE WHEN target = '{account}' THEN amount END), 0) \
                 - coalesce(sum(CASE WHEN source = '{account}' THEN amount END), 0) \
                 FROM ledger WHERE ledger.payment = payments.id)"
        )
    };
    let wrong = format!(
        "SELECT count(*) FROM payments WHERE {} OR {} OR {}",
        sum("held", "held"),
        sum("refunding", "refunding"),
        sum("captured - refunding - refunded", "shop"),
    );
    assert_eq!(number(lattice, "payment", &wrong), 0);
}

/// Payments that succeeded and charges that were captured are the same ones,
/// with the same amounts. The two databases are read as they are on disk.
fn sides_agree(lattice: &Lattice) {
    let path = |service: &str| {
        let data = lattice.folder().join("data");
        data.join(format!("{service}.db"))
    };
    let payments = Connection::open(path("payment")).expect("a database");
    attach(&payments, &path("processor-sandbox"));
    let ours = "SELECT id, captured FROM payments WHERE captured > 0 AND processor = 'sandbox'";
    let theirs = "SELECT payment, captured FROM theirs.charges WHERE captured > 0";
    eventually("the same money on both sides", || {
        let differences = format!(
            "SELECT count(*) FROM ({ours} EXCEPT {theirs}) UNION ALL \
             SELECT count(*) FROM ({theirs} EXCEPT {ours})"
        );
        let mut differences = payments.prepare(&differences).expect("a statement");
        let mut found = differences
            .query_map([], |row| row.get::<_, i64>(0))
            .expect("two numbers");
        found.all(|number| number.is_ok_and(|number| number == 0))
    });
}

fn attach(database: &Connection, other: &Path) {
    let other = other.to_str().expect("a path");
    let attached = database.execute("ATTACH DATABASE ?1 AS theirs", [other]);
    attached.expect("both databases");
}
