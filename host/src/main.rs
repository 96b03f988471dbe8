//! `stoa`: runs a Stoa lattice on one machine, and looks after it.
//!
//! `stoa up` is a wasmCloud host, wadm and a NATS server behind one command;
//! the other commands talk to what it started.

mod admin;
mod api;
mod deployment;
mod down;
#[cfg(feature = "patched")]
mod embedded;
mod engine;
#[cfg(feature = "patched")]
mod events;
mod host;
mod keys;
mod lattice;
mod manifest;
mod missing;
mod nats;
mod operator;
mod seed;
mod state;
mod status;
mod swap;
mod terminal;
mod up;
mod wadm;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

use crate::state::Folder;
use crate::terminal::Terminal;

#[cfg(feature = "patched")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long tasks that are left over may take to end.
const LEFTOVERS: Duration = Duration::from_secs(1);

/// Runs a Stoa lattice on this machine.
#[derive(Parser)]
#[command(version = engine::VERSION, about)]
struct Cli {
    /// Folder of the lattice's data, log and run file.
    #[arg(long, global = true, env = "STOA_DATA", default_value = ".stoa")]
    data: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts the lattice and stays until Ctrl-C.
    Up(up::Options),
    /// Shows components, providers, links and services.
    Status,
    /// Writes products through the API, the same ones every time.
    Seed(seed::Options),
    /// Puts another build of a component in the place of the one that runs.
    Swap(swap::Options),
    /// Makes administrators, and tokens for them.
    Admin(admin::Options),
    /// Shows or rotates the keys that sign access tokens.
    Keys(keys::Options),
    /// Shows events, handlers and dead letters, and brings these again.
    #[cfg(feature = "patched")]
    Events(events::Options),
    /// Stops the lattice that runs on the data folder.
    Down,
    /// Runs a plain wasmCloud host in a lattice that is there already.
    Host(host::Options),
    /// Runs a plain wadm, for lattices that are there already.
    Wadm(host::Part),
}

fn main() -> ExitCode {
    let cli = Cli::parse_from(arguments());
    let mut terminal = Terminal::new();
    match start(cli, &mut terminal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal.error(&error);
            ExitCode::FAILURE
        }
    }
}

/// The command line. Under the name `wasmcloud` this program is `stoa host`.
fn arguments() -> Vec<OsString> {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    let name = arguments.first().map(PathBuf::from);
    if name.is_some_and(|name| name.file_stem() == Some(OsStr::new("wasmcloud"))) {
        arguments.insert(1, "host".into());
    }
    arguments
}

fn start(cli: Cli, terminal: &mut Terminal) -> anyhow::Result<()> {
    if matches!(cli.command, Command::Up(_)) {
        keep_temporary_files_in(&Folder::new(&cli.data)?);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    run_and_end(runtime, run(&cli.data, cli.command, terminal))
}

/// What is left are tasks of libraries. With them end the processes they look
/// after, where these have not been stopped in order.
fn run_and_end(
    runtime: Runtime,
    program: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let result = runtime.block_on(program);
    runtime.shutdown_timeout(LEFTOVERS);
    result
}

async fn run(data: &Path, command: Command, terminal: &mut Terminal) -> anyhow::Result<()> {
    let folder = || Folder::of_a_lattice(data);
    match command {
        Command::Up(options) => Box::pin(up::run(&Folder::new(data)?, &options, terminal)).await,
        Command::Status => status::run(&folder()?, terminal).await,
        Command::Seed(options) => seed::run(&folder()?, &options, terminal).await,
        Command::Swap(options) => swap::run(&folder()?, &options, terminal).await,
        Command::Admin(options) => admin::run(data, &options, terminal).await,
        Command::Keys(options) => keys::run(data, &options, terminal).await,
        #[cfg(feature = "patched")]
        Command::Events(options) => events::run(data, &options, terminal).await,
        Command::Down => down::run(&folder()?, terminal).await,
        Command::Host(options) => host::run(&options).await,
        Command::Wadm(options) => wadm::run(&options).await,
    }
}

/// The host unpacks its providers into a new folder below the temporary one
/// each time, 50 MB that nobody removes: they go where [`up`] does.
#[expect(
    unsafe_code,
    reason = "set_var is unsafe while there are other threads"
)]
fn keep_temporary_files_in(folder: &Folder) {
    // SAFETY: this process has no other thread yet.
    unsafe { std::env::set_var("TMPDIR", folder.temporary()) };
}
