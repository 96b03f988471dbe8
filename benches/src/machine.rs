//! What the figures were measured on: the head of the report.

use std::fs;
use std::num::NonZero;
use std::process::Command;
use std::thread::available_parallelism;

use anyhow::Context as _;

use crate::report::Report;

pub(crate) fn describe(report: &mut Report) -> anyhow::Result<()> {
    let cores = available_parallelism().map_or(1, NonZero::get);
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown CPU".to_owned());
    let memory = mebibytes("/proc/meminfo", "MemTotal").unwrap_or_default() / 1024.0;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    report.line(format_args!(
        "machine   {cores} cores, {cpu}, {memory:.0} GiB, Linux {}; load before: {}",
        kernel.trim(),
        load.split(' ').next().unwrap_or_default()
    ))?;
    report.line(format_args!(
        "versions  {}, wasmcloud-host {}, {}",
        version("STOA_BIN")?,
        locked("wasmcloud-host")?,
        version("STOA_NATS_SERVER")?.replace(": v", " ")
    ))?;
    Ok(())
}

/// A value of a file of `name: value` lines, as those in `/proc` are.
pub(crate) fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then(|| value.trim().to_owned())
    })
}

/// An amount of memory, which `/proc` has as `4711 kB`.
pub(crate) fn mebibytes(file: &str, name: &str) -> Option<f64> {
    let kib: f64 = field(file, name)?.split(' ').next()?.parse().ok()?;
    Some(kib / 1024.0)
}

/// What the program that an environment variable names says of its version.
fn version(variable: &str) -> anyhow::Result<String> {
    let program = std::env::var_os(variable)
        .with_context(|| format!("{variable} is not set: run this by `cargo xtask bench`"))?;
    let output = Command::new(&program)
        .arg("--version")
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The version of a crate that the engine is built with.
fn locked(name: &str) -> anyhow::Result<String> {
    let lock = fs::read_to_string(stoa_harness::root().join("host/Cargo.lock"))?;
    lock.split_once(&format!("name = \"{name}\"\nversion = \""))
        .and_then(|(_, rest)| rest.split('"').next())
        .map(str::to_owned)
        .with_context(|| format!("host/Cargo.lock has no {name}"))
}
