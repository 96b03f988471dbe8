//! What is being built: one line that tells how far each build is and how long
//! it took last time, and the compiler's own words only where it complains.
//!
//! Builds run side by side, each in a thread of its own and with a target folder
//! of its own. How far a build of cargo is, is read off the bar that it draws.

use std::collections::BTreeMap;
use std::fs;
use std::io::{IsTerminal as _, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::process::describe;
use crate::tools;

/// How often the line is written anew on a terminal.
const TERMINAL: Duration = Duration::from_millis(200);

/// How often it is written where lines stay, as in a log of CI.
const LOG: Duration = Duration::from_secs(30);

/// How much of a line a terminal shows where its width is not known.
const WIDTH: usize = 100;

/// The builds that run, and the line about them.
pub(crate) struct Progress {
    state: Mutex<State>,
    terminal: bool,
    width: usize,
}

struct State {
    builds: BTreeMap<String, Build>,
    shown: Instant,
    is_shown: bool,
}

impl State {
    /// Takes the line off the terminal.
    fn clear(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            draw("\r\x1b[K");
        }
    }
}

struct Build {
    started: Instant,
    last_time: Option<Duration>,
    now: String,
}

impl Progress {
    /// No build runs yet.
    pub(crate) fn new() -> Self {
        let columns = std::env::var("COLUMNS").ok().and_then(|n| n.parse().ok());
        Self {
            state: Mutex::new(State {
                builds: BTreeMap::new(),
                shown: Instant::now(),
                is_shown: false,
            }),
            terminal: std::io::stderr().is_terminal(),
            width: columns.unwrap_or(WIDTH),
        }
    }

    /// Runs a cargo command that builds something, under a name.
    pub(crate) fn cargo(
        &self,
        name: &str,
        command: &mut Command,
        complaints: Complaints,
    ) -> anyhow::Result<()> {
        let words = describe(command);
        // Cargo draws its bar for whoever asks for it, terminal or not.
        command
            .env("CARGO_TERM_PROGRESS_WHEN", "always")
            .env("CARGO_TERM_PROGRESS_WIDTH", "200")
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        let started = self.begin(name);
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start `{words}`"))?;
        let output = child.stderr.take().context("its errors are piped")?;
        let followed = self.follow(name, output, complaints);
        let status = child.wait()?;
        self.end(name);
        let (compiled, held_back) = followed?;
        if !status.success() {
            for line in held_back {
                say(format_args!("{line}"));
            }
            bail!("`{words}` failed ({status})");
        }
        // One that had nothing to do says nothing of what a build takes.
        if compiled {
            let _ = fs::create_dir_all(times()?);
            let took = started.elapsed().as_secs().to_string();
            let _ = fs::write(times()?.join(name), took);
        }
        Ok(())
    }

    /// Does something else that takes its time, under a name.
    pub(crate) fn step<T>(&self, name: &str, now: &str, step: impl FnOnce() -> T) -> T {
        self.begin(name);
        self.tell(name, now.to_owned());
        let done = step();
        self.end(name);
        done
    }

    fn begin(&self, name: &str) -> Instant {
        let started = Instant::now();
        let build = Build {
            started,
            last_time: last_time(name),
            now: String::new(),
        };
        self.state().builds.insert(name.to_owned(), build);
        started
    }

    fn end(&self, name: &str) {
        let mut state = self.state();
        let Some(build) = state.builds.remove(name) else {
            return;
        };
        state.clear();
        let took = build.started.elapsed();
        if took > Duration::from_secs(1) {
            say(format_args!("xtask: {name}: {}", clock(took)));
        }
    }

    /// Reads what cargo says until it ends: whether it compiled anything, and
    /// the complaints that were held back.
    fn follow(
        &self,
        name: &str,
        mut output: impl Read,
        complaints: Complaints,
    ) -> anyhow::Result<(bool, Vec<String>)> {
        let (mut buffer, mut line) = ([0; 4096], Vec::new());
        let (mut compiled, mut held_back) = (false, Vec::new());
        loop {
            let count = output.read(&mut buffer)?;
            for byte in &buffer[..count] {
                if *byte != b'\n' && *byte != b'\r' {
                    line.push(*byte);
                    continue;
                }
                match Said::read(&String::from_utf8_lossy(&line)) {
                    Said::Bar(now) => self.tell(name, now),
                    Said::Compiling => compiled = true,
                    Said::Nothing => {}
                    Said::Complaint(text) if complaints == Complaints::AtFailure => {
                        held_back.push(text);
                    }
                    Said::Complaint(text) => {
                        let mut state = self.state();
                        state.clear();
                        say(format_args!("{text}"));
                    }
                }
                line.clear();
            }
            if count == 0 {
                return Ok((compiled, held_back));
            }
        }
    }

    fn tell(&self, name: &str, now: String) {
        let mut state = self.state();
        if let Some(build) = state.builds.get_mut(name) {
            build.now = now;
        }
        let pause = if self.terminal { TERMINAL } else { LOG };
        if state.shown.elapsed() < pause {
            return;
        }
        state.shown = Instant::now();
        let builds = state.builds.iter().map(|(name, build)| {
            let took = clock(build.started.elapsed());
            let last = build.last_time.map(clock);
            let last = last.map(|last| format!(" of {last} last time"));
            let last = last.unwrap_or_default();
            format!("{name} {} ({took}{last})", build.now)
        });
        let line = builds.collect::<Vec<_>>().join(" | ");
        if self.terminal {
            let line: String = line.chars().take(self.width.saturating_sub(1)).collect();
            draw(&format!("\r\x1b[K{line}"));
            state.is_shown = true;
        } else {
            say(format_args!("xtask: {line}"));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When the compiler's complaints are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Complaints {
    /// As they come.
    AtOnce,
    /// When the build fails: where warnings are about code of others.
    AtFailure,
}

/// What a line of cargo's is.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// The bar: how much is done, and what is being compiled.
    Bar(String),
    /// A crate is compiled that was not there.
    Compiling,
    /// What everybody knows.
    Nothing,
    /// A warning, an error, or what belongs to one.
    Complaint(String),
}

impl Said {
    fn read(line: &str) -> Self {
        const KNOWN: [&str; 9] = [
            "Blocking",
            "Building",
            "Checking",
            "Downloaded",
            "Downloading",
            "Dirty",
            "Finished",
            "Fresh",
            "Updating",
        ];
        let plain = line.trim_start_matches("\x1b[K").trim();
        let word = plain.split(' ').next().unwrap_or_default();
        if let Some((_, rest)) = plain.split_once("] ")
            && word == "Building"
        {
            // 12/403: tokio, hyper
            let short: Vec<_> = rest.split(", ").take(3).collect();
            return Self::Bar(short.join(", "));
        }
        match word {
            "Compiling" => Self::Compiling,
            "" => Self::Nothing,
            word if KNOWN.contains(&word) => Self::Nothing,
            _ => Self::Complaint(line.to_owned()),
        }
    }
}

/// Where it is kept how long builds took.
fn times() -> anyhow::Result<PathBuf> {
    Ok(tools::cache()?.join("times"))
}

fn last_time(name: &str) -> Option<Duration> {
    let text = fs::read_to_string(Path::new(&times().ok()?).join(name)).ok()?;
    Some(Duration::from_secs(text.trim().parse().ok()?))
}

/// Minutes and seconds.
pub(crate) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[expect(clippy::print_stderr, reason = "a build tool talks to its terminal")]
fn say(text: std::fmt::Arguments<'_>) {
    eprintln!("{text}");
}

#[expect(clippy::print_stderr, reason = "a build tool talks to its terminal")]
fn draw(text: &str) {
    eprint!("{text}");
    let _ = std::io::stderr().flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_a_build_is_is_read_off_cargos_bar() {
        let bar = "    Building [==>      ] 12/403: tokio, hyper, wasmtime(build), url     ";
        let short = "12/403: tokio, hyper, wasmtime(build)";
        assert_eq!(Said::read(bar), Said::Bar(short.to_owned()));
        assert_eq!(Said::read("   Compiling tokio v1.49.0"), Said::Compiling);
        let error = "error[E0308]: mismatched types";
        assert_eq!(Said::read(error), Said::Complaint(error.to_owned()));
        assert_eq!(
            Said::read("    Finished `quick` profile in 3s"),
            Said::Nothing
        );
    }

    #[test]
    fn what_cargo_does_is_told_while_it_lasts() {
        let progress = Progress::new();
        let mut cargo = Command::new("sh");
        cargo.args([
            "-c",
            "printf '   Compiling a v1\\n    Building [> ] 1/2: a\\rerror: no\\n' >&2",
        ]);
        let started = progress.begin("test");
        let mut child = cargo.stderr(Stdio::piped()).spawn().unwrap();
        let output = child.stderr.take().unwrap();
        let followed = progress.follow("test", output, Complaints::AtFailure);
        assert_eq!(followed.unwrap(), (true, vec!["error: no".to_owned()]));
        assert_eq!(progress.state().builds["test"].now, "1/2: a");
        assert!(started.elapsed() < Duration::from_hours(1));
        child.wait().unwrap();
    }

    #[test]
    fn a_build_that_fails_says_which_command_it_was() {
        let error = Progress::new().cargo("test", &mut Command::new("false"), Complaints::AtOnce);
        assert!(error.unwrap_err().to_string().starts_with("`false` failed"));
    }
}
