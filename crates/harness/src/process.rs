//! The processes of a lattice, as `/proc` shows them.

use std::path::Path;
use std::process::Command;

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
