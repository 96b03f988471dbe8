//! `cargo xtask dev`: the short loop. What is saved in `components/` or `crates/`
//! is compiled and swapped into the lattice that runs, while it answers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use anyhow::bail;

use crate::artifacts::{self, Built, Optimised};
use crate::engine::{self, Stoa};
use crate::process::{output, say};
use crate::progress::Progress;

/// How often files are looked at.
const PAUSE: Duration = Duration::from_millis(200);

/// What components are made of.
const COMPONENTS: [&str; 3] = ["components", "crates", "wit"];

/// What only a restart takes.
const OTHERS: [&str; 3] = ["host", "providers", "wadm.yaml"];

/// Which lattice changes go to.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The data folder of the lattice, as `stoa up` has it.
    #[arg(long, env = "STOA_DATA", default_value = ".stoa")]
    data: PathBuf,
}

impl Options {
    /// Watches until Ctrl-C.
    pub(crate) fn run(&self, root: &Path) -> anyhow::Result<()> {
        let progress = Progress::new();
        let stoa = engine::any(root, &progress)?;
        if output(self.stoa(&stoa, root).arg("status")).is_err() {
            bail!(
                "no lattice runs on {}: start one by `cargo xtask up`",
                self.data.display()
            );
        }
        let mut components = Seen::of(root, &COMPONENTS);
        let mut others = Seen::of(root, &OTHERS);
        // What is there now is the measure of what changes.
        let mut builds = artifacts::components(root, Optimised::ForChanges, &progress)?;
        say("watching components/, crates/ and wit/; Ctrl-C ends it");
        loop {
            sleep(PAUSE);
            let now = Seen::of(root, &OTHERS);
            if let Some(file) = now.differs_from(&others) {
                say(format_args!(
                    "{} takes effect at the next `cargo xtask up`",
                    file.display()
                ));
            }
            others = now;
            let now = Seen::of(root, &COMPONENTS);
            let Some(file) = now.differs_from(&components) else {
                continue;
            };
            let saved = Instant::now();
            say(format_args!("{} changed", file.display()));
            components = now;
            match artifacts::components(root, Optimised::ForChanges, &progress) {
                Ok(new) => {
                    self.swap(root, &stoa, &builds, &new, saved);
                    builds = new;
                }
                // The compiler has said why.
                Err(error) => say(format_args!("{error:#}")),
            }
        }
    }

    /// Swaps the components that became others.
    fn swap(&self, root: &Path, stoa: &Stoa, before: &Built, now: &Built, saved: Instant) {
        for (name, file) in now {
            if before.get(name) == Some(file) {
                continue;
            }
            match output(self.stoa(stoa, root).arg("swap").arg(name).arg(file)) {
                Ok(_) => {
                    let took = saved.elapsed().as_secs_f64();
                    say(format_args!(
                        "{name} is swapped, {took:.1} s after it was saved"
                    ));
                }
                Err(error) => say(format_args!("{name} is not swapped: {error:#}")),
            }
        }
    }

    fn stoa(&self, stoa: &Stoa, root: &Path) -> Command {
        let mut command = Command::new(stoa.path());
        command.current_dir(root).arg("--data").arg(&self.data);
        command
    }
}

/// Files, and when they were written.
#[derive(PartialEq, Eq)]
struct Seen(BTreeMap<PathBuf, SystemTime>);

impl Seen {
    fn of(root: &Path, places: &[&str]) -> Self {
        let mut seen = Self(BTreeMap::new());
        for place in places {
            seen.look_at(&root.join(place));
        }
        seen
    }

    /// What cannot be read is not there: it may be on its way.
    fn look_at(&mut self, path: &Path) {
        let hidden = |name: &str| name.starts_with('.') || name == "target";
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        if name.is_some_and(|name| hidden(&name) || name.ends_with('~')) {
            return;
        }
        let Ok(found) = path.metadata() else {
            return;
        };
        if !found.is_dir() {
            if let Ok(time) = found.modified() {
                self.0.insert(path.to_owned(), time);
            }
            return;
        }
        for entry in path.read_dir().into_iter().flatten().flatten() {
            self.look_at(&entry.path());
        }
    }

    /// The first file that is new, changed or gone.
    fn differs_from<'a>(&'a self, before: &'a Self) -> Option<&'a Path> {
        let changed = |one: &'a Self, other: &'a Self| {
            let mut files = one.0.iter();
            files.find(|(file, time)| other.0.get(*file) != Some(time))
        };
        let found = changed(self, before).or_else(|| changed(before, self));
        found.map(|(file, _)| file.as_path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn files_that_are_new_changed_or_gone_are_seen() {
        let folder = std::env::temp_dir().join(format!("stoa-dev-{}", std::process::id()));
        fs::create_dir_all(folder.join("src/.git")).unwrap();
        let file = folder.join("src/lib.rs");
        fs::write(&file, "one").unwrap();
        let first = Seen::of(&folder, &["src"]);
        assert_eq!(Seen::of(&folder, &["src"]).differs_from(&first), None);
        fs::write(folder.join("src/.git/index"), "").unwrap();
        assert_eq!(Seen::of(&folder, &["src"]).differs_from(&first), None);

        let later = SystemTime::now() + Duration::from_secs(5);
        let open = fs::File::options().write(true).open(&file).unwrap();
        open.set_modified(later).unwrap();
        let changed = Seen::of(&folder, &["src"]);
        assert_eq!(changed.differs_from(&first), Some(file.as_path()));

        fs::remove_file(&file).unwrap();
        let gone = Seen::of(&folder, &["src"]);
        assert_eq!(gone.differs_from(&changed), Some(file.as_path()));
        fs::remove_dir_all(folder).unwrap();
    }
}
