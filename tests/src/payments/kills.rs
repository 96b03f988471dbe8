//! The host is killed at random moments while payments are confirmed: in the
//! end, what succeeded here is what was charged there.
//!
//! It is killed once in a usual run. `STOA_KILLS=100` kills it so often, each
//! time under 500 confirmations, on four lattices side by side.

use std::sync::RwLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use stoa_harness::{Client, Lattice, eventually};

use super::{draft, key, ledger_agrees, number, path, post, sides_agree};
use crate::auth::Person;
use crate::mails::kills::random;

/// How many confirm at the same time.
const CLIENTS: usize = 8;

pub(crate) fn no_charge_is_lost_or_doubled_when_the_host_is_killed() {
    let kills = std::env::var("STOA_KILLS").ok();
    let Some(kills) = kills.map(|text| text.parse::<usize>().expect("a number")) else {
        kill(1, 100);
        return;
    };
    let each = kills.div_ceil(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| kill(each, 500));
        }
    });
}

fn kill(times: usize, payments: usize) {
    let mut lattice = Lattice::start();
    for round in 0..times {
        // One who signs in anew each time: tokens end with time.
        let person = Person::on(&lattice, &format!("kill.{round}@pay.example"));
        let paths = drafts(&person, payments);
        lattice = under_load(lattice, &person.client, &paths);
        all_is_settled(&lattice, payments * (round + 1));
    }
}

fn drafts(person: &Person, payments: usize) -> Vec<String> {
    let create = || post(&person.client, "/payments", &draft("tok_approved")).send();
    (0..payments).map(|_| path(&create().expect(201))).collect()
}

/// Kills the host while payments are confirmed; the lattice that goes on.
fn under_load(lattice: Lattice, client: &Client, paths: &[String]) -> Lattice {
    let next = AtomicUsize::new(0);
    let moment = random(paths.len() / 10..paths.len() * 9 / 10);
    let current = RwLock::new(client.clone());
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    confirm(&current, path);
                }
            });
        }
        eventually("the moment", || next.load(Ordering::Relaxed) >= moment);
        let lattice = Lattice::start_on(lattice.kill());
        *current.write().expect("nobody failed here") = client.on(&lattice.anonymous());
        lattice
    })
}

/// Confirms a payment, with the same key until there is an answer.
fn confirm(current: &RwLock<Client>, path: &str) {
    let key = key();
    eventually(&format!("an answer for {path}"), || {
        let client = current.read().expect("nobody failed here").clone();
        let ask = client.post(&format!("{path}/confirm"), &json!({}));
        let answer = ask.header("idempotency-key", &key).try_send();
        answer.is_ok_and(|answer| matches!(answer.status, 200 | 202))
    });
}

/// Waits until nothing is under way, and compares what succeeded here with
/// what was charged there.
fn all_is_settled(lattice: &Lattice, payments: usize) {
    let payments = i64::try_from(payments).expect("a count");
    eventually("the end of all payments", || {
        let succeeded = "SELECT count(*) FROM payments WHERE state = 'succeeded'";
        number(lattice, "payment", succeeded) == payments
    });
    let charges = "SELECT count(*) FROM charges WHERE state = 'captured'";
    assert_eq!(number(lattice, "processor-sandbox", charges), payments);
    let taken = "SELECT sum(captured) FROM charges";
    let paid = "SELECT sum(captured) FROM payments";
    assert_eq!(
        number(lattice, "processor-sandbox", taken),
        number(lattice, "payment", paid)
    );
    sides_agree(lattice);
    ledger_agrees(lattice);
}
