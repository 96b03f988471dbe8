//! How long `stoa up` takes until a client gets a product, and what the
//! lattice weighs while nobody asks for anything.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use stoa_harness::{root, stoa};

use crate::Bench;
use crate::connection::{Call, Connection};
use crate::machine::{field, mebibytes};
use crate::report::{Table, thousands};
use crate::samples::median;
use crate::seeded;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// When a client that has no answer asks again: a call to what is just being
/// started may get nowhere.
const IMPATIENCE: Duration = Duration::from_secs(1);

pub(crate) fn run(bench: &mut Bench) -> anyhow::Result<()> {
    let starts = bench.size(5, 3);
    let idle = bench.size(Duration::from_secs(15), Duration::from_secs(3));
    let (lattice, _) = seeded::start(1000)?;
    let newest = lattice
        .anonymous()
        .wait_for("/products?limit=1", |answer| answer.status == 200);
    let id = newest.body["data"][0]["id"]
        .as_str()
        .context("a product has an id")?;
    let product = Call::get(format!("/products/{id}"));
    let folder = lattice.stop();

    // In turn: everything has to be compiled, nothing has to be.
    let (mut compiling, mut compiled) = (Vec::new(), Vec::new());
    for _ in 0..starts {
        fs::remove_dir_all(folder.path().join("code"))?;
        for seconds in [&mut compiling, &mut compiled] {
            let mut up = Up::start(folder.path())?;
            let answered = bench.runtime.block_on(up.first_answer(&product))?;
            seconds.push(answered.as_secs_f64());
        }
    }
    let mut up = Up::start(folder.path())?;
    bench.runtime.block_on(up.first_answer(&product))?;
    // What the start needed is given back, and ticks have come.
    sleep(idle);
    let memory = memory(up.process.id())?;
    bench.report.line(format_args!(
        "From the start of `stoa up` on a folder with 1,000 products to the first 200 of\n\
         `GET /products/{{id}}`, {starts} times each: median {} where all components have to be\n\
         compiled, {} where they were before. It should be under 3 s.\n\n\
         Resident memory {} s after a start, without any request:",
        spread(&compiling),
        spread(&compiled),
        idle.as_secs(),
    ))?;
    Ok(bench.report.table(&memory)?)
}

/// The median, and from where to where it went.
fn spread(seconds: &[f64]) -> String {
    format!(
        "{:.2} s ({:.2}-{:.2} s)",
        median(seconds.iter().copied()),
        seconds.iter().copied().fold(f64::INFINITY, f64::min),
        seconds.iter().copied().fold(0.0, f64::max),
    )
}

/// A `stoa up` that nobody waits for. It is stopped when this is dropped.
struct Up {
    process: Child,
    started: Instant,
    address: String,
}

impl Up {
    fn start(folder: &Path) -> anyhow::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let started = Instant::now();
        let process = stoa(folder)
            .args(["up", "--http", &address, "--manifest"])
            .arg(root().join("wadm.yaml"))
            .stdout(Stdio::null())
            .spawn()
            .context("`stoa up` does not start")?;
        Ok(Self {
            process,
            started,
            address,
        })
    }

    /// How long it took, from the start, until this was answered with 200.
    async fn first_answer(&mut self, call: &Call) -> anyhow::Result<Duration> {
        let mut connection = Connection::new(&self.address);
        while self.started.elapsed() < PATIENCE {
            if let Ok(answer) = connection.send(call.clone(), IMPATIENCE).await
                && answer.status == 200
            {
                return Ok(self.started.elapsed());
            }
            if let Some(status) = self.process.try_wait()? {
                bail!("`stoa up` ended by itself ({status})");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bail!("no product after {} s", PATIENCE.as_secs())
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").args(["-INT", &pid]).status();
        let _ = self.process.wait();
    }
}

/// Resident memory of a process and its descendants. Pages that several share
/// count for each.
fn memory(top: u32) -> anyhow::Result<Table<3>> {
    let mut processes = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Ok(pid) = name.parse::<u32>()
            && let Some(process) = Process::read(pid)
        {
            processes.insert(pid, process);
        }
    }
    ensure!(processes.contains_key(&top), "`stoa up` is gone");
    let (mut table, mut total) = (Table::new(["process", "threads", "MiB"]), 0.0);
    for (pid, process) in &processes {
        if descends(*pid, top, &processes) {
            total += process.mebibytes;
            table.row([
                process.name.clone(),
                process.threads.clone(),
                thousands(process.mebibytes),
            ]);
        }
    }
    table.row(["all".to_owned(), String::new(), thousands(total)]);
    Ok(table)
}

fn descends(pid: u32, top: u32, processes: &BTreeMap<u32, Process>) -> bool {
    pid == top
        || processes
            .get(&pid)
            .is_some_and(|process| descends(process.parent, top, processes))
}

struct Process {
    name: String,
    parent: u32,
    threads: String,
    mebibytes: f64,
}

impl Process {
    /// `None` for one that has ended, and for the kernel's own.
    fn read(pid: u32) -> Option<Self> {
        let status = format!("/proc/{pid}/status");
        let program = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
        Some(Self {
            name: name(&program.file_name()?.to_string_lossy()),
            parent: field(&status, "PPid")?.parse().ok()?,
            threads: field(&status, "Threads")?,
            mebibytes: mebibytes(&status, "VmRSS")?,
        })
    }
}

/// What a program is called. The host names a provider's after the path of its
/// archive: `<folders>_sql_<digest>_par_gz`.
fn name(program: &str) -> String {
    let archive = program.strip_suffix("_par_gz");
    match archive.and_then(|path| path.rsplit('_').nth(1)) {
        Some(provider) => format!("provider {provider}"),
        None => program.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_go_by_their_names() {
        assert_eq!(name("_srv_stoa_sql_0f3a_par_gz"), "provider sql");
        assert_eq!(name("nats-server"), "nats-server");
    }
}
