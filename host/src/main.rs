//! `stoa`: runs a Stoa lattice on one machine, and looks after it.
//!
//! `stoa up` is a wasmCloud host, wadm and a NATS server behind one command;
//! the other commands talk to what it started.

mod api;
mod deployment;
mod down;
mod lattice;
mod manifest;
mod nats;
mod seed;
mod state;
mod status;
mod terminal;
mod up;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::state::Folder;
use crate::terminal::Terminal;

/// How long tasks that are left over may take to end.
const LEFTOVERS: Duration = Duration::from_secs(1);

/// Runs a Stoa lattice on this machine.
#[derive(Parser)]
#[command(version, about)]
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
    /// Stops the lattice that runs on the data folder.
    Down,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut terminal = Terminal::new();
    match start(cli, &mut terminal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal.error(&error);
            ExitCode::FAILURE
        }
    }
}

fn start(cli: Cli, terminal: &mut Terminal) -> anyhow::Result<()> {
    let folder = match cli.command {
        Command::Up(_) => Folder::new(&cli.data)?,
        _ => Folder::of_a_lattice(&cli.data)?,
    };
    if matches!(cli.command, Command::Up(_)) {
        keep_temporary_files_in(&folder);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(run(&folder, cli.command, terminal));
    // What is left are tasks of libraries. With them end the processes they
    // look after, where these have not been stopped in order.
    runtime.shutdown_timeout(LEFTOVERS);
    result
}

async fn run(folder: &Folder, command: Command, terminal: &mut Terminal) -> anyhow::Result<()> {
    match command {
        Command::Up(options) => Box::pin(up::run(folder, &options, terminal)).await,
        Command::Status => status::run(folder, terminal).await,
        Command::Seed(options) => seed::run(folder, &options, terminal).await,
        Command::Down => down::run(folder, terminal).await,
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
