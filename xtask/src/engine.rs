//! Building the `stoa` program.
//!
//! It takes minutes and changes rarely, so the finished program is kept
//! outside `target/` under a hash of all that goes into it: a fresh checkout
//! of known sources takes it from there. The build's own target folder is kept
//! beside it, so that a changed source rebuilds little.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use crate::process::{output, run, say};
use crate::{artifacts, cargo, patches, tools};

/// The built program.
pub(crate) struct Stoa(PathBuf);

impl Stoa {
    /// Where the program is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The program with what it needs, in the repository.
    pub(crate) fn command(&self, root: &Path) -> anyhow::Result<Command> {
        let mut command = Command::new(&self.0);
        command
            .current_dir(root)
            .env("STOA_NATS_SERVER", tools::nats_server(root)?);
        Ok(command)
    }
}

/// The program for the sources in `host/`: from the cache, or built.
pub(crate) fn build(root: &Path) -> anyhow::Result<Stoa> {
    let cache = tools::cache()?;
    let program = cache.join("engine").join(inputs(root)?).join("stoa");
    if !program.exists() {
        say("building the engine; without a cache this takes about ten minutes");
        run(host(root, "build")?.args(["--release", "--locked"]))?;
        let target = target(&cache);
        artifacts::put(&target.join("release/stoa"), &program)?;
    }
    // Where people look for it.
    let link = root.join("target/stoa/stoa");
    artifacts::link(&program, &link)?;
    Ok(Stoa(program))
}

/// A cargo command on the engine, with its patches and in its own target
/// folder.
pub(crate) fn host(root: &Path, command: &str) -> anyhow::Result<Command> {
    patches::configure(root)?;
    let mut cargo = cargo(root);
    cargo
        .current_dir(root.join("host"))
        .args([command, "--target-dir"])
        .arg(target(&tools::cache()?));
    Ok(cargo)
}

/// The target folder of everything built from `host/`.
fn target(cache: &Path) -> PathBuf {
    cache.join("engine-target")
}

/// A hash of all that decides what the program is.
fn inputs(root: &Path) -> anyhow::Result<String> {
    let mut files = vec![root.join("host/Cargo.toml"), root.join("host/Cargo.lock")];
    collect(&root.join("host/src"), &mut files)?;
    collect(&root.join(patches::FOLDER), &mut files)?;
    files.sort();
    let mut hash = Sha256::new();
    hash.update(output(Command::new("rustc").arg("-vV").current_dir(root))?);
    for file in files {
        let content = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = file.strip_prefix(root)?.to_string_lossy().into_owned();
        hash.update(format!("{name} {}\n", content.len()));
        hash.update(content);
    }
    Ok(artifacts::hex(&hash.finalize())[..16].to_owned())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
