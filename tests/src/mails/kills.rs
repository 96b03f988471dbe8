//! Parts are killed at random moments while people sign up: in the end each of
//! them has the mails that were asked for, once, and nothing is left over.
//!
//! A part is killed once in a usual run. `STOA_KILLS=20` kills it so often,
//! each time under 500 sign-ups.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stoa_harness::{Client, Lattice, eventually};
use tempfile::TempDir;

use super::server::Server;
use super::start;
use crate::auth::mail::database;
use crate::auth::{credentials, visitor_of};
use crate::life::part;

/// What is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Victim {
    Events,
    Mail,
    Nats,
    Host,
}

pub(crate) fn no_mail_gets_lost_when_the_events_provider_is_killed() {
    kill(Victim::Events);
}

pub(crate) fn no_mail_gets_lost_when_the_mail_provider_is_killed() {
    kill(Victim::Mail);
}

pub(crate) fn no_mail_gets_lost_when_nats_is_killed() {
    kill(Victim::Nats);
}

pub(crate) fn no_mail_gets_lost_when_the_host_is_killed() {
    kill(Victim::Host);
}

fn kill(victim: Victim) {
    let kills = std::env::var("STOA_KILLS").ok();
    let kills = kills.map(|text| text.parse::<u32>().expect("a number"));
    let sign_ups = if kills.is_some() { 500 } else { 60 };
    let server = Server::start();
    let mut lattice = start(&server, &["--providers", "archives"]);
    for round in 0..kills.unwrap_or(1) {
        let emails: Vec<_> = (0..sign_ups)
            .map(|number| format!("{victim:?}.{round}.{number}@kill.example").to_lowercase())
            .collect();
        lattice = under_load(victim, lattice, &emails);
        everybody_has_mail(&lattice, &server, &emails);
    }
}

/// Kills a part while people sign up; returns the lattice that goes on.
fn under_load(victim: Victim, lattice: Lattice, emails: &[String]) -> Lattice {
    let next = AtomicUsize::new(0);
    let moment = random(emails.len() / 4..emails.len() / 2);
    let visitors: Vec<_> = (0..emails.len().div_ceil(15))
        .map(|_| visitor_of(&lattice))
        .collect();
    // Everybody tries until it is done; the clients of a lattice that is gone
    // go on with the next.
    let current = std::sync::RwLock::new(lattice.anonymous());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(email) = emails.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let visitor = &visitors[next.load(Ordering::Relaxed) % visitors.len()];
                    eventually(&format!("an answer for {email}"), || {
                        let target = current.read().expect("nobody failed here").clone();
                        is_signed_up(&visitor.on(&target), email)
                    });
                }
            });
        }
        eventually("the moment", || next.load(Ordering::Relaxed) >= moment);
        let lattice = strike(victim, lattice);
        *current.write().expect("nobody failed here") = lattice.anonymous();
        lattice
    })
}

fn is_signed_up(visitor: &Client, email: &str) -> bool {
    let answer = visitor.post("/signup", &credentials(email)).try_send();
    answer.is_ok_and(|answer| answer.status == 202)
}

fn strike(victim: Victim, mut lattice: Lattice) -> Lattice {
    match victim {
        Victim::Events | Victim::Mail => {
            let name = if victim == Victim::Mail {
                "_mail_"
            } else {
                "_events_"
            };
            part(&lattice, name).signal("KILL");
            lattice
        }
        Victim::Nats => {
            part(&lattice, "nats-server").signal("KILL");
            lattice.ended();
            again(lattice.stop())
        }
        Victim::Host => again(lattice.kill()),
    }
}

/// The lattice once more, with the manifest that it had.
fn again(folder: TempDir) -> Lattice {
    let manifest = folder.path().join("wadm.yaml");
    Lattice::start_on_with(folder, &manifest, &["--providers", "archives"])
}

/// Waits until all is told and sent, and compares what was asked for with what
/// came.
fn everybody_has_mail(lattice: &Lattice, server: &Server, emails: &[String]) {
    let count = |service: &str, select: &str| -> i64 {
        let counted = database(lattice, service).query_row(select, [], |row| row.get(0));
        counted.unwrap_or(-1)
    };
    let unsent = "SELECT count(*) FROM outbox WHERE sent IS NULL";
    eventually("empty outboxes", || {
        ["account", "auth"].map(|service| count(service, unsent)) == [0, 0]
    });
    // Each of these is one mail, and a mail is one, however often it is sent.
    let database = database(lattice, "auth");
    let mut select = database
        .prepare("SELECT data FROM outbox WHERE type = 'email.verify_requested'")
        .expect("an outbox");
    let mut asked = BTreeMap::<String, usize>::new();
    let events = select.query_map([], |row| row.get::<_, String>(0));
    for event in events.expect("events") {
        let data: serde_json::Value =
            serde_json::from_str(&event.expect("an event")).expect("JSON");
        *asked
            .entry(data["email"].as_str().expect("an address").to_owned())
            .or_default() += 1;
    }
    for email in emails {
        let wanted = asked.get(email).copied().unwrap_or_default();
        assert!(wanted > 0, "nobody asked for a mail to {email}");
        let ids = || -> BTreeSet<String> {
            server
                .accepted(email)
                .into_iter()
                .map(|mail| mail.id)
                .collect()
        };
        eventually(&format!("{wanted} mails to {email}"), || {
            ids().len() >= wanted
        });
        assert_eq!(ids().len(), wanted, "{email}");
    }
}

/// A number that is another one each time.
pub(crate) fn random(range: std::ops::Range<usize>) -> usize {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = now.unwrap_or(Duration::ZERO).subsec_nanos();
    range.start + usize::try_from(nanos).unwrap_or_default() / 1_000 % range.len().max(1)
}
