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

use clap::{Parser, Subcommand};

use crate::terminal::Terminal;

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
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| {
            let result = runtime.block_on(run(cli, &mut terminal));
            // What is left are tasks of libraries; they are not waited for.
            runtime.shutdown_background();
            result
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal.error(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli, terminal: &mut Terminal) -> anyhow::Result<()> {
    let folder = state::Folder::new(cli.data)?;
    match cli.command {
        Command::Up(options) => up::run(&folder, &options, terminal).await,
        Command::Status => status::run(&folder, terminal).await,
        Command::Seed(options) => seed::run(&folder, &options, terminal).await,
        Command::Down => down::run(&folder, terminal).await,
    }
}
