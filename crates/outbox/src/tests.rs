//! The outbox over a database in memory.

use std::cell::RefCell;

use serde_json::json;
use stoa_fixtures::Memory;
use stoa_fixtures::memory::{calls, interfere};
use stoa_kit::bindings::exports::stoa::clock::ticks::Timing;
use stoa_kit::sql::Value;
use stoa_kit::{Id, Statement, Timestamp};

use crate::publisher::{self, Refusal};
use crate::{Error, Event, MIGRATIONS, PAGE, is_due, relay};

static DATABASE: Memory = Memory(&MIGRATIONS);

/// A broker that drops what it has had, and fails when it is told to.
#[derive(Default)]
struct Broker {
    stored: RefCell<Vec<publisher::Event>>,
    pages: RefCell<Vec<usize>>,
    away: RefCell<bool>,
}

impl Broker {
    fn publish(&self, events: &[publisher::Event]) -> Result<(), Refusal> {
        self.pages.borrow_mut().push(events.len());
        if *self.away.borrow() {
            return Err(Refusal::Unavailable("away".to_owned()));
        }
        if events.iter().any(|event| event.data == "\"wrong\"") {
            return Err(Refusal::Invalid("data".to_owned()));
        }
        let mut stored = self.stored.borrow_mut();
        for event in events {
            if !stored.iter().any(|one| one.id == event.id) {
                stored.push(event.clone());
            }
        }
        Ok(())
    }

    fn relay(&self) -> Result<(), Error> {
        relay(&DATABASE, |events| self.publish(events))
    }

    fn data(&self) -> Vec<String> {
        let stored = self.stored.borrow();
        stored.iter().map(|event| event.data.clone()).collect()
    }
}

fn record(data: impl Into<serde_json::Value>) -> Event {
    let event = Event::new("product.changed", Id::new(), data.into());
    let outcomes = DATABASE.transact(&[event.statement(Timestamp(7))]);
    assert_eq!(outcomes.unwrap().len(), 1);
    event
}

fn numbers(range: std::ops::Range<i32>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

fn count(condition: &str) -> Value {
    let sql = format!("SELECT COUNT(*) FROM outbox WHERE {condition}");
    let mut outcomes = DATABASE.transact(&[Statement::new(sql)]).unwrap();
    outcomes.remove(0).rows.remove(0).remove(0)
}

#[test]
fn an_event_arrives_as_it_was_recorded() {
    DATABASE.open();
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let event = Event::new("product.changed", Id::new(), json!({"a": [1]})).traced(Some(trace));
    DATABASE.transact(&[event.statement(Timestamp(7))]).unwrap();
    let broker = Broker::default();
    broker.relay().unwrap();
    let expected = publisher::Event {
        id: event.id.to_string(),
        type_: "product.changed".to_owned(),
        subject: event.subject.to_string(),
        occurred: 7,
        data: "{\"a\":[1]}".to_owned(),
        traceparent: Some(trace.to_owned()),
    };
    assert_eq!(*broker.stored.borrow(), [expected]);
}

#[test]
fn events_go_in_order_in_pages_and_once() {
    DATABASE.open();
    (0..600).for_each(|number| drop(record(number)));
    let broker = Broker::default();
    broker.relay().unwrap();
    assert_eq!(broker.data(), numbers(0..600));
    assert_eq!(*broker.pages.borrow(), [PAGE, PAGE, 88]);
    broker.relay().unwrap();
    assert_eq!(broker.pages.borrow().len(), 3);
}

#[test]
fn a_failure_keeps_the_order() {
    DATABASE.open();
    (0..3).for_each(|number| drop(record(number)));
    let broker = Broker::default();
    broker.away.replace(true);
    assert!(matches!(broker.relay(), Err(Error::Publisher(_))));
    record(3);
    broker.away.replace(false);
    broker.relay().unwrap();
    assert_eq!(broker.data(), numbers(0..4));
    assert_eq!(count("sent IS NULL"), Value::Integer(0));
}

#[test]
fn a_crash_before_the_mark_sends_again_and_arrives_once() {
    DATABASE.open();
    (0..3).for_each(|number| drop(record(number)));
    let broker = Broker::default();
    interfere(["ALTER TABLE outbox RENAME TO gone"]);
    assert!(matches!(broker.relay(), Err(Error::Database(_))));
    interfere(["ALTER TABLE gone RENAME TO outbox"]);
    DATABASE.transact(&[]).unwrap();
    broker.relay().unwrap();
    assert_eq!(*broker.pages.borrow(), [3, 3]);
    assert_eq!(broker.data(), numbers(0..3));
}

#[test]
fn two_relays_at_once_publish_in_the_same_order() {
    DATABASE.open();
    (0..300).for_each(|number| drop(record(number)));
    let broker = Broker::default();
    let nested = std::cell::Cell::new(false);
    let outer = relay(&DATABASE, |events| {
        // Another host's tick, from beginning to end.
        if !nested.replace(true) {
            broker.relay().unwrap();
        }
        broker.publish(events)
    });
    outer.unwrap();
    assert_eq!(broker.data(), numbers(0..300));
    assert_eq!(count("sent IS NULL"), Value::Integer(0));
}

#[test]
fn an_event_that_comes_while_others_are_published_is_not_marked() {
    DATABASE.open();
    record(0);
    let broker = Broker::default();
    let meanwhile = relay(&DATABASE, |events| {
        record(1);
        broker.publish(events)
    });
    meanwhile.unwrap();
    assert_eq!(count("sent IS NULL"), Value::Integer(1));
    broker.relay().unwrap();
    assert_eq!(broker.data(), numbers(0..2));
}

#[test]
fn an_event_that_can_never_be_published_does_not_stop_the_others() {
    DATABASE.open();
    record(0);
    record("wrong");
    record(1);
    let broker = Broker::default();
    broker.relay().unwrap();
    assert_eq!(broker.data(), numbers(0..2));
    assert_eq!(count("sent IS NULL"), Value::Integer(0));
}

#[test]
fn the_largest_events_fit_into_the_answers_of_the_database() {
    DATABASE.open();
    let longest = "x".repeat((64 << 10) - 2);
    (0..150).for_each(|_| drop(record(longest.clone())));
    let broker = Broker::default();
    broker.relay().unwrap();
    assert_eq!(broker.data().len(), 150);
    assert_eq!(*broker.pages.borrow(), [64, 86]);
}

#[test]
fn what_was_sent_a_day_ago_is_deleted_a_bounded_number_at_a_time() {
    DATABASE.open();
    (0..700).for_each(|number| drop(record(number)));
    let broker = Broker::default();
    broker.relay().unwrap();
    broker.relay().unwrap();
    assert_eq!(count("TRUE"), Value::Integer(700));
    let old = "UPDATE outbox SET sent = sent - 86400001";
    DATABASE.transact(&[Statement::new(old)]).unwrap();
    record(0);
    for left in [701, 201, 1, 1] {
        broker.relay().unwrap();
        assert_eq!(count("TRUE"), Value::Integer(left));
    }
}

#[test]
fn a_relay_that_finds_nothing_reads_and_does_not_write() {
    DATABASE.open();
    record(0);
    let broker = Broker::default();
    broker.relay().unwrap();
    calls();
    broker.relay().unwrap();
    assert_eq!(calls(), 2);
    for statement in [
        "SELECT number FROM outbox WHERE sent IS NULL ORDER BY number LIMIT 256",
        "SELECT number FROM outbox WHERE sent IS NOT NULL AND sent < 1 ORDER BY sent LIMIT 1",
    ] {
        let plan = DATABASE.plan(&Statement::new(statement));
        assert!(
            plan.contains("INDEX outbox_") && !plan.contains("TEMP"),
            "{plan}"
        );
    }
}

#[test]
fn the_name_of_a_tick_decides() {
    let tick = |name: &str| Timing {
        name: name.to_owned(),
        sequence: 1,
        interval: 1000,
    };
    assert!(is_due(&tick("outbox-product")));
    assert!(!is_due(&tick("heartbeat-product")));
}
