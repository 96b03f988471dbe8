//! What an operator asks and does, over a NATS client: how far the handlers
//! are, which events were given up, and to bring those again.

use std::fmt::Display;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::consumer::{AckPolicy, Info};
use async_nats::jetstream::stream::Stream;
use futures::TryStreamExt as _;

use crate::consumer::{COMPONENT, LINK};
use crate::dead::DeadLetter;
use crate::handler::Handler;
use crate::publishing::store;
use crate::streams::{Broker, DEAD, RETRY, Unavailable, bounded};

/// How many dead letters are read at once.
const PAGE: usize = 256;
/// The broker forgets a reader that is silent for so long.
const READER: Duration = Duration::from_secs(30);

/// How much a stream holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// How many events.
    pub messages: u64,
    /// In bytes on the broker's disk.
    pub bytes: u64,
    /// When the first of them was stored, in milliseconds since the Unix
    /// epoch; `None` where there are none.
    pub first: Option<i64>,
    /// The same of the last.
    pub last: Option<i64>,
}

/// How far a handler is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The handler.
    pub handler: Handler,
    /// Events that it has not been given yet.
    pub pending: u64,
    /// Events that it works on, or that wait for another try.
    pub in_flight: usize,
    /// Those of them that were delivered before.
    pub redelivered: usize,
}

/// All at a glance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The stream of events.
    pub events: Content,
    /// The stream of dead letters.
    pub dead: Content,
    /// The handlers, by name. One that is linked no more is there, too: its
    /// events are kept for it.
    pub handlers: Vec<Lag>,
}

/// Which dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All that there are now.
    All,
    /// Those of one handler.
    Handler(Handler),
    /// Those of one event, whichever handlers they are of.
    Event(String),
}

/// How much there is, and how far the handlers are.
pub async fn overview(client: &Client) -> Result<Overview, Unavailable> {
    let broker = Broker::new(client.clone());
    let events = broker.events().await?;
    let dead = broker.dead().await?;
    let infos = bounded(async {
        let infos: Vec<_> = events
            .consumers()
            .try_collect()
            .await
            .map_err(Unavailable::because)?;
        Ok(infos)
    });
    let mut handlers: Vec<_> = infos.await?.into_iter().filter_map(lag).collect();
    handlers.sort_by(|one, other| one.handler.cmp(&other.handler));
    Ok(Overview {
        events: content(&events).await?,
        dead: content(&dead).await?,
        handlers,
    })
}

/// The dead letters, oldest first.
pub async fn dead_letters(
    client: &Client,
    selection: &Selection,
) -> Result<Vec<DeadLetter>, Unavailable> {
    let dead = Broker::new(client.clone()).dead().await?;
    let letters = selected(&dead, selection).await?;
    Ok(letters.into_iter().map(|(_, letter)| letter).collect())
}

/// Brings dead letters again, to the handlers that could not handle them and
/// to nobody else; returns how many. Only those that are there now.
///
/// A letter is in the stream of events again before it is gone from the dead
/// ones. Whoever is interrupted between the two and begins anew does no harm:
/// the broker drops what it has had.
pub async fn retry(client: &Client, selection: &Selection) -> Result<usize, Unavailable> {
    let broker = Broker::new(client.clone());
    // A retry is of no use to anybody without the stream.
    broker.events().await?;
    let dead = broker.dead().await?;
    let letters = selected(&dead, selection).await?;
    for (number, letter) in &letters {
        let consumer = letter.handler.consumer();
        let address = format!("{RETRY}.{consumer}.{}", letter.event.subject);
        let id = format!("{consumer}.dead.{number}");
        bounded(store(&broker, address, &id, &letter.event)).await?;
        bounded(async {
            dead.delete_message(*number)
                .await
                .map_err(Unavailable::because)
        })
        .await?;
    }
    Ok(letters.len())
}

/// The letters of a selection with their numbers in the stream.
async fn selected(
    dead: &Stream,
    selection: &Selection,
) -> Result<Vec<(u64, DeadLetter)>, Unavailable> {
    let reader = Config {
        description: Some("An operator reads dead letters".to_owned()),
        filter_subject: match selection {
            Selection::All => format!("{DEAD}.>"),
            Selection::Handler(handler) => format!("{DEAD}.{}.*", handler.consumer()),
            Selection::Event(id) => format!("{DEAD}.*.{id}"),
        },
        ack_policy: AckPolicy::None,
        inactive_threshold: READER,
        ..Config::default()
    };
    let reader = bounded(async {
        let created = dead.create_consumer(reader).await;
        created.map_err(Unavailable::because)
    });
    let reader = reader.await?;
    let there = usize::try_from(reader.cached_info().num_pending).unwrap_or(usize::MAX);
    let mut letters = Vec::new();
    while letters.len() < there {
        let page = PAGE.min(there - letters.len());
        let page = bounded(async {
            let messages = reader.fetch().max_messages(page).messages();
            let messages = messages.await.map_err(Unavailable::because)?;
            let messages = messages.try_collect::<Vec<_>>().await;
            messages.map_err(Unavailable::because)
        });
        let page = page.await?;
        if page.is_empty() {
            break;
        }
        for message in page {
            let info = message.info().map_err(Unavailable::because)?;
            let letter = serde_json::from_slice(&message.payload).map_err(unreadable)?;
            letters.push((info.stream_sequence, letter));
        }
    }
    Ok(letters)
}

fn unreadable(error: impl Display) -> Unavailable {
    Unavailable(format!("a dead letter cannot be read: {error}"))
}

fn lag(info: Info) -> Option<Lag> {
    let metadata = info.config.metadata;
    Some(Lag {
        handler: Handler {
            component: metadata.get(COMPONENT)?.clone(),
            link: metadata.get(LINK)?.clone(),
        },
        pending: info.num_pending,
        in_flight: info.num_ack_pending,
        redelivered: info.num_redelivered,
    })
}

async fn content(stream: &Stream) -> Result<Content, Unavailable> {
    let info = bounded(async { stream.get_info().await.map_err(Unavailable::because) }).await?;
    let state = info.state;
    let millis = |time: time::OffsetDateTime| {
        i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
    };
    Ok(Content {
        messages: state.messages,
        bytes: state.bytes,
        first: (state.messages > 0).then(|| millis(state.first_timestamp)),
        last: (state.messages > 0).then(|| millis(state.last_timestamp)),
    })
}
