//! The engine: what a call between components costs, with wasmCloud as it is
//! patched and as it was released, side by side.

use std::ffi::{OsStr, OsString};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use stoa_harness::{Probes, Process};

use crate::Bench;
use crate::connection::Call;
use crate::generator::{self, Next, Outcome};
use crate::report::{Table, thousands};
use crate::samples::median;

const ROUNDS: usize = 3;

/// What is asked, over how many connections. The first is the ceiling: one
/// component, called by the HTTP server, that calls no other.
const LOADS: [(&str, usize); 4] = [
    ("hello c=16", 16),
    ("product c=1", 1),
    ("product c=16", 16),
    ("product c=64", 64),
];

const HELLO: usize = 0;
/// Where the two engines are compared.
const COMPARED: usize = 2;

/// A lattice that runs on one of the engines.
struct Engine {
    name: &'static str,
    probes: Probes,
    product: String,
    idle: u64,
    /// By round, and in it by load.
    outcomes: Vec<[Outcome; LOADS.len()]>,
}

pub(crate) fn run(bench: &mut Bench) -> anyhow::Result<()> {
    let length = bench.size(Duration::from_secs(5), Duration::from_millis(500));
    let program = |name: &str| -> anyhow::Result<OsString> {
        std::env::var_os(name).with_context(|| format!("{name} names no program"))
    };
    let mut engines = [
        Engine::start("as released", &program("STOA_STOCK_BIN")?)?,
        Engine::start("patched", &program("STOA_BIN")?)?,
    ];
    for engine in &mut engines {
        // Caches fill, pools grow.
        bench.runtime.block_on(engine.load(HELLO, length / 5))?;
        bench.runtime.block_on(engine.load(COMPARED, length / 5))?;
    }
    for _ in 0..ROUNDS {
        for engine in &mut engines {
            bench.runtime.block_on(engine.round(length))?;
        }
    }
    print(bench, &engines, length)
}

impl Engine {
    fn start(name: &'static str, program: &OsStr) -> anyhow::Result<Self> {
        let probes = Probes::of(program);
        let product = json!({
            "sku": "BENCH", "name": "Blue wool blanket", "status": "published",
            "description": "A blanket of wool in blue, made to last.",
            "price": {"amount": 4900, "currency": "EUR"}, "stock": 12,
        });
        let created = probes.lattice.admin().post("/products", &product).send();
        let id = created.expect(201).body["id"].as_str().map(str::to_owned);
        probes
            .client()
            .wait_for("/name", |answer| answer.status == 200);
        Ok(Self {
            name,
            idle: resident(&probes),
            probes,
            product: format!("/products/{}", id.context("the product has no id")?),
            outcomes: Vec::new(),
        })
    }

    async fn load(&self, load: usize, length: Duration) -> anyhow::Result<Outcome> {
        let (address, path) = if load == HELLO {
            (self.probes.address(), "/name")
        } else {
            (self.probes.lattice.address(), self.product.as_str())
        };
        let call = Call::get(path);
        let next: Next = Arc::new(move || call.clone());
        generator::run(address, LOADS[load].1, length, &next).await
    }

    async fn round(&mut self, length: Duration) -> anyhow::Result<()> {
        let round = [
            self.load(0, length).await?,
            self.load(1, length).await?,
            self.load(2, length).await?,
            self.load(3, length).await?,
        ];
        self.outcomes.push(round);
        Ok(())
    }

    /// By round, for one load.
    fn rates(&self, load: usize) -> impl Iterator<Item = f64> {
        self.outcomes.iter().map(move |round| round[load].rate)
    }

    fn sum(&self, count: fn(&Outcome) -> u32) -> f64 {
        self.outcomes
            .iter()
            .flatten()
            .map(count)
            .map(f64::from)
            .sum()
    }
}

/// What all processes of a lattice hold in memory, in MiB.
fn resident(probes: &Probes) -> u64 {
    let processes = Process::all_of(probes.lattice.folder());
    processes.iter().map(Process::resident).sum::<u64>() >> 20
}

fn print(bench: &mut Bench, engines: &[Engine; 2], length: Duration) -> anyhow::Result<()> {
    bench.report.line(format_args!(
        "2xx per second, medians of {ROUNDS} rounds of {} s in turn; the load generator runs on the same cores.\n\
         `hello` is one component behind the HTTP server; `product` is `GET /products/{{id}}`: gateway,\n\
         key-value store, product, SQL.",
        length.as_secs_f64()
    ))?;
    let mut table = Table::new([
        "engine",
        LOADS[0].0,
        LOADS[1].0,
        LOADS[2].0,
        LOADS[3].0,
        "p99 ms, c=16",
        "not 2xx",
        "no answer",
        "requests",
        "MiB idle",
        "MiB loaded",
    ]);
    for engine in engines {
        let rate = |load| thousands(median(engine.rates(load)));
        let p99 = engine.outcomes.iter().map(|round| {
            let time = round[COMPARED].samples.percentile(99);
            time.as_secs_f64() * 1000.0
        });
        table.row([
            engine.name.to_owned(),
            rate(0),
            rate(1),
            rate(2),
            rate(3),
            format!("{:.2}", median(p99)),
            thousands(engine.sum(|outcome| outcome.samples.refused)),
            thousands(engine.sum(|outcome| outcome.samples.failed)),
            thousands(engine.sum(|outcome| outcome.samples.count())),
            engine.idle.to_string(),
            resident(&engine.probes).to_string(),
        ]);
    }
    bench.report.table(&table)?;
    let [released, patched] = engines;
    let against = |of: &Engine, load, by: &Engine, other| {
        median(of.rates(load).zip(by.rates(other)).map(|(of, by)| of / by))
    };
    bench.report.line(format_args!(
        "product c=16, patched : as released  {:.1} (wanted: 6 or more)\n\
         product c=16 : hello c=16, patched   {:.2} (wanted: 0.4 or more)",
        against(patched, COMPARED, released, COMPARED),
        against(patched, COMPARED, patched, HELLO),
    ))?;
    Ok(())
}
