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

/// Packages outside `host/` that are built into the program.
const BUILT_IN: [&str; 6] = [
    "crates/provider",
    "providers/events",
    "providers/keyvalue",
    "providers/mail",
    "providers/sql",
    "providers/ticker",
];

/// The program for the sources in `host/`: from the cache, or built.
pub(crate) fn build(root: &Path) -> anyhow::Result<Stoa> {
    let program = tools::cache()?.join("engine").join(inputs(root)?);
    let program = program.join("stoa");
    if !program.exists() {
        say("building the engine; without a cache this takes about fifteen minutes");
        compile(&mut host(root, "build")?, &program)?;
    }
    // Where people look for it. By the other name it is a plain wasmCloud host.
    for name in ["stoa", "wasmcloud"] {
        artifacts::link(&program, &root.join("target/stoa").join(name))?;
    }
    Ok(Stoa(program))
}

/// The program on wasmCloud as it was released, without providers of its own:
/// what the patched one is compared with.
pub(crate) fn stock(root: &Path) -> anyhow::Result<Stoa> {
    let program = tools::cache()?
        .join("engine")
        .join(inputs(root)? + "-stock");
    let program = program.join("stoa");
    if !program.exists() {
        say("building the engine as released");
        let mut build = host(root, "build")?;
        build.args(["--no-default-features", "--features", "quiet"]);
        compile(build.args(patches::released(root)?), &program)?;
    }
    Ok(Stoa(program))
}

fn compile(build: &mut Command, program: &Path) -> anyhow::Result<()> {
    run(build.args(["--release", "--locked"]))?;
    artifacts::put(&target(&tools::cache()?).join("release/stoa"), program)
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
    // The compiler's flags are in `patches.rs`.
    let files = [
        "Cargo.toml",
        "host/Cargo.toml",
        "host/Cargo.lock",
        "xtask/src/patches.rs",
    ];
    let mut files: Vec<_> = files.iter().map(|file| root.join(file)).collect();
    for folder in ["host/src", "host/wadm", patches::FOLDER, "wit"] {
        collect(&root.join(folder), &mut files)?;
    }
    for package in BUILT_IN {
        let package = root.join(package);
        files.push(package.join("Cargo.toml"));
        for folder in ["src", "wit"] {
            if package.join(folder).exists() {
                collect(&package.join(folder), &mut files)?;
            }
        }
    }
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

/// All files below a folder.
pub(crate) fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
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
