//! What it costs to be somebody: a request with an access token beside one
//! without, sign-ins and exchanges, and what the cores could hash at most.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};
use stoa_harness::{ADMIN, ADMIN_PASSWORD, Client, Lattice};
use stoa_passwords::Password;

use crate::Bench;
use crate::connection::Call;
use crate::generator::{self, Next, Outcome};
use crate::report::{Table, milliseconds, thousands};
use crate::samples::{Samples, median};

const ROUNDS: usize = 3;

/// What is asked, over how many connections.
const LOADS: [(&str, usize); 5] = [
    ("GET /products/{id}, public", 1),
    ("GET /accounts/{id}, with a token", 1),
    ("GET /products/{id}, public", 16),
    ("GET /accounts/{id}, with a token", 16),
    ("POST /signin", 16),
];

/// The first two are over one connection, the next two over more.
const PAIRS: [(usize, usize); 2] = [(0, 1), (2, 3)];
const SIGN_INS: usize = 4;

pub(crate) fn run(bench: &mut Bench) -> anyhow::Result<()> {
    let length = bench.size(Duration::from_secs(5), Duration::from_millis(500));
    let lattice = Lattice::start();
    let requests = requests(&lattice)?;
    let mut rounds = Vec::new();
    let mut hashes = Vec::new();
    let load = async |number: usize, length: Duration| {
        let (_, connections) = LOADS[number];
        generator::run(lattice.address(), connections, length, &requests[number]).await
    };
    for number in 0..LOADS.len() {
        // Caches fill, pools grow.
        bench.runtime.block_on(load(number, length / 5))?;
    }
    for _ in 0..ROUNDS {
        let mut round = Vec::new();
        for number in 0..LOADS.len() {
            round.push(bench.runtime.block_on(load(number, length))?);
        }
        rounds.push(round);
        hashes.push(hashes_per_second(length / 2)?);
    }
    print(bench, &rounds, &hashes, length)?;
    let refusals = refusals(&lattice, bench.size(20, 3));
    let exchanges = exchanges(&lattice, bench.size(200, 20))?;
    bench.report.line(format_args!(
        "In turn, over one connection, medians: a wrong password takes {} ms, an address without an account {} ms;\n\
         to exchange a refresh token takes {} ms.",
        milliseconds(refusals[0].median()),
        milliseconds(refusals[1].median()),
        milliseconds(exchanges.median()),
    ))?;
    Ok(())
}

fn requests(lattice: &Lattice) -> anyhow::Result<[Next; LOADS.len()]> {
    let admin = lattice.admin();
    let product = json!({
        "sku": "BENCH", "name": "Blue wool blanket", "status": "published",
        "price": {"amount": 4900, "currency": "EUR"}, "stock": 12,
    });
    let created = admin.post("/products", &product).send().expect(201);
    let id = |value: &Value| value["id"].as_str().map(str::to_owned);
    let product = id(&created.body).context("the product has no id")?;
    let tokens = sign_in(&lattice.anonymous(), ADMIN, ADMIN_PASSWORD).expect(200);
    let account = id(&tokens.body["account"]).context("the account has no id")?;

    // One account for each connection, and each made from another address, or
    // they would be slowed down.
    let sign_ins = (1..=16).map(|number| {
        let email = format!("customer-{number}@example.com");
        let body = credentials(&email, ADMIN_PASSWORD);
        let client = lattice.from_address(IpAddr::V4(Ipv4Addr::new(127, 4, 0, number)));
        client.post("/signup", &body).send().expect(202);
        Call::post("/signin", &body)
    });
    let sign_ins: Vec<_> = sign_ins.collect();
    let next = AtomicUsize::new(0);
    let sign_in: Next = Arc::new(move || {
        let turn = next.fetch_add(1, Ordering::Relaxed);
        sign_ins[turn % sign_ins.len()].clone()
    });

    let public = Call::get(format!("/products/{product}"));
    let own = Call::get(format!("/accounts/{account}")).with_token(&lattice.token());
    let always = |call: Call| -> Next { Arc::new(move || call.clone()) };
    Ok([
        always(public.clone()),
        always(own.clone()),
        always(public),
        always(own),
        sign_in,
    ])
}

fn credentials(email: &str, password: &str) -> Value {
    json!({"email": email, "password": password})
}

fn sign_in(client: &Client, email: &str, password: &str) -> stoa_harness::Answer {
    client.post("/signin", &credentials(email, password)).send()
}

/// What all cores together hash natively, with nothing else to do.
fn hashes_per_second(length: Duration) -> anyhow::Result<f64> {
    let password = Password::entered(ADMIN_PASSWORD)?;
    let cores = std::thread::available_parallelism()?.get();
    let start = Instant::now();
    let count = |_| {
        let mut count = 0_u32;
        while start.elapsed() < length {
            stoa_passwords::spend(&password)?;
            count += 1;
        }
        anyhow::Ok(f64::from(count))
    };
    let counts: anyhow::Result<Vec<_>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|core| scope.spawn(move || count(core)))
            .collect();
        let ended = threads.into_iter().map(|thread| {
            let panicked = |_| anyhow::anyhow!("a thread panicked");
            thread.join().map_err(panicked).flatten()
        });
        ended.collect()
    });
    Ok(counts?.iter().sum::<f64>() / start.elapsed().as_secs_f64())
}

/// How long wrong passwords take, and addresses without an account: each from
/// an address of its own, where it is the first try.
fn refusals(lattice: &Lattice, times: u8) -> [Samples; 2] {
    let mut wrong = Vec::new();
    let mut unknown = Vec::new();
    for number in 1..=times {
        let client = lattice.from_address(IpAddr::V4(Ipv4Addr::new(127, 3, 0, number)));
        client.get("/health/live").send().expect(200);
        let time = |email: &str| {
            let start = Instant::now();
            sign_in(&client, email, "not the password").expect(401);
            start.elapsed()
        };
        wrong.push(time(ADMIN));
        unknown.push(time(&format!("{number}@example.com")));
    }
    [Samples::of(wrong), Samples::of(unknown)]
}

/// How long it takes to exchange a refresh token.
fn exchanges(lattice: &Lattice, times: u32) -> anyhow::Result<Samples> {
    let client = lattice.anonymous();
    let mut tokens = sign_in(&client, ADMIN, ADMIN_PASSWORD).expect(200).body;
    let mut spent = Vec::new();
    for _ in 0..times {
        let token = tokens["refresh_token"].as_str().context("no token")?;
        let start = Instant::now();
        let answer = client
            .post("/token", &json!({"refresh_token": token}))
            .send();
        spent.push(start.elapsed());
        tokens = answer.expect(200).body;
    }
    Ok(Samples::of(spent))
}

fn print(
    bench: &mut Bench,
    rounds: &[Vec<Outcome>],
    hashes: &[f64],
    length: Duration,
) -> anyhow::Result<()> {
    bench.report.line(format_args!(
        "{ROUNDS} rounds of {} s for each line, in turn; the load generator runs on the same cores.",
        length.as_secs_f64()
    ))?;
    let of = |number: usize, measure: fn(&Outcome) -> f64| {
        median(rounds.iter().map(|round| measure(&round[number])))
    };
    let share = |number: usize, whole: usize| {
        let shares = rounds
            .iter()
            .map(|round| round[number].rate / round[whole].rate);
        format!("{:.0} %", 100.0 * median(shares))
    };
    let mut table = Table::new([
        "request",
        "connections",
        "2xx per s",
        "p50 ms",
        "p99 ms",
        "not 2xx",
        "of the public one",
    ]);
    for (number, (title, connections)) in LOADS.iter().enumerate() {
        let refused: u32 = rounds
            .iter()
            .map(|round| round[number].samples.refused)
            .sum();
        let pair = PAIRS.iter().find(|(_, own)| *own == number);
        table.row([
            (*title).to_owned(),
            connections.to_string(),
            thousands(of(number, |outcome| outcome.rate)),
            format!("{:.2}", of(number, |it| percentile(it, 50))),
            format!("{:.2}", of(number, |it| percentile(it, 99))),
            refused.to_string(),
            pair.map_or_else(String::new, |(public, own)| share(*own, *public)),
        ]);
    }
    bench.report.table(&table)?;
    let shares = rounds
        .iter()
        .zip(hashes)
        .map(|(round, hashes)| round[SIGN_INS].rate / hashes);
    bench.report.line(format_args!(
        "Argon2id natively, on all cores and with nothing else to do: {:.1} a second, between the rounds; sign-ins come\n\
         to {:.0} % of that.",
        median(hashes.iter().copied()),
        100.0 * median(shares),
    ))?;
    Ok(())
}

/// In milliseconds.
fn percentile(outcome: &Outcome, percent: usize) -> f64 {
    outcome.samples.percentile(percent).as_secs_f64() * 1000.0
}
