//! The processes of a lattice, as `/proc` shows them.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;

use crate::until;

/// A process of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub id: u32,
    /// Its program and arguments, separated by spaces.
    pub command: String,
}

impl Process {
    /// All processes whose command names this folder: `stoa up` on it, its
    /// NATS server, and its providers, whose programs lie in it.
    pub fn all_of(folder: &Path) -> Vec<Self> {
        let folder = folder.to_string_lossy().into_owned();
        let processes = std::fs::read_dir("/proc").expect("processes");
        processes
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(Self::with_id)
            .filter(|process| process.command.contains(&folder))
            .collect()
    }

    /// The process with this id; none when it has ended.
    pub fn with_id(id: u32) -> Option<Self> {
        // Empty for one that has ended and was not waited for.
        let line = std::fs::read(format!("/proc/{id}/cmdline")).ok()?;
        let command = String::from_utf8_lossy(&line).replace('\0', " ");
        (!command.is_empty()).then_some(Self { id, command })
    }

    /// Resident memory in bytes; 0 when it has ended.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        kibibytes.map_or(0, |kibibytes: u64| kibibytes << 10)
    }

    /// Whether it still runs.
    pub fn is_alive(&self) -> bool {
        Self::with_id(self.id).as_ref() == Some(self)
    }

    /// Sends it a signal, such as `KILL`.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.id.to_string())
            .status();
        assert!(sent.expect("kill runs").success(), "{self:?} is not there");
    }
}

/// Runs a command to its end: how it ended, and what it said.
pub fn outcome(command: &mut Command) -> Output {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not run: {error}"));
    let (said, complained) = (all_of(child.stdout.take()), all_of(child.stderr.take()));
    Output {
        status: ended(&mut child),
        stdout: said.join().expect("its output"),
        stderr: complained.join().expect("its errors"),
    }
}

/// Waits until a program ends. One that does not is killed.
pub(crate) fn ended(child: &mut Child) -> ExitStatus {
    let child = Killed(child);
    until("the end of a program", || {
        child.0.try_wait().expect("a child").ok_or("it runs")
    })
}

/// Kills a program, unless it has ended.
struct Killed<'a>(&'a mut Child);

impl Drop for Killed<'_> {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

/// Reads on while the program runs, which would wait for its reader.
fn all_of(output: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut all = Vec::new();
        if let Some(mut output) = output {
            let _ = output.read_to_end(&mut all);
        }
        all
    })
}
