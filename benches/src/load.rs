//! What the system does under load, beside what HTTP server and gateway do
//! alone in the same run: the ceiling for everything behind them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use stoa_harness::Lattice;

use crate::Bench;
use crate::connection::Call;
use crate::generator::{self, GRACE, Next, Outcome};
use crate::report::{Table, thousands};
use crate::samples::median;
use crate::seeded;

const ROUNDS: usize = 3;

const CONNECTIONS: [usize; 3] = [1, 16, 64];

pub(crate) fn run(bench: &mut Bench) -> anyhow::Result<()> {
    let length = bench.size(Duration::from_secs(5), Duration::from_millis(500));
    let (lattice, _) = seeded::start(1000)?;
    let requests = requests(&lattice)?;
    let outcomes = bench
        .runtime
        .block_on(measure(lattice.address(), &requests, length))?;

    bench.report.line(format_args!(
        "{ROUNDS} rounds of {} s for each line, in turn; the load generator runs on the same cores.",
        length.as_secs_f64()
    ))?;
    let mut table = Table::new([
        "request",
        "connections",
        "2xx per s",
        "p50 ms",
        "p99 ms",
        "not 2xx",
        "no answer",
        "requests",
        "of the ceiling",
    ]);
    for (number, (title, _)) in requests.iter().enumerate() {
        for connections in CONNECTIONS {
            let these = |number: usize| {
                let cell = Cell {
                    request: number,
                    connections,
                };
                outcomes.iter().filter(move |(of, _)| *of == cell)
            };
            let of = |measure: fn(&Outcome) -> f64| median(these(number).map(|(_, o)| measure(o)));
            let sum = |count: fn(&Outcome) -> u32| -> u32 {
                these(number).map(|(_, outcome)| count(outcome)).sum()
            };
            let shares = these(number)
                .zip(these(0))
                .map(|((_, outcome), (_, ceiling))| outcome.rate / ceiling.rate);
            table.row([
                (*title).to_owned(),
                connections.to_string(),
                thousands(of(|outcome| outcome.rate)),
                format!("{:.2}", of(|outcome| percentile(outcome, 50))),
                format!("{:.2}", of(|outcome| percentile(outcome, 99))),
                sum(|outcome| outcome.samples.refused).to_string(),
                sum(|outcome| outcome.samples.failed).to_string(),
                thousands(sum(|outcome| outcome.samples.count()).into()),
                format!("{:.0} %", 100.0 * median(shares)),
            ]);
        }
    }
    bench.report.table(&table)?;
    bench.report.line(format_args!(
        "Rates, times and shares are medians of the rounds, counts are sums. The ceiling is\n\
         `GET /health/live` over as many connections: HTTP server and gateway, nothing behind them.\n\
         Times are those of all answers, good and bad. \"No answer\" is a connection that was\n\
         closed without one, or that gave none until {} s after its round.",
        GRACE.as_secs()
    ))?;
    Ok(())
}

/// One line of the table.
#[derive(PartialEq)]
struct Cell {
    request: usize,
    connections: usize,
}

async fn measure(
    address: &str,
    requests: &[(&str, Next)],
    length: Duration,
) -> anyhow::Result<Vec<(Cell, Outcome)>> {
    for (_, next) in requests {
        // Caches fill, pools grow.
        generator::run(address, 16, length / 5, next).await?;
    }
    let mut outcomes = Vec::new();
    for _ in 0..ROUNDS {
        for connections in CONNECTIONS {
            for (request, (_, next)) in requests.iter().enumerate() {
                let outcome = generator::run(address, connections, length, next).await?;
                let cell = Cell {
                    request,
                    connections,
                };
                outcomes.push((cell, outcome));
            }
        }
    }
    Ok(outcomes)
}

/// What is asked; the first is the ceiling.
fn requests(lattice: &Lattice) -> anyhow::Result<[(&'static str, Next); 4]> {
    let page = lattice
        .anonymous()
        .wait_for("/products?limit=100", |answer| answer.status == 200);
    let ids: Option<Vec<_>> = page.body["data"]
        .as_array()
        .map(|products| products.iter().filter_map(|it| it["id"].as_str()))
        .map(|ids| ids.map(|id| Call::get(format!("/products/{id}"))).collect());
    let ids = ids
        .filter(|ids| !ids.is_empty())
        .context("no products to ask for")?;
    let (live, list) = (Call::get("/health/live"), Call::get("/products?limit=20"));
    let token = lattice.token();
    Ok([
        ("GET /health/live", each(move |_| live.clone())),
        (
            "GET /products/{id}",
            each(move |number| ids[number % ids.len()].clone()),
        ),
        ("GET /products?limit=20", each(move |_| list.clone())),
        (
            "POST /products",
            each(move |number| Call::post("/products", &product(number)).with_token(&token)),
        ),
    ])
}

/// Requests that are numbered, from 0.
fn each(make: impl Fn(usize) -> Call + Send + Sync + 'static) -> Next {
    let count = AtomicUsize::new(0);
    Arc::new(move || make(count.fetch_add(1, Ordering::Relaxed)))
}

/// A product like those of `stoa seed`, whose SKU none of them has.
fn product(number: usize) -> Value {
    json!({
        "sku": format!("BENCH-{number}"),
        "name": format!("blue wool blanket {number}"),
        "description": "A blanket of wool in blue, made to last.",
        "status": "published",
        "price": { "amount": 4900, "currency": "EUR" },
        "stock": 12,
        "attributes": { "colour": "blue", "material": "wool" },
    })
}

/// In milliseconds.
fn percentile(outcome: &Outcome, percent: usize) -> f64 {
    outcome.samples.percentile(percent).as_secs_f64() * 1000.0
}
