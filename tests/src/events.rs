//! Events on their way from a change to whoever wants to hear of it.

use std::time::Instant;

use stoa_harness::{Lattice, eventually};

use crate::auth::mail::database;
use crate::auth::{Person, credentials, visitor_of};
use crate::bus::Bus;
use crate::engine::calls::LIMIT;
use crate::life::part;

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

/// The ticker's link by which a service relays what it could not tell at once,
/// and the same to somebody else.
fn without_ticks(service: &str) -> [String; 2] {
    [service, "processor-sandbox"].map(|target| {
        format!(
            "            name: outbox-{service}\n            target:\n              \
             name: {target}\n            source:"
        )
    })
}

pub(crate) fn what_happens_to_an_account_is_told_in_order_and_soon() {
    // Nobody tells these services that time has passed: what they do not tell
    // at once they never tell.
    let links = ["account", "auth"].map(without_ticks);
    let changes: Vec<_> = links.iter().map(|[old, new]| (&**old, &**new)).collect();
    let lattice = Lattice::start_with(&changes);
    let bus = Bus::of(&lattice);
    let first = Person::on(&lattice, "first@events.example");
    eventually("somebody who listens", || {
        bus.publish("stoa.outbox.account", "");
        bus.publish("stoa.outbox.auth", "");
        bus.events(&first.id).len() == 2
    });
    let person = Person::on(&lattice, "told@events.example");
    eventually("two events", || bus.events(&person.id).len() == 2);
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
    let times = (0..10).map(|number| {
        let since = Instant::now();
        let body = credentials(&format!("away.{number}@events.example"));
        visitor_of(&lattice)
            .post("/signup", &body)
            .send()
            .expect(202);
        since.elapsed()
    });
    // A call to either of them would have kept each as long as a call may take.
    let quickest = times.min();
    assert!(quickest < Some(LIMIT), "{quickest:?}");
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
