//! A handler's durable consumer on the broker, and the events that come from
//! it to the one process that has the lease.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::AckKind;
use async_nats::jetstream::consumer::pull::{Batch, Config};
use async_nats::jetstream::consumer::{
    AckPolicy, Consumer, DeliverPolicy, FromConsumer as _, Info,
};
use async_nats::jetstream::message::Acker;
use async_nats::jetstream::stream::Stream;
use bytes::Bytes;
use futures::StreamExt as _;
use time::OffsetDateTime;

use crate::config::Subscription;
use crate::handler::Handler;
use crate::pace::Pace;
use crate::streams::{RETRY, Unavailable, bounded};

/// How many events may be out at once. So many have to wait behind events that
/// fail before the others have to wait as well.
const MAX_OUT: i64 = 20_000;

/// What the consumer's metadata say about whom it is for.
pub(crate) const COMPONENT: &str = "component";
pub(crate) const LINK: &str = "link";

/// One event as it came.
pub(crate) struct Delivery {
    /// Its number in the stream.
    pub(crate) number: u64,
    pub(crate) payload: Bytes,
    pub(crate) acker: Acker,
}

/// The consumer, as far as this process has followed it.
pub(crate) struct Deliveries {
    stream: Stream,
    name: String,
    consumer: Consumer<Config>,
    batch: Option<Batch>,
    pull: Duration,
    /// The number of the consumer's last delivery. Each has the next one.
    last: u64,
    /// Events that are out, as the broker said at first.
    out: usize,
    /// All events up to this one are done.
    done: u64,
}

impl Deliveries {
    /// Opens the consumer of a handler. One that is there goes on where it is,
    /// with what the link says now.
    pub(crate) async fn open(
        stream: &Stream,
        handler: &Handler,
        link: &Subscription,
        pace: &Pace,
    ) -> Result<Self, Unavailable> {
        let name = handler.consumer();
        let mut filters = link.filters();
        filters.push(format!("{RETRY}.{name}.*"));
        filters.sort_unstable();
        let wanted = Config {
            durable_name: Some(name.clone()),
            description: Some("Events for a handler of Stoa".to_owned()),
            metadata: HashMap::from([
                (COMPONENT.to_owned(), handler.component.clone()),
                (LINK.to_owned(), handler.link.clone()),
            ]),
            deliver_policy: DeliverPolicy::ByStartTime {
                start_time: OffsetDateTime::now_utc() - link.history,
            },
            ack_policy: AckPolicy::Explicit,
            ack_wait: link.timeout + pace.margin,
            max_ack_pending: MAX_OUT,
            filter_subjects: filters,
            ..Config::default()
        };
        bounded(async {
            let consumer = consumer(stream, &name, wanted).await?;
            let info = info(stream, &name).await?;
            Ok(Self {
                stream: stream.clone(),
                name,
                consumer,
                batch: None,
                pull: pace.pull,
                last: info.delivered.consumer_sequence,
                out: info.num_ack_pending,
                done: info.ack_floor.stream_sequence,
            })
        })
        .await
    }

    /// How many events were out at first: with somebody else, who is gone.
    pub(crate) fn out(&self) -> usize {
        self.out
    }

    /// The first event that may not be done.
    pub(crate) fn floor(&self) -> u64 {
        self.done + 1
    }

    /// Whether the broker has as many events out as this process holds, and
    /// all that it sent have arrived: then no other can be anywhere else.
    pub(crate) async fn all_here(&self, held: usize) -> Result<bool, Unavailable> {
        let info = bounded(info(&self.stream, &self.name)).await?;
        Ok(info.num_ack_pending == held && info.delivered.consumer_sequence == self.last)
    }

    /// Whether events are being asked for.
    pub(crate) fn open_request(&self) -> bool {
        self.batch.is_some()
    }

    /// Asks for events.
    pub(crate) async fn request(&mut self, most: usize) -> Result<(), Unavailable> {
        let request = self
            .consumer
            .batch()
            .max_messages(most)
            .expires(self.pull)
            .messages();
        let batch = bounded(async { request.await.map_err(Unavailable::because) }).await?;
        self.batch = Some(batch);
        Ok(())
    }

    /// The next event that comes, or `None` at the end of the request.
    ///
    /// Error: one before it went elsewhere, or was lost on its way. Nothing
    /// may be handled before it is known where it is.
    pub(crate) async fn next(&mut self) -> Result<Option<Delivery>, Unavailable> {
        let Some(batch) = &mut self.batch else {
            return Ok(None);
        };
        let Some(message) = batch.next().await else {
            self.batch = None;
            return Ok(None);
        };
        let message = message.map_err(Unavailable::because)?;
        let info = message.info().map_err(Unavailable::because)?;
        let (number, delivery) = (info.stream_sequence, info.consumer_sequence);
        let (message, acker) = message.split();
        if delivery != self.last + 1 {
            acker.ack_with(AckKind::Nak(None)).await.ok();
            return Err(Unavailable("an event went elsewhere".to_owned()));
        }
        self.last = delivery;
        Ok(Some(Delivery {
            number,
            payload: message.payload,
            acker,
        }))
    }

    /// Waits for the end of the request, and lets others have what came.
    pub(crate) async fn close(mut self) {
        let returning = async {
            while let Some(Ok(message)) = match &mut self.batch {
                Some(batch) => batch.next().await,
                None => None,
            } {
                message.ack_with(AckKind::Nak(None)).await.ok();
            }
        };
        tokio::time::timeout(self.pull * 2, returning).await.ok();
    }
}

/// The consumer of this name. One that is there keeps what does not concern
/// the link: an operator may have changed it.
async fn consumer(
    stream: &Stream,
    name: &str,
    wanted: Config,
) -> Result<Consumer<Config>, Unavailable> {
    // Missing, or out of reach: creating it tells.
    let Ok(found) = stream.get_consumer::<Config>(name).await else {
        let created = Box::pin(stream.create_consumer(wanted)).await;
        return created.map_err(Unavailable::because);
    };
    let mut there = found.cached_info().config.clone();
    there.filter_subjects.sort_unstable();
    if there.filter_subjects == wanted.filter_subjects && there.ack_wait == wanted.ack_wait {
        return Ok(found);
    }
    let mut changed = Config::try_from_consumer_config(there).map_err(Unavailable::because)?;
    changed.filter_subjects = wanted.filter_subjects;
    changed.ack_wait = wanted.ack_wait;
    let updated = Box::pin(stream.update_consumer(changed)).await;
    updated.map_err(Unavailable::because)
}

async fn info(stream: &Stream, name: &str) -> Result<Info, Unavailable> {
    let info = stream.consumer_info(name).await;
    info.map_err(Unavailable::because)
}
