//! Components and provider archives, in `target/stoa`.
//!
//! A host never reads a path twice, so each build has a name with a content
//! hash in it (`product-3f2a….wasm`); `product.wasm` is a link to the newest,
//! which is what `wadm.yaml` names.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

use crate::cargo;
use crate::engine::{self, Profile};
use crate::progress::{Complaints, Progress};
use crate::tools::{self, WASM_TARGET};

/// The components, as their crates and folders are called.
pub(crate) fn packages(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join("components"))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").exists() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// What only tests use.
const TEST_COMPONENTS: [&str; 1] = ["probe"];

/// The capability providers; their crates are called `stoa-<name>-provider`.
pub(crate) const PROVIDERS: [&str; 5] = ["events", "keyvalue", "mail", "sql", "ticker"];

/// Precedes the place for the digest in a component; see `stoa_kit::digest`.
const DIGEST_MARKER: &[u8] = b"stoa-content-digest:";

/// Hex digits of a SHA-256.
const DIGEST_LENGTH: usize = 64;

/// How components are compiled.
#[derive(Clone, Copy)]
pub(crate) enum Optimised {
    /// For speed, each as a whole.
    ForSpeed,
    /// For changes: in seconds, where little has changed.
    ForChanges,
}

impl Optimised {
    /// The profile in `Cargo.toml`.
    fn profile(self) -> &'static str {
        match self {
            Self::ForSpeed => "component",
            Self::ForChanges => "component-dev",
        }
    }
}

/// Components by their names, and the files that they are in.
pub(crate) type Built = BTreeMap<String, PathBuf>;

/// Builds the components and writes its content digest into each that has a
/// place for it: services say it in their beats.
pub(crate) fn components(
    root: &Path,
    optimised: Optimised,
    progress: &Progress,
) -> anyhow::Result<Built> {
    build(root, &packages(root)?, optimised, progress)
}

/// Builds the components that only tests use.
pub(crate) fn test_components(root: &Path, progress: &Progress) -> anyhow::Result<Built> {
    let names = TEST_COMPONENTS.map(str::to_owned);
    build(root, &names, Optimised::ForSpeed, progress)
}

fn build(
    root: &Path,
    names: &[String],
    optimised: Optimised,
    progress: &Progress,
) -> anyhow::Result<Built> {
    tools::wasm_target(root, progress)?;
    let profile = optimised.profile();
    let mut compile = cargo(root);
    compile.args(["build", "--locked", "--profile", profile]);
    compile.args(["--target", WASM_TARGET]);
    for name in names {
        compile.args(["--package", name]);
    }
    let name = format!("{profile}s");
    progress.cargo(&name, &mut compile, Complaints::AtOnce)?;
    let compiled = target(root).join(WASM_TARGET).join(profile);
    let mut built = Built::new();
    for name in names {
        // As Cargo calls what a library becomes.
        let file = compiled.join(format!("{}.wasm", name.replace('-', "_")));
        let wasm = fs::read(&file);
        let mut wasm = wasm.with_context(|| format!("cannot read {}", file.display()))?;
        let digest = stamp(&mut wasm).with_context(|| format!("component {name}"))?;
        built.insert(name.clone(), keep(root, name, &digest, &wasm)?);
    }
    Ok(built)
}

/// Puts a component where the manifest finds it; the file.
fn keep(root: &Path, name: &str, digest: &str, wasm: &[u8]) -> anyhow::Result<PathBuf> {
    let file = folder(root).join(format!("{name}-{}.wasm", &digest[..16]));
    if !file.exists() {
        write(&file, wasm)?;
    }
    link(&file, &folder(root).join(format!("{name}.wasm")))?;
    Ok(file)
}

/// Puts the providers' archives where the manifest finds them.
pub(crate) fn providers(root: &Path, profile: Profile, progress: &Progress) -> anyhow::Result<()> {
    let archives = engine::archives(root, profile, &PROVIDERS, progress)?;
    for name in PROVIDERS {
        let archive = archives.join(format!("{name}.par.gz"));
        let content = fs::read(&archive);
        let content = content.with_context(|| format!("cannot read {}", archive.display()))?;
        let digest = hex(&Sha256::digest(&content));
        let file = folder(root).join(format!("{name}-{}.par.gz", &digest[..16]));
        if !file.exists() {
            write(&file, &content)?;
        }
        link(&file, &folder(root).join(format!("{name}.par.gz")))?;
    }
    Ok(())
}

/// Computes the content digest, which is the SHA-256 of the file with zeros in
/// the place for it, and writes it there. A file without a place stays as it is.
fn stamp(wasm: &mut [u8]) -> anyhow::Result<String> {
    let place = digest_place(wasm)?;
    if let Some(place) = place.clone() {
        wasm[place].fill(b'0');
    }
    let digest = hex(&Sha256::digest(&*wasm));
    if let Some(place) = place {
        wasm[place].copy_from_slice(digest.as_bytes());
    }
    Ok(digest)
}

/// Prints the digest a component carries, or fails when it is not its own.
#[expect(clippy::print_stdout, reason = "the digest is the command's answer")]
pub(crate) fn print_digest(file: &Path) -> anyhow::Result<()> {
    let mut wasm = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let place = digest_place(&wasm)?.context("has no place for its content digest")?;
    let carried = String::from_utf8_lossy(&wasm[place]).into_owned();
    let computed = stamp(&mut wasm)?;
    if carried != computed {
        bail!(
            "{} carries sha256:{carried}, but is sha256:{computed}",
            file.display()
        );
    }
    println!("sha256:{carried}");
    Ok(())
}

/// Where the digest is, if there is a place for it; there may be one only.
fn digest_place(wasm: &[u8]) -> anyhow::Result<Option<Range<usize>>> {
    let mut places = wasm
        .windows(DIGEST_MARKER.len())
        .enumerate()
        .filter(|(_, window)| *window == DIGEST_MARKER)
        .map(|(at, _)| at + DIGEST_MARKER.len()..at + DIGEST_MARKER.len() + DIGEST_LENGTH)
        .filter(|place| {
            let text = wasm.get(place.clone()).unwrap_or_default();
            text.len() == DIGEST_LENGTH && text.iter().all(u8::is_ascii_hexdigit)
        });
    match (places.next(), places.next()) {
        (place, None) => Ok(place),
        (_, Some(_)) => bail!("has more than one place for its content digest"),
    }
}

/// Where artifacts go.
pub(crate) fn folder(root: &Path) -> PathBuf {
    root.join("target/stoa")
}

/// Cargo's target folder of the workspace.
pub(crate) fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// Copies a file to where it is kept, whole or not at all.
pub(crate) fn put(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder_of(to)?)?;
    let partial = to.with_extension("partial");
    fs::copy(from, &partial).with_context(|| format!("cannot copy {}", from.display()))?;
    fs::rename(&partial, to).with_context(|| format!("cannot write {}", to.display()))
}

/// Makes `name` a link to `file`, also where it was one to another.
pub(crate) fn link(file: &Path, name: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder_of(name)?)?;
    let partial = name.with_extension("link");
    let _ = fs::remove_file(&partial);
    std::os::unix::fs::symlink(file, &partial)
        .and_then(|()| fs::rename(&partial, name))
        .with_context(|| format!("cannot link {}", name.display()))
}

/// Writes a file, whole or not at all.
pub(crate) fn write(file: &Path, content: &[u8]) -> anyhow::Result<()> {
    fs::create_dir_all(folder_of(file)?)?;
    let partial = file.with_extension("partial");
    fs::write(&partial, content)
        .and_then(|()| fs::rename(&partial, file))
        .with_context(|| format!("cannot write {}", file.display()))
}

fn folder_of(file: &Path) -> anyhow::Result<&Path> {
    file.parent().context("a file has a folder")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(filler: &str) -> Vec<u8> {
        format!(
            "head{filler}stoa-content-digest:{}tail",
            "0".repeat(DIGEST_LENGTH)
        )
        .into_bytes()
    }

    #[test]
    fn a_digest_is_the_hash_of_the_file_with_zeros_in_its_place() {
        let mut wasm = component("a");
        let plain = hex(&Sha256::digest(&wasm));
        assert_eq!(stamp(&mut wasm).unwrap(), plain);
        assert_eq!(
            stamp(&mut wasm).unwrap(),
            plain,
            "stamping again changes nothing"
        );
        assert_ne!(stamp(&mut component("b")).unwrap(), plain);
    }

    #[test]
    fn a_component_has_one_place_for_its_digest_or_none() {
        let mut plain = b"nothing here".to_vec();
        let hash = hex(&Sha256::digest(&plain));
        assert_eq!(stamp(&mut plain).unwrap(), hash);
        assert_eq!(plain, b"nothing here");
        assert!(stamp(&mut [component("a"), component("b")].concat()).is_err());
    }

    #[test]
    fn every_folder_of_components_is_a_component() {
        let packages = packages(&crate::root().unwrap()).unwrap();
        for name in ["gateway", "hasher", "product"] {
            assert!(packages.iter().any(|package| package == name), "{name}");
        }
    }
}
