//! Benchmarks of the whole system: latency and load of real lattices, printed
//! as tables. Nothing here passes or fails: what a figure ought to be stands
//! beside it.
//!
//! Run them by `cargo xtask bench`, which builds what they need; names choose
//! among them, `--quick` makes them small.

mod auth;
mod catalogue;
mod connection;
mod engine;
mod events;
mod generator;
mod load;
mod machine;
mod report;
mod samples;
mod seeded;
mod start;
mod swap;

use anyhow::{Context as _, bail};
use tokio::runtime::Runtime;

use crate::report::Report;

/// What a benchmark works with.
struct Bench {
    report: Report,
    /// One thread, for all requests: the rest of the machine is the system's.
    runtime: Runtime,
    /// Small sizes: to see that it runs, not to measure.
    quick: bool,
}

impl Bench {
    /// One size in earnest, another when it has to be quick.
    fn size<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}

type Run = fn(&mut Bench) -> anyhow::Result<()>;

const BENCHMARKS: [(&str, Run); 7] = [
    ("catalogue", catalogue::run),
    ("start", start::run),
    ("load", load::run),
    ("auth", auth::run),
    ("events", events::run),
    ("engine", engine::run),
    ("swap", swap::run),
];

fn main() -> anyhow::Result<()> {
    let (options, names): (Vec<_>, Vec<_>) = std::env::args()
        .skip(1)
        .partition(|argument| argument.starts_with('-'));
    let known = BENCHMARKS.map(|(name, _)| name);
    let wrong_option = options.iter().find(|option| *option != "--quick");
    let wrong_name = names.iter().find(|name| !known.contains(&name.as_str()));
    if let Some(wrong) = wrong_option.or(wrong_name) {
        bail!(
            "there is no `{wrong}`; usage: cargo xtask bench -- [--quick] [{}]...",
            known.join("|")
        );
    }
    let mut bench = Bench {
        report: Report::new(),
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("no runtime")?,
        quick: !options.is_empty(),
    };
    machine::describe(&mut bench.report)?;
    if bench.quick {
        bench
            .report
            .line("sizes     small: the figures mean little")?;
    }
    for (name, run) in BENCHMARKS {
        if names.is_empty() || names.iter().any(|chosen| chosen == name) {
            bench.report.section(name)?;
            run(&mut bench).with_context(|| format!("the benchmark `{name}` ended early"))?;
        }
    }
    Ok(())
}
