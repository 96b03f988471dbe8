//! `cargo xtask`: everything one does with this repository, on a machine that
//! has Rust and Python.

mod artifacts;
mod check;
mod dev;
mod engine;
mod new;
mod patches;
mod process;
mod progress;
mod tests;
mod tools;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::artifacts::Optimised;
use crate::engine::Profile;
use crate::process::replace;
use crate::progress::Progress;

/// Builds, runs and checks Stoa.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds everything and starts a lattice; options go to `stoa up`.
    ///
    /// With `--release` among them the engine is the one that is compiled for
    /// speed, which takes longer.
    Up {
        /// Options of `stoa up`, such as `--http 127.0.0.1:9000`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
    /// Swaps changed components into the lattice that runs, as they are saved.
    Dev(dev::Options),
    /// Builds components, provider archives and the `stoa` program.
    Build {
        /// Compile the engine for speed.
        #[arg(long)]
        release: bool,
    },
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
    /// Runs the tests of the repository, the quick ones first.
    Test(tests::Options),
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
        Task::Up { mut options } => {
            let count = options.len();
            options.retain(|option| option != "--release");
            let profile = Profile::of(options.len() < count);
            // The providers are in the engine, unless they are to come from archives.
            let archives = options.iter().any(|option| option.contains("archives"))
                || std::env::var_os("STOA_PROVIDERS").is_some_and(|value| value == "archives");
            let stoa = build(&root, profile, archives)?;
            replace(stoa.command(&root)?.arg("up").args(options))
        }
        Task::Dev(options) => options.run(&root),
        Task::Build { release } => build(&root, Profile::of(release), true).map(drop),
        Task::New { part } => part.make(&root),
        Task::Stock => engine::stock(&root, &Progress::new()).map(drop),
        Task::Stoa { arguments } => {
            let stoa = engine::any(&root, &Progress::new())?;
            replace(stoa.command(&root)?.args(arguments))
        }
        Task::Test(options) => options.run(&root),
        Task::Lint => check::lint(&root),
        Task::Bench { options } => {
            let stoa = build(&root, Profile::Release, true)?;
            let stock = engine::stock(&root, &Progress::new())?;
            check::bench(&root, &stoa, &stock, &options)
        }
        Task::Digest { file } => artifacts::print_digest(&file),
    }
}

/// Builds all that a lattice needs, side by side.
fn build(root: &Path, profile: Profile, archives: bool) -> anyhow::Result<engine::Stoa> {
    let progress = Progress::new();
    let (components, engine, nats) = std::thread::scope(|scope| {
        let components =
            scope.spawn(|| artifacts::components(root, Optimised::ForSpeed, &progress));
        let nats = scope.spawn(|| progress.step("NATS server", "", || tools::nats_server(root)));
        let engine = engine::build(root, profile, &progress).and_then(|stoa| {
            if archives {
                artifacts::providers(root, profile, &progress)?;
            }
            Ok(stoa)
        });
        (components.join(), engine, nats.join())
    });
    let fell = |_| anyhow::anyhow!("a thread of the build panicked");
    let stoa = engine?;
    components.map_err(fell)??;
    nats.map_err(fell)??;
    Ok(stoa)
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
