//! Dependencies of the engine with our patches applied: see `host/patches`.
//!
//! They lie in the cache folder under a hash of crate and patch, so that their
//! path, and with it what is built from them, is the same for every checkout.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

use crate::artifacts::hex;
use crate::process::{run, say};
use crate::{cargo, tools};

/// A crate that is patched.
struct Patched {
    name: &'static str,
    version: &'static str,
    /// SHA-256 of the crate's file, as registries list it.
    checksum: &'static str,
}

const PATCHED: [Patched; 2] = [
    Patched {
        name: "wasmcloud-runtime",
        version: "0.12.0",
        checksum: "f09f94956e3725b8fbf7539cec5523f694943ea4b9e88eba6945c6ce047e83b9",
    },
    Patched {
        name: "wrpc-transport-nats",
        version: "0.29.0",
        checksum: "19310c1e0d7f2b8cc25bc700d3c4ab6b58c97cfe70fa490013a6a2d18de8a0a8",
    },
];

/// Where the patches are, seen from the repository's root.
pub(crate) const FOLDER: &str = "host/patches";

/// Puts the patched crates in place of the released ones, for every cargo
/// command in `host/`: by a configuration file there, which git ignores.
pub(crate) fn configure(root: &Path) -> anyhow::Result<()> {
    let mut text = "# Written by `cargo xtask`: see host/patches.\n[patch.crates-io]\n".to_owned();
    for patched in &PATCHED {
        let folder = patched
            .prepare(root)
            .with_context(|| format!("{} {}", patched.name, patched.version))?;
        let folder = folder.to_string_lossy().into_owned();
        writeln!(text, "{} = {{ path = {folder:?} }}", patched.name)?;
    }
    let file = root.join("host/.cargo/config.toml");
    fs::create_dir_all(root.join("host/.cargo"))?;
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}

impl Patched {
    /// The folder of the patched crate, made when it is not there yet.
    fn prepare(&self, root: &Path) -> anyhow::Result<PathBuf> {
        let name = format!("{}-{}", self.name, self.version);
        let file = root.join(FOLDER).join(format!("{name}.patch"));
        let patch =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let hash = hex(&Sha256::digest(format!("{}\n{patch}", self.checksum)));
        let home = tools::cache()?.join("patched").join(&hash[..16]);
        let folder = home.join(&name);
        if folder.exists() {
            return Ok(folder);
        }
        say(format_args!("patching {name}"));
        let partial = home.join("partial");
        let _ = fs::remove_dir_all(&partial);
        fs::create_dir_all(&partial)?;
        run(Command::new("tar")
            .arg("--extract")
            .arg("--gzip")
            .arg("--file")
            .arg(self.released(root, &name)?)
            .arg("--directory")
            .arg(&partial))?;
        apply(&patch, &partial.join(&name))?;
        fs::rename(partial.join(&name), &folder)?;
        fs::remove_dir_all(&partial)?;
        Ok(folder)
    }

    /// The crate's file in cargo's cache.
    fn released(&self, root: &Path, name: &str) -> anyhow::Result<PathBuf> {
        if cached(name).is_none() {
            self.fetch(root)?;
        }
        let file = cached(name).context("is not in cargo's cache after a fetch")?;
        let checksum = hex(&Sha256::digest(fs::read(&file)?));
        if checksum != self.checksum {
            bail!("has the checksum {checksum}, not {}", self.checksum);
        }
        Ok(file)
    }

    /// Has cargo download the crate, by a package that does nothing but
    /// depend on it: the engine's own needs the patched crate to be there.
    fn fetch(&self, root: &Path) -> anyhow::Result<()> {
        let package = tools::cache()?.join("patched/fetch");
        let _ = fs::remove_dir_all(&package);
        fs::create_dir_all(package.join("src"))?;
        fs::write(package.join("src/lib.rs"), "")?;
        let manifest = format!(
            "[workspace]\n[package]\nname = \"fetch\"\nversion = \"0.0.0\"\n\
             [dependencies.{}]\nversion = \"={}\"\ndefault-features = false\n",
            self.name, self.version
        );
        fs::write(package.join("Cargo.toml"), manifest)?;
        run(cargo(root).current_dir(&package).args(["fetch", "--quiet"]))?;
        Ok(fs::remove_dir_all(&package)?)
    }
}

/// A crate's file in the cache of any registry.
fn cached(name: &str) -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))?;
    let registries = fs::read_dir(home.join("registry/cache")).ok()?;
    registries
        .flatten()
        .map(|registry| registry.path().join(format!("{name}.crate")))
        .find(|file| file.exists())
}

/// Applies a patch of one file or several to an unpacked crate.
fn apply(patch: &str, folder: &Path) -> anyhow::Result<()> {
    let mut starts: Vec<_> = patch
        .match_indices("\n--- a/")
        .map(|(at, _)| at + 1)
        .collect();
    starts.push(patch.len());
    for ends in starts.windows(2) {
        let diff = diffy::Patch::from_str(&patch[ends[0]..ends[1]])?;
        let name = diff
            .original()
            .and_then(|name| name.strip_prefix("a/"))
            .context("a patch names its files a/... and b/...")?;
        let file = folder.join(name);
        let before = fs::read_to_string(&file).with_context(|| format!("has no file {name}"))?;
        let after = diffy::apply(&before, &diff)
            .with_context(|| format!("the patch does not apply to {name}"))?;
        fs::write(&file, after)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "Why: because.\n\n--- a/src/lib.rs\n+++ b/src/lib.rs\n\
        @@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";

    fn folder(name: &str, content: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("stoa-{name}-{}", std::process::id()));
        fs::create_dir_all(folder.join("src")).unwrap();
        fs::write(folder.join("src/lib.rs"), content).unwrap();
        folder
    }

    #[test]
    fn a_patch_changes_what_it_names() {
        let folder = folder("patch", "one\ntwo\nthree\n");
        apply(PATCH, &folder).unwrap();
        let after = fs::read_to_string(folder.join("src/lib.rs")).unwrap();
        assert_eq!(after, "one\n2\nthree\n");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_patch_that_does_not_apply_says_so() {
        let folder = folder("no-patch", "one\n2\nthree\n");
        let error = apply(PATCH, &folder).unwrap_err().to_string();
        assert!(error.contains("src/lib.rs"), "{error}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn every_patch_file_belongs_to_a_patched_crate() {
        let root = crate::root().unwrap();
        let mut files: Vec<_> = fs::read_dir(root.join(FOLDER))
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "README.md")
            .collect();
        files.sort();
        let names = PATCHED
            .iter()
            .map(|p| format!("{}-{}.patch", p.name, p.version));
        assert_eq!(files, names.collect::<Vec<_>>());
    }
}
