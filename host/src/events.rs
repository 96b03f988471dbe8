//! `stoa events`: how far the handlers of events are, which events were given
//! up, and to bring those again.

use std::path::Path;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use stoa_events_provider::admin::{self, Content, Overview, Selection};
use stoa_events_provider::dead::DeadLetter;
use stoa_events_provider::handler::Handler;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::operator::Lattice;
use crate::terminal::Terminal;

/// How many dead letters are shown.
const SHOWN: usize = 50;

/// What to do, and where.
#[derive(clap::Args)]
pub struct Options {
    #[command(flatten)]
    lattice: Lattice,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Brings dead letters again, to the handlers that could not handle them.
    Retry(Which),
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// All of them.
    #[arg(long)]
    all: bool,
    /// Those of one handler, as it is listed: `email/email-events`.
    #[arg(long)]
    handler: Option<String>,
    /// Those of one event, by its id.
    #[arg(long)]
    event: Option<String>,
}

/// Shows or does it.
pub async fn run(data: &Path, options: &Options, terminal: &mut Terminal) -> anyhow::Result<()> {
    let client = options.lattice.nats(data).await?;
    match &options.command {
        None => {
            let overview = admin::overview(&client).await.context("no events")?;
            let dead = admin::dead_letters(&client, &Selection::All).await;
            show(&overview, &dead.context("no dead letters")?, terminal);
        }
        Some(Command::Retry(which)) => {
            let selection = which.selection()?;
            let brought = admin::retry(&client, &selection).await;
            let brought = brought.context("some may have been brought again")?;
            terminal.line(format_args!("{brought} brought again"));
        }
    }
    Ok(())
}

impl Which {
    fn selection(&self) -> anyhow::Result<Selection> {
        match (&self.handler, &self.event) {
            (Some(handler), _) => {
                let Some((component, link)) = handler.split_once('/') else {
                    bail!("a handler is a component and a link: `email/email-events`");
                };
                Ok(Selection::Handler(Handler {
                    component: component.to_owned(),
                    link: link.to_owned(),
                }))
            }
            (None, Some(event)) => Ok(Selection::Event(event.clone())),
            (None, None) => Ok(Selection::All),
        }
    }
}

fn show(overview: &Overview, dead: &[DeadLetter], terminal: &mut Terminal) {
    terminal.line(format_args!("events        {}", content(&overview.events)));
    terminal.line(format_args!("dead letters  {}", content(&overview.dead)));
    for lag in &overview.handlers {
        terminal.line(format_args!(
            "{}  waiting {}, under way {}, of these again {}",
            name(&lag.handler),
            lag.pending,
            lag.in_flight,
            lag.redelivered
        ));
    }
    for letter in dead.iter().take(SHOWN) {
        terminal.line(format_args!(
            "{}  {} {} for {}, given up after {} tries: {}",
            when(letter.died),
            letter.event.kind,
            letter.event.id,
            name(&letter.handler),
            letter.tries,
            letter.error
        ));
    }
    if dead.len() > SHOWN {
        terminal.line(format_args!("and {} more", dead.len() - SHOWN));
    }
}

fn name(handler: &Handler) -> String {
    format!("{}/{}", handler.component, handler.link)
}

fn content(content: &Content) -> String {
    match (content.first, content.last) {
        (Some(first), Some(last)) => format!(
            "{}, {} KiB, from {} to {}",
            content.messages,
            content.bytes.div_ceil(1024),
            when(first),
            when(last)
        ),
        _ => "none".to_owned(),
    }
}

/// A time in milliseconds since the Unix epoch, to the second.
fn when(time: i64) -> String {
    OffsetDateTime::from_unix_timestamp(time / 1_000)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_is_named_as_it_is_listed() {
        let which = |handler: &str| Which {
            all: false,
            handler: Some(handler.to_owned()),
            event: None,
        };
        let handler = Handler {
            component: "email".to_owned(),
            link: "email-events".to_owned(),
        };
        let selection = which(&name(&handler)).selection().unwrap();
        assert_eq!(selection, Selection::Handler(handler));
        assert!(which("email").selection().is_err());
    }

    #[test]
    fn an_empty_stream_has_no_times() {
        let mut events = Content {
            messages: 0,
            bytes: 0,
            first: None,
            last: None,
        };
        assert_eq!(content(&events), "none");
        (events.messages, events.bytes) = (2, 1025);
        (events.first, events.last) = (Some(0), Some(61_000));
        let expected = "2, 2 KiB, from 1970-01-01T00:00:00Z to 1970-01-01T00:01:01Z";
        assert_eq!(content(&events), expected);
    }
}
