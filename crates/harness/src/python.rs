//! Packages of Python that a test stands on: peers that nobody here wrote.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::root;

/// Packages, pinned by version and hash.
pub struct Packages {
    /// The name of their folder: what it is for, and its version.
    pub name: &'static str,
    /// The lines of a requirements file: packages without code for a machine,
    /// so that one hash is enough.
    pub wheels: &'static str,
    /// The same for packages that come as sources only. What builds them is
    /// among the wheels.
    pub sources: &'static str,
}

impl Packages {
    /// Their folder below the target folder, for `PYTHONPATH`. The first call
    /// installs them.
    pub fn folder(&self) -> PathBuf {
        let python = root().join("target/python");
        let folder = python.join(self.name);
        if !folder.exists() {
            fs::create_dir_all(&python).expect("a folder");
            self.install(&python, &folder);
        }
        folder
    }

    fn install(&self, python: &Path, folder: &Path) {
        let partial = TempDir::new_in(python).expect("a folder");
        let packages = partial.path().join("packages");
        let requirements = partial.path().join("requirements.txt");
        for (how, lines) in [
            ("--only-binary=:all:", self.wheels),
            ("--no-binary=:all:", self.sources),
        ] {
            if lines.is_empty() {
                continue;
            }
            fs::write(&requirements, lines).expect("a file");
            let installed = Command::new("python3")
                .args(["-m", "pip", "install", "--quiet", "--require-hashes"])
                .args(["--disable-pip-version-check", "--root-user-action=ignore"])
                .args(["--no-warn-script-location", "--upgrade", "--no-deps"])
                .args([how, "--no-build-isolation"])
                .arg("--target")
                .arg(&packages)
                .arg("--requirement")
                .arg(&requirements)
                .env("PYTHONPATH", &packages)
                // Pure Python is fast enough for a test.
                .env("AIOHTTP_NO_EXTENSIONS", "1")
                .status()
                .expect("tests need Python 3 with pip");
            assert!(installed.success(), "{} cannot be installed", self.name);
        }
        // Somebody else may have been faster.
        if let Err(error) = fs::rename(&packages, folder) {
            assert!(folder.exists(), "{error}");
        }
    }
}
