//! What the person at the terminal sees.
//!
//! `stoa up` sends its own standard output and error, which providers inherit,
//! to the log file; a [`Terminal`] keeps the real ones.

use std::fmt::Display;
use std::fs::File;
use std::io::{IsTerminal as _, Write as _, stderr, stdout};
use std::os::fd::AsFd as _;
use std::time::Instant;

use anyhow::Context as _;

/// The terminal, or whatever standard output and error were at the start.
pub struct Terminal {
    out: Option<File>,
    err: Option<File>,
    interactive: bool,
    started: Instant,
}

impl Terminal {
    /// The standard output and error as they are now.
    pub fn new() -> Self {
        Self {
            out: stdout().as_fd().try_clone_to_owned().ok().map(File::from),
            err: stderr().as_fd().try_clone_to_owned().ok().map(File::from),
            interactive: stdout().is_terminal(),
            started: Instant::now(),
        }
    }

    /// From now on, what libraries and child processes print goes to `log`.
    pub fn redirect_others(log: &File) -> anyhow::Result<()> {
        nix::unistd::dup2_stdout(log).context("cannot redirect standard output")?;
        nix::unistd::dup2_stderr(log).context("cannot redirect standard error")?;
        Ok(())
    }

    /// Prints a line.
    pub fn line(&mut self, text: impl Display) {
        // A terminal that is gone is no reason to stop the lattice.
        if let Some(out) = &mut self.out {
            let _ = writeln!(out, "{text}");
        }
    }

    /// Prints a step that is done, with the time since the start.
    pub fn step(&mut self, text: impl Display) {
        let seconds = self.started.elapsed().as_secs_f64();
        self.line(format_args!("{seconds:6.2}s  {text}"));
    }

    /// Shows how far long work is, on one line where there is a terminal.
    pub fn progress(&mut self, text: impl Display, finished: bool) {
        if self.interactive {
            let end = if finished { "\n" } else { "" };
            if let Some(out) = &mut self.out {
                let _ = write!(out, "\r\x1b[K{text}{end}");
                let _ = out.flush();
            }
        } else {
            self.line(text);
        }
    }

    /// Prints an error and what was behind it, as one sentence.
    pub fn error(&mut self, error: &anyhow::Error) {
        if let Some(err) = &mut self.err {
            let _ = writeln!(err, "stoa: {error:#}");
        }
    }
}
