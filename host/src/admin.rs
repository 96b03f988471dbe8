//! `stoa admin`: administrators, from the operator's side.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use clap::Subcommand;

use crate::operator::{Done, Lattice};
use crate::terminal::Terminal;

/// The longest password that is read: any that is accepted is shorter.
const MAX_PASSWORD_BYTES: u64 = 4096;
/// Letters of a made password: without those that look alike. There are 32,
/// so that each is as likely as any other.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

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
    /// Makes an administrator of a new account, or of the one with this address.
    Create {
        /// The address to sign in with.
        #[arg(long)]
        email: String,
        /// What to call the administrator.
        #[arg(long, default_value = "")]
        name: String,
        /// Takes the password from standard input, up to the end of the line;
        /// otherwise one is made and shown.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Prints an access token of an administrator, for scripts. It holds for ten minutes.
    Token {
        /// The administrator's address.
        #[arg(long)]
        email: String,
    },
}

/// Does it.
pub async fn run(data: &Path, options: &Options, terminal: &mut Terminal) -> anyhow::Result<()> {
    let operator = options.lattice.operator(data).await?;
    match &options.command {
        Command::Create {
            email,
            name,
            password_stdin,
        } => {
            let password = if *password_stdin {
                read_password()?
            } else {
                make_password()?
            };
            match operator.create_admin(email, name, &password).await? {
                Done::Created if *password_stdin => {
                    terminal.line(format_args!("{email} is an administrator"));
                }
                Done::Created => {
                    terminal.line(format_args!("{email} is an administrator"));
                    terminal.line(format_args!("password  {password}  (shown once)"));
                }
                Done::Promoted => terminal.line(format_args!(
                    "{email} is an administrator now, with the password it had"
                )),
            }
        }
        Command::Token { email } => terminal.line(operator.access_token(email).await?),
    }
    Ok(())
}

fn read_password() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin()
        .take(MAX_PASSWORD_BYTES)
        .read_to_string(&mut text)
        .context("cannot read the password from standard input")?;
    match text.lines().next() {
        Some(password) if !password.is_empty() => Ok(password.to_owned()),
        _ => bail!("there is no password on standard input"),
    }
}

/// 100 random bits, in groups of five letters.
fn make_password() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 20];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    let letters = bytes.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    let groups: Vec<String> = letters
        .chunks(5)
        .map(|group| group.iter().collect())
        .collect();
    Ok(groups.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_password_is_easy_to_copy_and_never_the_same() {
        let password = make_password().unwrap();
        assert_eq!(password.len(), 23);
        assert!(password.split('-').all(|group| group.len() == 5));
        assert_ne!(password, make_password().unwrap());
    }
}
