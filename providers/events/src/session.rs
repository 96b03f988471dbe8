//! What the process that has the lease of a handler does: it takes events from
//! the consumer, works on them lane by lane, and acknowledges them.
//!
//! A session begins with a question: events may be out with whoever had the
//! lease before, and one of them may be older than those that come now. So
//! nothing is handled before all that is out is here. It ends when that may no
//! longer be so: without the lease, without the connection, or when a delivery
//! is missing. Then the next one begins in the same way.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_nats::jetstream::AckKind;
use async_nats::jetstream::message::Acker;
use async_nats::jetstream::stream::Stream;
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, interval, sleep_until};
use tracing::{error, warn};

use crate::consumer::{Deliveries, Delivery};
use crate::event::Event;
use crate::handler::Target;
use crate::lanes::Lanes;
use crate::lease::Lease;
use crate::pushing::Pushing;
use crate::streams::Unavailable;
use crate::work::{Outcome, Work};

/// How many events are fetched ahead of those that are worked on. The others
/// stay on the broker.
const AHEAD: usize = 256;

/// How many events a process remembers to have handled.
const REMEMBERED: usize = 10_000;

/// What a process knows of events, from one session to the next, by their
/// numbers in the stream.
#[derive(Default)]
pub(crate) struct Memory {
    failures: HashMap<u64, (u32, Instant)>,
    /// The ids of those that were handled last. The broker may not have heard
    /// of it; and one that crashes forgets what it heard in its last second.
    handled: BTreeMap<u64, String>,
}

/// One event that is out with this process.
struct Held {
    acker: Arc<Acker>,
    id: String,
    /// Left out where its turn is not soon: there may be many.
    event: Option<Event>,
    running: bool,
}

pub(crate) struct Session<'a, T> {
    pub(crate) pushing: &'a Pushing<T>,
    pub(crate) memory: &'a mut Memory,
    stream: Stream,
    lease: Lease,
    deliveries: Deliveries,
    lanes: Lanes,
    held: HashMap<u64, Held>,
    running: JoinSet<(Arc<str>, u64, Outcome)>,
    /// All that is out is here.
    settled: bool,
}

impl<'a, T: Target> Session<'a, T> {
    pub(crate) fn new(
        pushing: &'a Pushing<T>,
        memory: &'a mut Memory,
        stream: Stream,
        lease: Lease,
        deliveries: Deliveries,
    ) -> Self {
        Self {
            pushing,
            memory,
            stream,
            lease,
            settled: deliveries.out() == 0,
            deliveries,
            lanes: Lanes::default(),
            held: HashMap::new(),
            running: JoinSet::new(),
        }
    }

    /// Goes on until `stop` is sent or dropped, or until it must not.
    pub(crate) async fn run(
        &mut self,
        stop: &mut oneshot::Receiver<()>,
    ) -> Result<(), Unavailable> {
        let broker = self.pushing.broker.clone();
        let disconnected = broker.disconnected();
        tokio::pin!(disconnected);
        let mut beat = interval(self.pushing.pace.beat());
        let patience = (self.pushing.subscription.timeout + self.pushing.pace.margin) * 2;
        let given_up = Instant::now() + patience;
        beat.tick().await;
        loop {
            if self.settled {
                self.start()?;
            }
            if !self.deliveries.open_request() && (!self.settled || self.lanes.ready() < AHEAD) {
                self.deliveries.request(AHEAD).await?;
            }
            let may_start = self.settled && self.running.len() < self.pushing.subscription.parallel;
            let due = self.lanes.due().unwrap_or(given_up);
            tokio::select! {
                biased;
                _ = &mut *stop => return Ok(()),
                () = &mut disconnected => {
                    return Err(Unavailable("NATS is not connected".to_owned()));
                }
                _ = beat.tick() => self.beat().await?,
                Some(ended) = self.running.join_next() => self.ended(ended)?,
                delivery = self.deliveries.next(), if self.deliveries.open_request() => {
                    match delivery? {
                        Some(delivery) => self.take(delivery).await,
                        None if !self.settled => {
                            self.settled = self.deliveries.all_here(self.held.len()).await?;
                            if !self.settled && Instant::now() > given_up {
                                let problem = "events are out that do not come back";
                                return Err(Unavailable(problem.to_owned()));
                            }
                        }
                        None => {}
                    }
                }
                () = sleep_until(due), if may_start && self.lanes.due().is_some() => {}
            }
        }
    }

    /// Ends in order: nothing new is begun, what runs ends, and the rest is
    /// for whoever comes next.
    pub(crate) async fn close(mut self) {
        let Self {
            deliveries, lease, ..
        } = self;
        deliveries.close().await;
        for held in self.held.values().filter(|held| !held.running) {
            held.acker.ack_with(AckKind::Nak(None)).await.ok();
        }
        while let Some(ended) = self.running.join_next().await {
            let Ok((_, number, outcome)) = ended else {
                continue;
            };
            match outcome {
                Outcome::Done | Outcome::Handled(_) => {
                    if let Some(held) = self.held.remove(&number) {
                        self.memory.handled(number, held.id);
                    }
                }
                Outcome::Failed(_) => {
                    let failures = self.memory.failures(number) + 1;
                    let until = self.pushing.again(failures);
                    self.memory.failures.insert(number, (failures, until));
                    if let Some(held) = self.held.get(&number) {
                        held.acker.ack_with(AckKind::Nak(None)).await.ok();
                    }
                }
            }
        }
        lease.release().await;
    }

    /// Says that this process is there and has not forgotten its events.
    async fn beat(&mut self) -> Result<(), Unavailable> {
        if let Err(error) = self.lease.renew().await
            && !self.lease.holds()
        {
            return Err(error);
        }
        for held in self.held.values() {
            let progress = held.acker.ack_with(AckKind::Progress).await;
            progress.map_err(Unavailable::because)?;
        }
        Ok(())
    }

    /// Puts an event into its lane.
    async fn take(&mut self, delivery: Delivery) {
        let Delivery {
            number,
            payload,
            acker,
        } = delivery;
        let acker = Arc::new(acker);
        if let Some(held) = self.held.get_mut(&number) {
            held.acker = acker;
            return;
        }
        let event: Event = match serde_json::from_slice(&payload) {
            Ok(event) => event,
            Err(error) => {
                error!(number, %error, "not an event: it is left out");
                acker.ack_with(AckKind::Term).await.ok();
                return;
            }
        };
        let not_before = self.memory.failures.get(&number).map(|(_, until)| *until);
        let soon = self.lanes.add(&event.subject, number, not_before);
        let keep = soon && not_before.is_none() && self.lanes.ready() <= 2 * AHEAD;
        let held = Held {
            acker,
            id: event.id.clone(),
            event: keep.then_some(event),
            running: false,
        };
        self.held.insert(number, held);
    }

    /// Begins whatever may be begun.
    fn start(&mut self) -> Result<(), Unavailable> {
        while self.running.len() < self.pushing.subscription.parallel {
            if !self.lease.holds() {
                return Err(Unavailable("the lease ran out".to_owned()));
            }
            let Some((subject, number)) = self.lanes.start(Instant::now()) else {
                return Ok(());
            };
            let Some(held) = self.held.get_mut(&number) else {
                continue;
            };
            held.running = true;
            let work = Work {
                broker: self.pushing.broker.clone(),
                stream: self.stream.clone(),
                target: Arc::clone(&self.pushing.target),
                handler: self.pushing.handler.clone(),
                timeout: self.pushing.subscription.timeout,
                tries: self.pushing.pace.tries,
                acker: Arc::clone(&held.acker),
                event: held.event.take(),
                number,
                failures: self.memory.failures(number),
                handled: self.memory.handled.get(&number) == Some(&held.id),
            };
            self.running
                .spawn(async move { (subject, number, work.run().await) });
        }
        Ok(())
    }

    /// Deals with the end of some work.
    fn ended(
        &mut self,
        ended: Result<(Arc<str>, u64, Outcome), JoinError>,
    ) -> Result<(), Unavailable> {
        let (subject, number, outcome) = ended.map_err(Unavailable::because)?;
        match outcome {
            Outcome::Done => {
                if let Some(held) = self.held.remove(&number) {
                    self.memory.handled(number, held.id);
                }
                self.lanes.done(&subject, number);
            }
            Outcome::Handled(error) => {
                if let Some(held) = self.held.remove(&number) {
                    self.memory.handled(number, held.id);
                }
                return Err(error);
            }
            Outcome::Failed(error) => {
                let failures = self.memory.failures(number) + 1;
                if failures.is_power_of_two() {
                    let (handler, subject) = (&self.pushing.handler, &subject);
                    warn!(?handler, %subject, number, failures, error, "event not handled");
                }
                let until = self.pushing.again(failures);
                self.memory.failures.insert(number, (failures, until));
                if let Some(held) = self.held.get_mut(&number) {
                    held.running = false;
                }
                self.lanes.again(&subject, number, until);
            }
        }
        Ok(())
    }
}

impl Memory {
    fn failures(&self, number: u64) -> u32 {
        self.failures
            .get(&number)
            .map_or(0, |(failures, _)| *failures)
    }

    fn handled(&mut self, number: u64, id: String) {
        self.failures.remove(&number);
        self.handled.insert(number, id);
        while self.handled.len() > REMEMBERED {
            self.handled.pop_first();
        }
    }

    /// Forgets the failures that others have seen to: those below what is out.
    pub(crate) fn forget_below(&mut self, number: u64) {
        self.failures.retain(|known, _| *known >= number);
    }
}
