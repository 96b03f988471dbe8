//! `cargo xtask new`: parts of the repository, made from `xtask/templates`.
//!
//! The templates are real files of a service that is called `new-service`. Its
//! name stands for that of the service to make, in texts and in names of files,
//! in the three ways in which [`Name`] writes it.
//!
//! Everything is made in memory first, and what was written is taken back
//! where something fails then: there is all of it, or nothing.

mod name;
mod yaml;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Subcommand;

use crate::engine::collect;
use crate::process::{run, say};
use crate::{artifacts, cargo};
use name::Name;

/// A part that can be made.
#[derive(Subcommand)]
pub(crate) enum Part {
    /// A service of its own, at `/<name>`: with a database, tests, and its place
    /// in the manifest and in the API's description.
    Service {
        /// The service's id, such as `reviews` or `product-reviews`.
        name: String,
    },
}

impl Part {
    /// Makes it.
    pub(crate) fn make(&self, root: &Path) -> anyhow::Result<()> {
        let Self::Service { name } = self;
        let name = Name::parse(name)?;
        let mut changes = Changes::default();
        for file in plan(root, &name)? {
            changes.write(&root.join(file.path), &file.text)?;
        }
        // Long names need other line breaks than the template has.
        run(cargo(root).args(["fmt", "--package", name.kebab()]))?;
        changes.remember(&root.join("Cargo.lock"))?;
        run(cargo(root).args(["update", "--workspace", "--offline", "--quiet"]))?;
        changes.commit();
        say_what_is_next(&name);
        Ok(())
    }
}

/// A file of the repository, and what is to be in it.
struct File {
    path: PathBuf,
    text: String,
}

/// All files of a new service and all that have to know it, but `Cargo.lock`.
///
/// Errors: a name that is taken; a file without the place that is looked for.
fn plan(root: &Path, name: &Name) -> anyhow::Result<Vec<File>> {
    let read = |path: &str| {
        fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"))
    };
    let template = |path: &str| anyhow::Ok(name.fill(&read(&format!("xtask/templates/{path}"))?));
    let (mut manifest, mut description, mut capabilities) = (
        read("wadm.yaml")?,
        read("docs/openapi.yaml")?,
        read("docs/capabilities.md")?,
    );
    refuse_taken(root, name, &manifest, &description, &read("Cargo.lock")?)?;

    // Into the manifest: last among the services, and the last link of each.
    let providers = "\n    # --- capability providers";
    let place = manifest.find(providers).map(|at| at + 1);
    let place = place.context("wadm.yaml has no line `# --- capability providers`")?;
    manifest.insert_str(place, &template("manifest/component.yaml")?);
    for caller in ["gateway", "ticker"] {
        let link = template(&format!("manifest/{caller}.yaml"))?;
        yaml::append(&mut manifest, &format!("    - name: {caller}"), &link)
            .with_context(|| format!("wadm.yaml has no component {caller}"))?;
    }

    for (block, part) in [
        ("tags:", "tag"),
        ("paths:", "paths"),
        ("  schemas:", "schemas"),
    ] {
        let text = template(&format!("description/{part}.yaml"))?;
        yaml::append(&mut description, block, &text)
            .with_context(|| format!("docs/openapi.yaml has no `{}`", block.trim()))?;
    }

    let row = capabilities.rfind("\n| `").map(|at| at + 1);
    let row = row.context("docs/capabilities.md has no table of components")?;
    let end = row + capabilities[row..].find('\n').context("a row has an end")? + 1;
    capabilities.insert_str(end, &template("capabilities.md")?);

    let mut files = vec![
        File::new("wadm.yaml", manifest),
        File::new("docs/openapi.yaml", description),
        File::new("docs/capabilities.md", capabilities),
    ];
    let folder = root.join("xtask/templates/service");
    let mut templates = Vec::new();
    collect(&folder, &mut templates)?;
    for file in templates {
        let text = name.fill(&fs::read_to_string(&file)?);
        let path = name.fill(&file.strip_prefix(&folder)?.to_string_lossy());
        files.push(File::new(
            &format!("components/{}/{path}", name.kebab()),
            text,
        ));
    }
    Ok(files)
}

impl File {
    fn new(path: &str, text: String) -> Self {
        Self {
            path: path.into(),
            text,
        }
    }
}

/// Errors: a name that something of the repository has already.
fn refuse_taken(
    root: &Path,
    name: &Name,
    manifest: &str,
    description: &str,
    lock: &str,
) -> anyhow::Result<()> {
    let id = name.kebab();
    let has_line = |text: &str, line: &str| text.lines().any(|found| found.trim() == line);
    if root.join("components").join(id).exists() {
        bail!("components/{id} is there already: choose another name");
    }
    for name in [id, &name.snake()] {
        if has_line(lock, &format!("name = \"{name}\"")) {
            bail!("a crate is called `{name}` already, see Cargo.lock: choose another name");
        }
    }
    let mut paths = description
        .lines()
        .filter_map(|line| line.strip_prefix("  /"));
    if paths.any(|path| path.trim_end_matches(':').split('/').next() == Some(id)) {
        bail!("the API has `/{id}` already, see docs/openapi.yaml: choose another name");
    }
    // Components, links and configurations of the manifest have names, too.
    for suffix in ["", "-sql", "-heartbeat"] {
        let taken = format!("name: {id}{suffix}");
        if has_line(manifest, &taken) || has_line(manifest, &format!("- {taken}")) {
            bail!("wadm.yaml has `{taken}` already: choose another name");
        }
    }
    for suffix in ["Draft", "Entry", "Page"] {
        let schema = format!("{}{suffix}", name.pascal());
        if has_line(description, &format!("{schema}:")) {
            bail!("docs/openapi.yaml has a schema `{schema}` already: choose another name");
        }
    }
    Ok(())
}

/// Files as they were before they were written: put back unless all goes well.
#[derive(Default)]
struct Changes(Vec<(PathBuf, Option<Vec<u8>>)>);

impl Changes {
    /// Remembers a file that is going to be written.
    fn remember(&mut self, path: &Path) -> anyhow::Result<()> {
        let before = match fs::read(path) {
            Ok(content) => Some(content),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => bail!("cannot read {}: {error}", path.display()),
        };
        self.0.push((path.to_owned(), before));
        Ok(())
    }

    fn write(&mut self, path: &Path, text: &str) -> anyhow::Result<()> {
        self.remember(path)?;
        artifacts::write(path, text.as_bytes())
    }

    /// Keeps what was written.
    fn commit(mut self) {
        self.0.clear();
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        for (path, before) in self.0.drain(..).rev() {
            let undone = match before {
                Some(content) => fs::write(&path, content),
                None => remove(&path),
            };
            if let Err(error) = undone {
                say(format_args!("cannot undo {}: {error}", path.display()));
            }
        }
    }
}

/// Removes a file, and the folders that are empty without it.
fn remove(file: &Path) -> std::io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    for folder in file.ancestors().skip(1) {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}

fn say_what_is_next(name: &Name) {
    let id = name.kebab();
    say(format_args!(
        "made components/{id}; wadm.yaml, Cargo.lock, docs/openapi.yaml and docs/capabilities.md know it"
    ));
    say(format_args!("test it:   cargo test --package {id}"));
    say("start it:  cargo xtask up");
    say(format_args!(
        "ask it:    curl http://127.0.0.1:8080/{id} -H \"Authorization: Bearer \
         $(cargo xtask stoa admin token --email you@example.com)\""
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(name: &str) -> anyhow::Result<Vec<File>> {
        plan(&crate::root()?, &Name::parse(name)?)
    }

    #[test]
    fn every_placeholder_is_filled_in() {
        let files = planned("product-reviews").unwrap();
        let paths: Vec<_> = files
            .iter()
            .map(|file| file.path.to_str().unwrap())
            .collect();
        let migration = "components/product-reviews/migrations/0001_product_reviews.sqlite.sql";
        assert!(paths.contains(&migration), "{paths:?}");
        for File { path, text } in &files {
            let all = format!("{} {text}", path.display());
            for placeholder in ["new-service", "new_service", "NewService"] {
                assert!(!all.contains(placeholder), "{}", path.display());
            }
        }
    }

    #[test]
    fn what_was_there_stays_as_it_was() {
        let root = crate::root().unwrap();
        for File { path, text } in planned("reviews").unwrap() {
            let Ok(before) = fs::read_to_string(root.join(&path)) else {
                continue;
            };
            let mut after = text.lines();
            for line in before.lines() {
                assert!(
                    after.any(|found| found == line),
                    "{}: {line}",
                    path.display()
                );
            }
        }
    }

    #[test]
    fn a_name_that_is_taken_is_refused_with_who_has_it() {
        for (name, who) in [
            ("product", "components/product is there"),
            ("serde", "a crate is called `serde`"),
            ("serde-json", "a crate is called `serde_json`"),
            ("xtask", "a crate is called `xtask`"),
            ("health", "the API has `/health`"),
            ("accounts", "the API has `/accounts`"),
            ("sql", "wadm.yaml has `name: sql`"),
            ("messaging", "wadm.yaml has `name: messaging`"),
            ("heartbeats", "wadm.yaml has `name: heartbeats`"),
            ("ledger", "has a schema `LedgerEntry`"),
        ] {
            let error = planned(name).err().unwrap().to_string();
            assert!(error.contains(who), "{name}: {error}");
        }
    }

    #[test]
    fn what_fails_in_the_middle_leaves_nothing() {
        let folder = std::env::temp_dir().join(format!("xtask-new-{}", std::process::id()));
        let kept = folder.join("kept");
        fs::create_dir_all(&folder).unwrap();
        fs::write(&kept, "before").unwrap();
        let mut changes = Changes::default();
        changes.write(&kept, "after").unwrap();
        changes.write(&folder.join("a/b/new"), "new").unwrap();
        assert_eq!(fs::read_to_string(&kept).unwrap(), "after");
        drop(changes);
        assert_eq!(fs::read_to_string(&kept).unwrap(), "before");
        assert!(!folder.join("a").exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn wash_builds_every_component_as_the_template_says() {
        let root = crate::root().unwrap();
        let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
        let template = read("xtask/templates/service/wasmcloud.toml");
        for component in artifacts::packages(&root).unwrap() {
            let expected = Name::parse(&component).unwrap().fill(&template);
            let found = read(&format!("components/{component}/wasmcloud.toml"));
            assert_eq!(found, expected, "{component}");
        }
    }
}
