//! Events on their way from a change to whoever wants to hear of it.

use std::time::{Duration, Instant};

use stoa_harness::{Lattice, eventually};

use crate::auth::mail::database;
use crate::auth::{Person, credentials, visitor_of};
use crate::bus::Bus;
use crate::life::part;
use crate::shared;

/// The events of an account that the services have not relayed yet.
fn unsent(lattice: &Lattice) -> i64 {
    ["account", "auth"]
        .map(|service| {
            let select = "SELECT count(*) FROM outbox WHERE sent IS NULL";
            let count = database(lattice, service).query_row(select, [], |row| row.get(0));
            count.unwrap_or(0)
        })
        .iter()
        .sum()
}

pub(crate) fn what_happens_to_an_account_is_told_in_order_and_soon() {
    let bus = Bus::of(shared());
    let person = Person::new("told@events.example");
    let since = Instant::now();
    eventually("two events", || bus.events(&person.id).len() == 2);
    let passed = since.elapsed();
    assert!(passed < Duration::from_secs(2), "after {passed:?}");
    let change = serde_json::json!({"name": "Ann"});
    person
        .client
        .patch(&person.path(), &change)
        .send()
        .expect(200);
    person.client.delete(&person.path()).send().expect(204);
    eventually("four events", || bus.events(&person.id).len() == 4);
    let kinds = bus.events(&person.id);
    let of_account: Vec<_> = kinds
        .iter()
        .filter(|kind| kind.starts_with("account."))
        .collect();
    assert_eq!(
        of_account,
        ["account.created", "account.updated", "account.deleted"]
    );
    assert!(
        kinds.contains(&"email.verify_requested".to_owned()),
        "{kinds:?}"
    );
}

pub(crate) fn sign_ups_go_on_while_events_and_mail_are_away_and_are_told_of_later() {
    let lattice = Lattice::start_as(&["--providers", "archives"]);
    let away = ["_events_", "_mail_"].map(|provider| part(&lattice, provider));
    for process in &away {
        process.signal("STOP");
    }
    for number in 0..10 {
        let since = Instant::now();
        let body = credentials(&format!("away.{number}@events.example"));
        visitor_of(&lattice)
            .post("/signup", &body)
            .send()
            .expect(202);
        assert!(since.elapsed() < Duration::from_secs(5));
    }
    assert!(unsent(&lattice) >= 20, "nobody was told yet");
    for process in &away {
        process.signal("CONT");
    }
    eventually("everything is told", || unsent(&lattice) == 0);
    let said = lattice.stoa(&["events"]).expect("events");
    assert!(
        said.lines()
            .next()
            .is_some_and(|line| line.starts_with("events        2")),
        "{said}"
    );
}
