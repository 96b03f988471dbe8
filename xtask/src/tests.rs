//! `cargo xtask test`: tests in tiers. The quick ones come first, and after a
//! tier with a failure no other runs.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::check::with_lattice;
use crate::engine::{self, Profile};
use crate::process::{run, say};
use crate::progress::{Progress, clock};
use crate::{artifacts, build, cargo, tools};

/// Which tests run.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only tests of this tier; repeat it for more.
    #[arg(long = "tier", value_enum)]
    tiers: Vec<Tier>,
    /// Installs what tests are otherwise skipped without: wash, which takes
    /// minutes.
    #[arg(long)]
    all: bool,
    /// Tests with the engine that is compiled for speed.
    #[arg(long)]
    release: bool,
    /// Lists the tests and runs none.
    #[arg(long)]
    list: bool,
    /// Only tests with this in their names. Those of the system begin with their
    /// area, such as `auth` or `payments::stripe`.
    filter: Option<String>,
    /// Options of the test programs, such as `--test-threads 1`.
    #[arg(last = true)]
    others: Vec<String>,
}

/// What tests need, and so how soon they answer.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Tier {
    /// Services, crates and this tool, by themselves.
    Units,
    /// The capability providers, against real servers.
    Providers,
    /// The engine's own parts.
    Engine,
    /// Everything together, over HTTP, on a real lattice.
    System,
}

impl Tier {
    const ALL: [Self; 4] = [Self::Units, Self::Providers, Self::Engine, Self::System];

    fn name(self) -> &'static str {
        match self {
            Self::Units => "units",
            Self::Providers => "providers",
            Self::Engine => "engine",
            Self::System => "system",
        }
    }
}

impl Options {
    /// Runs them, tier by tier.
    pub(crate) fn run(&self, root: &Path) -> anyhow::Result<()> {
        let wash = if self.all {
            Some(tools::install_wash(root)?)
        } else {
            tools::wash()?
        };
        let started = Instant::now();
        let mut took = Vec::new();
        for tier in Tier::ALL {
            if !self.tiers.is_empty() && !self.tiers.contains(&tier) {
                continue;
            }
            say(format_args!("tests: {}", tier.name()));
            let begun = Instant::now();
            let mut tests = self.tier(root, tier, wash.as_deref())?;
            run(tests.args(self.arguments()))
                .with_context(|| format!("a test of the tier `{}` failed", tier.name()))?;
            took.push(format!("{} {}", tier.name(), clock(begun.elapsed())));
        }
        self.close(&took, started.elapsed(), wash.is_none());
        Ok(())
    }

    /// The command of a tier, with all built that its tests start.
    fn tier(&self, root: &Path, tier: Tier, wash: Option<&Path>) -> anyhow::Result<Command> {
        let profile = Profile::of(self.release);
        let mut tests = cargo(root);
        tests.args(["test", "--locked"]);
        match tier {
            Tier::Units => {
                tests.args(["--workspace", "--exclude", "stoa-tests"]);
                for provider in artifacts::PROVIDERS {
                    tests.args(["--exclude", &format!("stoa-{provider}-provider")]);
                }
            }
            Tier::Providers => {
                for provider in artifacts::PROVIDERS {
                    tests.args(["--package", &format!("stoa-{provider}-provider")]);
                }
                tests.env("STOA_NATS_SERVER", tools::nats_server(root)?);
            }
            Tier::Engine => {
                tests = engine::host(root, "test")?;
                tests.args(["--locked", "--profile", profile.name()]);
                tests.args(profile.features()).args(["--package", "stoa"]);
            }
            Tier::System => {
                let stoa = build(root, profile, true)?;
                artifacts::test_components(root, &Progress::new())?;
                tests.args(["--package", "stoa-tests"]);
                with_lattice(&mut tests, root, &stoa)?;
                if let Some(wash) = wash {
                    tests.env("STOA_WASH", wash);
                }
            }
        }
        Ok(tests)
    }

    /// What the test programs are told.
    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["--".to_owned()];
        arguments.extend(self.list.then(|| "--list".to_owned()));
        arguments.extend(self.filter.clone());
        arguments.extend(self.others.iter().cloned());
        arguments
    }

    fn close(&self, took: &[String], all: Duration, no_wash: bool) {
        if self.list {
            return;
        }
        let skipped = if no_wash {
            "; skipped: the tests with wash, which is not installed (`cargo xtask test --all`)"
        } else {
            ""
        };
        let (took, all) = (took.join(", "), clock(all));
        say(format_args!("tests passed in {all}: {took}{skipped}"));
    }
}
