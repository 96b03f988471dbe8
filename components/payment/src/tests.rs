//! What clients see, and what is stored: through the same handlers, on a real
//! SQLite, with a processor in memory and a clock that stands still.

mod life;
mod lost;
mod races;
mod refunds;
mod webhooks;

use serde_json::Value;
use stoa_kit::sql::Value as Column;
use stoa_kit::{Problem, Response};

use crate::{fixtures, housekeeping, memory};

fn refused(answer: Result<Response, Problem>) -> (u16, &'static str) {
    let problem = answer.unwrap_err();
    (problem.status(), problem.code())
}

fn field(answer: Result<Response, Problem>) -> (String, &'static str) {
    let problem = answer.unwrap_err();
    assert_eq!(
        (problem.status(), problem.errors().len()),
        (422, 1),
        "{problem:?}"
    );
    let error = &problem.errors()[0];
    let place = serde_json::to_value(&error.place).unwrap();
    (place["pointer"].as_str().unwrap().to_owned(), error.code)
}

/// The kinds of the events so far.
fn events() -> Vec<String> {
    texts("SELECT type FROM outbox ORDER BY number")
}

/// The ledger so far: what moved, and how much.
fn ledger() -> Vec<String> {
    texts("SELECT type || ' ' || amount FROM ledger ORDER BY number")
}

fn texts(sql: &str) -> Vec<String> {
    let text = |row: Vec<Column>| match row.into_iter().next() {
        Some(Column::Text(text)) => text,
        other => panic!("{other:?}"),
    };
    memory::rows(sql).into_iter().map(text).collect()
}

fn status(payment: &Value) -> &str {
    payment["status"].as_str().unwrap()
}

fn json(response: &Response) -> Value {
    serde_json::from_str(&response.body).unwrap()
}

/// The ledger agrees with all payments: the last thing in a test about money.
fn agrees() {
    fixtures::advance(31_000);
    memory::rows("UPDATE ledger_checks SET updated = 0, number = 0");
    assert_eq!(housekeeping::check(fixtures::now()).unwrap(), 0);
}
