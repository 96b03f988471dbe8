//! Swaps under load: a component is replaced again and again while clients ask.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;
use stoa_harness::{Build, GATEWAY, Lattice, PRODUCT};
use tokio::task::JoinSet;

use crate::Bench;
use crate::connection::{Call, Connection};
use crate::report::{Table, milliseconds, thousands};
use crate::samples::Samples;

const CONNECTIONS: usize = 16;

/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What belongs to a swap: this long from its beginning.
const SHADOW: Duration = Duration::from_secs(1);

/// A request: when it began, how long it took, whether it was answered 200.
struct Asked {
    began: Instant,
    took: Duration,
    good: bool,
}

/// A swap: when it began, and when the new build answered.
struct Swap {
    began: Instant,
    answered: Duration,
}

pub(crate) fn run(bench: &mut Bench) -> anyhow::Result<()> {
    let length = bench.size(Duration::from_mins(5), Duration::from_secs(6));
    let pause = bench.size(Duration::from_secs(10), Duration::from_secs(2));
    bench.report.line(format_args!(
        "`GET /products/{{id}}` over {CONNECTIONS} connections for {} s, a swap by `stoa swap` every {} s.",
        length.as_secs(),
        pause.as_secs()
    ))?;
    let mut table = Table::new([
        "swapped",
        "swaps",
        "requests",
        "failed",
        "new build answers, ms (median, most)",
        "p99 ms in the swaps' seconds",
        "p99 ms else",
        "slowest ms",
    ]);
    for build in [&PRODUCT, &GATEWAY] {
        table.row(measure(bench, build, length, pause)?);
    }
    bench.report.table(&table)?;
    Ok(())
}

fn measure(
    bench: &Bench,
    build: &'static Build,
    length: Duration,
    pause: Duration,
) -> anyhow::Result<[String; 8]> {
    let lattice = Lattice::start();
    let product = json!({
        "sku": "SWAPPED", "name": "Blue wool blanket", "status": "published",
        "price": {"amount": 4900, "currency": "EUR"},
    });
    let created = lattice.admin().post("/products", &product).send();
    let created = created.expect(201).body;
    let path = format!("/products/{}", created["id"].as_str().context("no id")?);
    let files = [build.altered(&lattice), build.built()];
    let (address, enough) = (
        lattice.address().to_owned(),
        Arc::new(AtomicBool::new(false)),
    );
    let swapping = {
        let enough = Arc::clone(&enough);
        thread::spawn(move || {
            let swaps = swap(build, &lattice, &files, length, pause);
            enough.store(true, Ordering::Relaxed);
            swaps
        })
    };
    let asked = bench.runtime.block_on(ask(&address, &path, &enough))?;
    let swaps = swapping.join().ok().context("a swap panicked")??;
    Ok(row(build.component, &swaps, &asked))
}

/// Swaps between two builds for a while.
fn swap(
    build: &Build,
    lattice: &Lattice,
    files: &[PathBuf; 2],
    length: Duration,
    pause: Duration,
) -> anyhow::Result<Vec<Swap>> {
    let client = lattice.anonymous();
    let (end, mut swaps) = (Instant::now() + length, Vec::new());
    while Instant::now() + pause < end {
        thread::sleep(pause);
        let other = swaps.len() % 2 == 0;
        let file = files[usize::from(!other)].to_string_lossy();
        let began = Instant::now();
        lattice
            .stoa(&["swap", build.component, &file])
            .map_err(anyhow::Error::msg)?;
        while build.is_other(&client) != other {
            thread::sleep(Duration::from_millis(1));
        }
        let answered = began.elapsed();
        swaps.push(Swap { began, answered });
    }
    thread::sleep(end.saturating_duration_since(Instant::now()));
    Ok(swaps)
}

/// Asks until it is enough.
async fn ask(address: &str, path: &str, enough: &Arc<AtomicBool>) -> anyhow::Result<Vec<Asked>> {
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mut connection = Connection::new(address);
        connection.open().await?;
        let (call, enough) = (Call::get(path), Arc::clone(enough));
        clients.spawn(async move {
            let mut asked = Vec::new();
            while !enough.load(Ordering::Relaxed) {
                let began = Instant::now();
                let answer = connection.send(call.clone(), PATIENCE).await;
                asked.push(Asked {
                    began,
                    took: began.elapsed(),
                    good: answer.is_ok_and(|answer| answer.status == 200),
                });
            }
            asked
        });
    }
    Ok(clients.join_all().await.into_iter().flatten().collect())
}

fn row(component: &str, swaps: &[Swap], asked: &[Asked]) -> [String; 8] {
    let in_a_swap = |asked: &&Asked| {
        let from = |swap: &Swap| asked.began + asked.took > swap.began;
        let until = |swap: &Swap| asked.began < swap.began + SHADOW;
        swaps.iter().any(|swap| from(swap) && until(swap))
    };
    let p99 = |within: bool| {
        let times = asked.iter().filter(|asked| in_a_swap(asked) == within);
        milliseconds(Samples::of(times.map(|asked| asked.took)).percentile(99))
    };
    let answered = Samples::of(swaps.iter().map(|swap| swap.answered));
    let count = |number: usize| thousands(f64::from(u32::try_from(number).unwrap_or(u32::MAX)));
    let slowest = asked.iter().map(|asked| asked.took).max();
    [
        component.to_owned(),
        count(swaps.len()),
        count(asked.len()),
        count(asked.iter().filter(|asked| !asked.good).count()),
        format!(
            "{}, {}",
            milliseconds(answered.median()),
            milliseconds(answered.percentile(100))
        ),
        p99(true),
        p99(false),
        milliseconds(slowest.unwrap_or_default()),
    ]
}
