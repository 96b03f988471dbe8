//! Lints and benchmarks.

use std::path::Path;
use std::process::Command;

use crate::engine::{self, Stoa};
use crate::process::{run, say};
use crate::progress::Progress;
use crate::{artifacts, cargo, tools};

/// Runs the benchmarks in the release profile.
pub(crate) fn bench(
    root: &Path,
    stoa: &Stoa,
    stock: &Stoa,
    options: &[String],
) -> anyhow::Result<()> {
    let mut command = cargo(root);
    command.env("STOA_STOCK_BIN", stock.path());
    command.args([
        "run",
        "--locked",
        "--release",
        "--package",
        "stoa-benches",
        "--",
    ]);
    run(with_lattice(&mut command, root, stoa)?.args(options))
}

/// Formatting, clippy for every target, and the rules of `deny.toml`.
pub(crate) fn lint(root: &Path) -> anyhow::Result<()> {
    say("formatting");
    run(cargo(root).args(["fmt", "--all", "--check"]))?;
    run(cargo(root).args(["fmt", "--check", "--manifest-path", "host/Cargo.toml"]))?;
    say("clippy");
    run(cargo(root).args([
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    tools::wasm_target(root, &Progress::new())?;
    run(cargo(root)
        .args([
            "clippy",
            "--locked",
            "--target",
            tools::WASM_TARGET,
            "--profile",
            "component",
        ])
        .args(
            artifacts::packages(root)?
                .iter()
                .flat_map(|name| ["--package", name]),
        )
        .args(["--", "-D", "warnings"]))?;
    run(engine::host(root, "clippy")?.args(["--locked", "--all-targets", "--", "-D", "warnings"]))?;
    say("dependencies");
    let deny = tools::cargo_deny(root)?;
    for workspace in [root.to_owned(), root.join("host")] {
        // Advisories are not checked here: their database is a git repository
        // that not every machine reaches. `cargo deny check advisories` does it.
        run(Command::new(&deny)
            .current_dir(workspace)
            .args(["--locked", "check"])
            .arg("--config")
            .arg(root.join("deny.toml"))
            .args(["bans", "licenses", "sources"]))?;
    }
    Ok(())
}

/// Tells a test or benchmark program where what it starts is.
pub(crate) fn with_lattice<'a>(
    command: &'a mut Command,
    root: &Path,
    stoa: &Stoa,
) -> anyhow::Result<&'a mut Command> {
    Ok(command
        .env("STOA_BIN", stoa.path())
        .env("STOA_NATS_SERVER", tools::nats_server(root)?))
}
