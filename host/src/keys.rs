//! `stoa keys`: the keys that sign access tokens.

use std::path::Path;

use clap::Subcommand;

use crate::operator::{Key, Lattice};
use crate::terminal::Terminal;

/// What to do, and where.
#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    lattice: Lattice,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows the keys, newest first.
    List,
    /// Makes a new key that takes over in a few seconds; tokens of the old one stay good.
    Rotate,
}

/// Does it.
pub async fn run(data: &Path, options: &Options, terminal: &mut Terminal) -> anyhow::Result<()> {
    let operator = options.lattice.operator(data).await?;
    let rotate = matches!(options.command, Command::Rotate);
    let now = now();
    for key in operator.signing_keys(rotate).await? {
        terminal.line(format_args!("{}  {}", key.id, state(&key, now)));
    }
    Ok(())
}

/// What a key does at this time, in milliseconds since the Unix epoch.
fn state(key: &Key, now: i64) -> String {
    let seconds = |time: i64| (time - now + 999) / 1_000;
    match key.signs_until {
        _ if key.signs_from > now => format!("signs in {} s", seconds(key.signs_from)),
        None => "signs".to_owned(),
        Some(until) if until > now => format!("signs for {} s more", seconds(until)),
        Some(_) => "verifies".to_owned(),
    }
}

fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_signs_and_goes() {
        let state = |signs_from, signs_until| {
            let id = String::new();
            state(
                &Key {
                    id,
                    signs_from,
                    signs_until,
                },
                5_000,
            )
        };
        assert_eq!(state(7_500, None), "signs in 3 s");
        assert_eq!(state(5_000, None), "signs");
        assert_eq!(state(0, Some(5_001)), "signs for 1 s more");
        assert_eq!(state(0, Some(5_000)), "verifies");
    }
}
