//! Dependencies of the engine with our patches applied: see `host/patches`.
//!
//! A crate has a folder there, with `*.patch` files, applied in the order of
//! their names, and `src/`, files of our own that are added to it. The patched
//! crates lie in the cache folder under a hash of all that, so that their path,
//! and with it what is built from them, is the same for every checkout.
//!
//! The first patch of a crate, [`CUTS`], leaves out what is never called. Crates
//! "as they were released" have it as well: one lock file then serves both.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

use crate::artifacts::hex;
use crate::engine::collect;
use crate::process::{run, say};
use crate::{cargo, tools};

/// A crate that is patched.
struct Patched {
    name: &'static str,
    version: &'static str,
    /// SHA-256 of the crate's file, as registries list it.
    checksum: &'static str,
}

const PATCHED: [Patched; 9] = [
    Patched {
        name: "wadm",
        version: "0.21.1",
        checksum: "815f6a947d5d2add77a4ea6eb8a131e5a73bfb6e4eec61b8055632ec72ed82ae",
    },
    Patched {
        name: "wadm-types",
        version: "0.8.3",
        checksum: "205203215d5af9328178e080e1deb40f54e355a2f4ab45f0b87ef0773b4eb64c",
    },
    Patched {
        name: "wasmcloud-control-interface",
        version: "3.0.0",
        checksum: "f87750b671800f066a887d10ae44959e0b46be6e29e78f5cb4496a481a127381",
    },
    Patched {
        name: "wasmcloud-host",
        version: "0.27.1",
        checksum: "6edaf1f51d0b9ec8b799a6d64fce474eb6cf299be3e1ca2e296dfc3c385b8a36",
    },
    Patched {
        name: "wasmcloud-runtime",
        version: "0.12.0",
        checksum: "f09f94956e3725b8fbf7539cec5523f694943ea4b9e88eba6945c6ce047e83b9",
    },
    Patched {
        name: "wasmcloud-tracing",
        version: "0.16.1",
        checksum: "5f7d6ef223bea7864dae98c43d917805b1581ed37d51322521ee3cac23c518e7",
    },
    Patched {
        name: "wrpc-interface-blobstore",
        version: "0.21.0",
        checksum: "0112301d171f329ca8b352ba360a0a47f89039ffc3afc1e36843b59c681fee0c",
    },
    Patched {
        name: "wrpc-runtime-wasmtime",
        version: "0.30.0",
        checksum: "4062987a7c4171a3575866314eeed579d7f9850a3f5cf3f7d1711c1c67df3318",
    },
    Patched {
        name: "wrpc-transport-nats",
        version: "0.29.0",
        checksum: "19310c1e0d7f2b8cc25bc700d3c4ab6b58c97cfe70fa490013a6a2d18de8a0a8",
    },
];

/// The patch that takes dependencies away and changes nothing else.
const CUTS: &str = "0-fewer-crates.patch";

/// Where the patches are, seen from the repository's root.
pub(crate) const FOLDER: &str = "host/patches";

/// Puts the patched crates in place of the released ones, for every cargo
/// command in `host/`: by a configuration file there, which git ignores.
pub(crate) fn configure(root: &Path) -> anyhow::Result<()> {
    // With frame pointers `perf` can tell who calls whom; they cost next to nothing.
    let mut text = "# Written by `cargo xtask`: see host/patches.\n\
        [build]\nrustflags = [\"-C\", \"force-frame-pointers=yes\"]\n\
        [patch.crates-io]\n"
        .to_owned();
    for patched in &PATCHED {
        let changes = Changes::read(&root.join(FOLDER).join(patched.folder()))?;
        let folder = patched.prepare(root, &changes)?;
        writeln!(text, "{} = {{ path = {folder:?} }}", patched.name)?;
    }
    let file = root.join("host/.cargo/config.toml");
    fs::create_dir_all(root.join("host/.cargo"))?;
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// Options of cargo that put the crates as they were released, but for their
/// [`CUTS`], in the place of the patched ones.
pub(crate) fn released(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut options = Vec::new();
    for patched in &PATCHED {
        let mut changes = Changes::read(&root.join(FOLDER).join(patched.folder()))?;
        changes.keep_cuts();
        let folder = patched.prepare(root, &changes)?;
        let option = format!("patch.crates-io.{}.path={folder:?}", patched.name);
        options.extend(["--config".to_owned(), option]);
    }
    Ok(options)
}

impl Patched {
    fn folder(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }

    /// The folder of the changed crate, made when it is not there yet.
    fn prepare(&self, root: &Path, changes: &Changes) -> anyhow::Result<String> {
        let name = self.folder();
        let folder = self.unpack(root, &name, changes).context(name)?;
        Ok(folder.to_string_lossy().into_owned())
    }

    fn unpack(&self, root: &Path, name: &str, changes: &Changes) -> anyhow::Result<PathBuf> {
        let hash = changes.hash(self.checksum);
        let home = tools::cache()?.join("patched").join(&hash[..16]);
        let folder = home.join(name);
        if folder.exists() {
            return Ok(folder);
        }
        say(format_args!("unpacking {name}"));
        let partial = home.join("partial");
        let _ = fs::remove_dir_all(&partial);
        fs::create_dir_all(&partial)?;
        run(Command::new("tar")
            .arg("--extract")
            .arg("--gzip")
            .arg("--file")
            .arg(self.released(root, name)?)
            .arg("--directory")
            .arg(&partial))?;
        changes.apply(&partial.join(name))?;
        fs::rename(partial.join(name), &folder)?;
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

/// What is changed in a crate: files by their path in its folder.
#[derive(Default)]
struct Changes {
    patches: BTreeMap<PathBuf, String>,
    added: BTreeMap<PathBuf, String>,
}

impl Changes {
    fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        collect(folder, &mut files)?;
        let mut changes = Self::default();
        for file in files {
            let content = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            let name = file.strip_prefix(folder)?.to_owned();
            if name.starts_with("src") {
                changes.added.insert(name, content);
            } else if name.extension().is_some_and(|kind| kind == "patch") {
                changes.patches.insert(name, content);
            } else {
                bail!("{} is neither a patch nor below src/", file.display());
            }
        }
        Ok(changes)
    }

    /// Forgets all changes but the [`CUTS`].
    fn keep_cuts(&mut self) {
        self.patches.retain(|name, _| name == Path::new(CUTS));
        self.added.clear();
    }

    fn hash(&self, checksum: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(checksum);
        for (name, content) in self.patches.iter().chain(&self.added) {
            hash.update(format!("\n{} {}\n", name.display(), content.len()));
            hash.update(content);
        }
        hex(&hash.finalize())
    }

    /// Changes an unpacked crate.
    fn apply(&self, folder: &Path) -> anyhow::Result<()> {
        for (name, patch) in &self.patches {
            apply(patch, folder).with_context(|| name.display().to_string())?;
        }
        for (name, content) in &self.added {
            let file = folder.join(name);
            if file.exists() {
                bail!("the crate has a file {} of its own", name.display());
            }
            fs::create_dir_all(file.parent().context("a file has a folder")?)?;
            fs::write(&file, content)?;
        }
        Ok(())
    }
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
    fn added_files_join_the_crate_and_replace_none() {
        let folder = folder("added", "one\n");
        let added = |name: &str| Changes {
            patches: BTreeMap::new(),
            added: BTreeMap::from([(PathBuf::from(name), "new\n".to_owned())]),
        };
        added("src/deep/new.rs").apply(&folder).unwrap();
        let new = fs::read_to_string(folder.join("src/deep/new.rs")).unwrap();
        assert_eq!(new, "new\n");
        assert!(added("src/lib.rs").apply(&folder).is_err());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn every_folder_of_patches_belongs_to_a_patched_crate() {
        let folder = crate::root().unwrap().join(FOLDER);
        let mut names: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "README.md")
            .collect();
        names.sort();
        let crates = PATCHED.iter().map(|p| format!("{}-{}", p.name, p.version));
        assert_eq!(names, crates.collect::<Vec<_>>());
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        for name in names {
            let changes = Changes::read(&folder.join(&name)).unwrap();
            for patch in changes.patches.keys() {
                let file = format!("{name}/{}", patch.display());
                assert!(readme.contains(&file), "the README does not list {file}");
            }
        }
    }
}
