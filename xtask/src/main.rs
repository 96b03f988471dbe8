//! `cargo xtask`: everything one does with this repository, on a machine that
//! has Rust and Python.

mod artifacts;
mod check;
mod engine;
mod new;
mod patches;
mod process;
mod tools;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::process::replace;

/// Builds, runs and checks Stoa.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds everything and starts a lattice; options go to `stoa up`.
    Up {
        /// Options of `stoa up`, such as `--http 127.0.0.1:9000`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Builds components, provider archives and the `stoa` program.
    Build,
    /// Builds what is missing and runs `stoa` with these arguments.
    Stoa {
        /// Arguments of `stoa`, such as `status` or `seed --products 1000`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Makes a new part of the repository from a template.
    New {
        #[command(subcommand)]
        part: new::Part,
    },
    /// Builds the `stoa` program on wasmCloud as it was released.
    Stock,
    /// Runs every test of the repository.
    Test {
        /// Options of `cargo test`, such as a part of a test's name.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Checks formatting, clippy, dependencies and licences.
    Lint,
    /// Runs the benchmarks and prints their tables.
    Bench {
        /// Options of the benchmark program.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Checks that a component's file has the content digest it carries.
    Digest {
        /// The `.wasm` file.
        file: PathBuf,
    },
}

fn main() -> ExitCode {
    match perform(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            process::say(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> anyhow::Result<()> {
    let root = root()?;
    match task {
        Task::Up { options } => {
            // The providers are in the engine, unless they are to come from archives.
            let archives = options.iter().any(|option| option.contains("archives"))
                || std::env::var_os("STOA_PROVIDERS").is_some_and(|value| value == "archives");
            if archives {
                artifacts::providers(&root)?;
            }
            artifacts::components(&root)?;
            let stoa = engine::build(&root)?;
            replace(stoa.command(&root)?.arg("up").args(options))
        }
        Task::Build => build(&root).map(drop),
        Task::New { part } => part.make(&root),
        Task::Stock => engine::stock(&root).map(drop),
        Task::Stoa { arguments } => {
            let stoa = engine::build(&root)?;
            replace(stoa.command(&root)?.args(arguments))
        }
        Task::Test { options } => {
            let stoa = build(&root)?;
            check::test(&root, &stoa, &options)
        }
        Task::Lint => check::lint(&root),
        Task::Bench { options } => {
            let stoa = build(&root)?;
            let stock = engine::stock(&root)?;
            check::bench(&root, &stoa, &stock, &options)
        }
        Task::Digest { file } => artifacts::print_digest(&file),
    }
}

/// Builds all that a lattice needs.
fn build(root: &Path) -> anyhow::Result<engine::Stoa> {
    artifacts::components(root)?;
    artifacts::providers(root)?;
    engine::build(root)
}

/// The repository's root: the parent of this crate. Asked for when it runs, as
/// one target folder may serve several checkouts.
fn root() -> anyhow::Result<PathBuf> {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").context("run this by `cargo xtask`")?;
    Path::new(&here)
        .parent()
        .map(Path::to_owned)
        .context("xtask has no parent folder")
}

/// Cargo, in the repository.
fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    // What cargo tells this program about itself would make build scripts that
    // look at it (ring's) run again, and with them half of the tree.
    let about_xtask = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
    ];
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if about_xtask.iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command
}
