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
use crate::progress::{Complaints, Progress};
use crate::{artifacts, cargo, patches, tools};

/// How the engine is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// In minutes, for the first start and for changes.
    Quick,
    /// For speed, with images from registries.
    Release,
}

impl Profile {
    /// The release profile if it is asked for.
    pub(crate) fn of(release: bool) -> Self {
        if release { Self::Release } else { Self::Quick }
    }

    /// Its name in `host/Cargo.toml`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Release => "release",
        }
    }

    /// What is built in beside the usual.
    pub(crate) fn features(self) -> &'static [&'static str] {
        match self {
            Self::Quick => &[],
            Self::Release => &["--features", "oci"],
        }
    }
}

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

/// Where the engine for the sources in `host/` is kept, built or not.
fn home(root: &Path, profile: Profile) -> anyhow::Result<PathBuf> {
    let name = format!("{}-{}", inputs(root)?, profile.name());
    Ok(tools::cache()?.join("engine").join(name))
}

/// The program for the sources in `host/`: from the cache, or built.
pub(crate) fn build(root: &Path, profile: Profile, progress: &Progress) -> anyhow::Result<Stoa> {
    let program = home(root, profile)?.join("stoa");
    if !program.exists() {
        let mut build = host(root, "build")?;
        build.args(profile.features()).args(["--package", "stoa"]);
        compile(&mut build, profile, progress)?;
        artifacts::put(&built(profile, "stoa")?, &program)?;
    }
    // Where people look for it. By the other name it is a plain wasmCloud host.
    for name in ["stoa", "wasmcloud"] {
        artifacts::link(&program, &root.join("target/stoa").join(name))?;
    }
    Ok(Stoa(program))
}

/// The program, of whichever profile there is one already: for commands that do
/// the same in both.
pub(crate) fn any(root: &Path, progress: &Progress) -> anyhow::Result<Stoa> {
    let release = home(root, Profile::Release)?.join("stoa").exists();
    let quick = home(root, Profile::Quick)?.join("stoa").exists();
    build(root, Profile::of(release && !quick), progress)
}

/// The archives of the providers, by the providers' names: from the cache, or
/// built beside the engine.
pub(crate) fn archives(
    root: &Path,
    profile: Profile,
    names: &[&str],
    progress: &Progress,
) -> anyhow::Result<PathBuf> {
    let folder = home(root, profile)?.join("archives");
    if folder.exists() {
        return Ok(folder);
    }
    let mut build = host(root, "build")?;
    // With the engine, so that what both stand on has the same features.
    build.args(profile.features());
    build.args(["--package", "stoa", "--package", "stoa-archives"]);
    compile(&mut build, profile, progress)?;
    let partial = folder.with_extension("partial");
    let _ = fs::remove_dir_all(&partial);
    fs::create_dir_all(&partial)?;
    for name in names {
        run(Command::new(built(profile, "stoa-pack")?)
            .arg(name)
            .arg(built(profile, &format!("stoa-{name}-provider"))?)
            .arg(partial.join(format!("{name}.par.gz"))))?;
    }
    fs::rename(&partial, &folder).context("cannot name the folder of archives")?;
    Ok(folder)
}

/// The program on wasmCloud as it was released, without providers of its own:
/// what the patched one is compared with.
pub(crate) fn stock(root: &Path, progress: &Progress) -> anyhow::Result<Stoa> {
    let program = tools::cache()?
        .join("engine")
        .join(inputs(root)? + "-stock");
    let program = program.join("stoa");
    if !program.exists() {
        say("building the engine as released");
        let mut build = host(root, "build")?;
        build.args(["--no-default-features", "--features", "quiet"]);
        build.args(patches::released(root)?);
        compile(&mut build, Profile::Release, progress)?;
        artifacts::put(&built(Profile::Release, "stoa")?, &program)?;
    }
    Ok(Stoa(program))
}

fn compile(build: &mut Command, profile: Profile, progress: &Progress) -> anyhow::Result<()> {
    let name = profile.name();
    build.args(["--locked", "--profile", name]);
    // What `stoa --version` says it is.
    build.env("STOA_ENGINE", name);
    progress.cargo(&format!("engine-{name}"), build, Complaints::AtFailure)
}

/// A program as it was compiled.
fn built(profile: Profile, name: &str) -> anyhow::Result<PathBuf> {
    Ok(target(&tools::cache()?).join(profile.name()).join(name))
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
    for folder in [
        "host/src",
        "host/archives",
        "host/wadm",
        patches::FOLDER,
        "wit",
    ] {
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
