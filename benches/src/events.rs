//! How fast events go from a change to their handler: from the commit, by
//! outbox, stream and the events provider, to the email service.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rusqlite::{Connection, OpenFlags};
use serde_json::json;
use stoa_harness::Lattice;

use crate::Bench;
use crate::connection::Call;
use crate::generator::{self, Next};
use crate::report::{milliseconds, thousands};
use crate::samples::Samples;

/// How long events may take to be handled.
const PATIENCE: Duration = Duration::from_mins(2);
/// How many requests for mail are made from one address, where more would be
/// slowed down.
const PER_ADDRESS: usize = 10;

pub(crate) fn run(bench: &mut Bench) -> anyhow::Result<()> {
    let lattice = Lattice::start();
    let people = accounts(&lattice, bench.size(500, 20))?;
    let delays = delays(&lattice, &people)?;
    bench.report.line(format_args!(
        "{} events, one after the other: from the commit to the handler's own commit takes {} ms (median), {} ms (p99).",
        delays.count(),
        milliseconds(delays.median()),
        milliseconds(delays.percentile(99)),
    ))?;

    let length = bench.size(Duration::from_secs(10), Duration::from_secs(1));
    let token = lattice.token();
    let turn = AtomicUsize::new(0);
    let paths: Vec<_> = people
        .iter()
        .map(|(id, _)| format!("/accounts/{id}"))
        .collect();
    let next: Next = Arc::new(move || {
        let turn = turn.fetch_add(1, Ordering::Relaxed);
        let body = json!({"name": format!("Ann {turn}")});
        Call::patch(&paths[turn % paths.len()], &body).with_token(&token)
    });
    let start = Instant::now();
    let outcome = bench
        .runtime
        .block_on(generator::run(lattice.address(), 16, length, &next))?;
    let written = start.elapsed();
    wait_until_handled(&lattice)?;
    let handled = start.elapsed();
    let events = f64::from(outcome.samples.count() - outcome.samples.refused);
    bench.report.line(format_args!(
        "{} changes over 16 connections in {:.1} s, {} a second; all of their events were handled {:.1} s later, so {} a\n\
         second went from outbox to handler. The load generator runs on the same cores. Refused: {}.",
        thousands(events),
        written.as_secs_f64(),
        thousands(events / written.as_secs_f64()),
        handled.saturating_sub(written).as_secs_f64(),
        thousands(events / handled.as_secs_f64()),
        outcome.samples.refused,
    ))?;
    Ok(())
}

/// Accounts: ids and addresses.
fn accounts(lattice: &Lattice, count: usize) -> anyhow::Result<Vec<(String, String)>> {
    let admin = lattice.admin();
    (0..count)
        .map(|number| {
            let email = format!("customer-{number}@example.com");
            let created = admin.post("/accounts", &json!({"email": email})).send();
            let id = created.expect(201).body["id"].as_str().map(str::to_owned);
            Ok((id.context("the account has no id")?, email))
        })
        .collect()
}

/// From when an event was stored to when the handler stored what follows from
/// it, by what both wrote down.
fn delays(lattice: &Lattice, people: &[(String, String)]) -> anyhow::Result<Samples> {
    for (number, (_, email)) in people.iter().enumerate() {
        let low = u8::try_from(number / PER_ADDRESS % 250).unwrap_or_default();
        let client = lattice.from_address(IpAddr::V4(Ipv4Addr::new(127, 5, 0, low + 1)));
        client
            .post("/password/forgot", &json!({"email": email}))
            .send()
            .expect(202);
    }
    let auth = database(lattice, "auth")?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let email = database(lattice, "email")?;
        let mut select = auth
            .prepare("SELECT id, occurred FROM outbox WHERE type = 'password.reset_requested'")?;
        let mut find = email.prepare("SELECT created FROM emails WHERE event = ?1")?;
        let mut delays = Vec::new();
        let events = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for event in events {
            let (id, occurred): (String, i64) = event?;
            if let Ok(created) = find.query_row([&id], |row| row.get::<_, i64>(0)) {
                let delay = u64::try_from(created - occurred).unwrap_or_default();
                delays.push(Duration::from_millis(delay));
            }
        }
        if delays.len() == people.len() {
            return Ok(Samples::of(delays));
        }
        ensure!(
            Instant::now() < deadline,
            "{} of {} events were handled",
            delays.len(),
            people.len()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn wait_until_handled(lattice: &Lattice) -> anyhow::Result<()> {
    let unsent = "SELECT count(*) FROM outbox WHERE sent IS NULL";
    let account = database(lattice, "account")?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left: i64 = account.query_row(unsent, [], |row| row.get(0))?;
        let said = lattice.stoa(&["events"]).map_err(anyhow::Error::msg)?;
        if left == 0 && said.contains("waiting 0, under way 0") {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("{left} events were not relayed; {said}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn database(lattice: &Lattice, service: &str) -> anyhow::Result<Connection> {
    let path = lattice.folder().join(format!("data/{service}.db"));
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .with_context(|| format!("no database of {service}"))
}
