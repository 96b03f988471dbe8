//! The lattice's folder (`.stoa`): who runs on it, and where.
//!
//! ```text
//! lock          held by the running `stoa up`
//! run.json      where the running lattice is found
//! stoa.log      what host, wadm, NATS and providers say; stoa.log.1 the last
//! data/         the databases
//! code/         components as they were compiled; may be deleted
//! nats/         JetStream
//! tmp/          what a run unpacks; gone after it
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use serde::{Deserialize, Serialize};

/// The folder of one lattice.
pub struct Folder(PathBuf);

/// Where a running lattice is found.
#[derive(Serialize, Deserialize)]
pub struct Run {
    /// Process id of `stoa up`.
    pub pid: i32,
    /// The name that the manifest gives its application.
    pub application: String,
    /// `http://<address>` of the gateway.
    pub http: String,
    /// `nats://<address>` of the lattice.
    pub nats: String,
}

/// The temporary folder of a run, removed with this value.
pub struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    /// The folder at `path`, made when it is missing.
    pub fn new(path: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(path)
            .with_context(|| format!("cannot make the folder {}", path.display()))?;
        let path = path
            .canonicalize()
            .with_context(|| format!("cannot use the folder {}", path.display()))?;
        Ok(Self(path))
    }

    /// The folder at `path`, of a lattice that runs or has run there.
    pub fn of_a_lattice(path: &Path) -> anyhow::Result<Self> {
        match path.canonicalize() {
            Ok(path) => Ok(Self(path)),
            Err(_) => Err(no_lattice(path)),
        }
    }

    /// A path inside the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Takes the folder for this process, until the file is dropped.
    pub fn lock(&self) -> anyhow::Result<File> {
        let path = self.path("lock");
        let file =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        if file.try_lock().is_err() {
            bail!(
                "a lattice already runs on {}: stop it with `stoa down`, or choose another folder with --data",
                self.0.display()
            );
        }
        Ok(file)
    }

    /// Whether a `stoa up` holds the folder.
    pub fn is_locked(&self) -> bool {
        File::open(self.path("lock")).is_ok_and(|file| file.try_lock_shared().is_err())
    }

    /// A new log file; the one of the last run stays beside it.
    pub fn open_log(&self) -> anyhow::Result<File> {
        let path = self.path("stoa.log");
        match fs::rename(&path, self.path("stoa.log.1")) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).context("cannot put the old log aside");
            }
            _ => {}
        }
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Says where the lattice is.
    pub fn write_run(&self, run: &Run) -> anyhow::Result<()> {
        let json = serde_json::to_vec_pretty(run)?;
        fs::write(self.path("run.json"), json).context("cannot write run.json")
    }

    /// Forgets where the lattice was.
    pub fn remove_run(&self) {
        let _ = fs::remove_file(self.path("run.json"));
    }

    /// The running lattice; an error says how to start one.
    pub fn running(&self) -> anyhow::Result<Run> {
        let run = fs::read(self.path("run.json"))
            .ok()
            .filter(|_| self.is_locked())
            .and_then(|json| serde_json::from_slice(&json).ok());
        run.ok_or_else(|| no_lattice(&self.0))
    }

    /// Where a run keeps what is of no use after it.
    pub fn temporary(&self) -> PathBuf {
        self.path("tmp")
    }

    /// Makes the temporary folder, without what a killed run left there.
    pub fn make_temporary(&self) -> anyhow::Result<Temporary> {
        let path = self.temporary();
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Temporary(path))
    }
}

fn no_lattice(path: &Path) -> anyhow::Error {
    anyhow!(
        "no lattice runs on {}: start one with `stoa up`",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("stoa-state-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Folder::new(&path).unwrap()
    }

    #[test]
    fn one_lattice_at_a_time_holds_a_folder() {
        let folder = folder("lock");
        let held = folder.lock().unwrap();
        assert!(folder.is_locked());
        assert!(
            folder
                .lock()
                .unwrap_err()
                .to_string()
                .contains("already runs")
        );
        drop(held);
        assert!(!folder.is_locked());
        folder.lock().unwrap();
    }

    #[test]
    fn a_run_file_without_its_process_is_no_lattice() {
        let folder = folder("run");
        let run = Run {
            application: "stoa".to_owned(),
            pid: 1,
            http: "http://h".into(),
            nats: "nats://n".into(),
        };
        folder.write_run(&run).unwrap();
        assert!(folder.running().is_err());
    }

    #[test]
    fn looking_for_a_lattice_makes_no_folder() {
        let path = std::env::temp_dir().join(format!("stoa-state-none-{}", std::process::id()));
        let error = Folder::of_a_lattice(&path).err().unwrap();
        assert!(error.to_string().contains("no lattice runs"), "{error}");
        assert!(!path.exists());
    }

    #[test]
    fn what_a_killed_run_left_behind_is_gone_in_the_next() {
        let folder = folder("temporary");
        let left = folder.temporary().join("left");
        fs::create_dir(folder.temporary()).unwrap();
        fs::write(&left, "x").unwrap();
        let temporary = folder.make_temporary().unwrap();
        assert!(folder.temporary().is_dir() && !left.exists());
        drop(temporary);
        assert!(!folder.temporary().exists());
    }
}
