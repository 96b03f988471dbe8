//! `stoa down`: stops the lattice that runs on the data folder.

use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};

use crate::state::Folder;
use crate::terminal::Terminal;

/// How long a lattice may take to stop.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks `stoa up` to stop and waits until it has.
pub async fn run(folder: &Folder, terminal: &mut Terminal) -> anyhow::Result<()> {
    let run = folder.running()?;
    kill(Pid::from_raw(run.pid), Signal::SIGTERM)
        .with_context(|| format!("cannot stop process {}", run.pid))?;
    let deadline = Instant::now() + PATIENCE;
    while folder.is_locked() {
        if Instant::now() > deadline {
            bail!(
                "process {} did not stop in {} s",
                run.pid,
                PATIENCE.as_secs()
            );
        }
        sleep(Duration::from_millis(50)).await;
    }
    terminal.line("stopped");
    Ok(())
}
