//! The ticking of one link: when to call, and what to do about failures. It
//! knows of no wire: [`Target`] is whatever can be called.

use std::future::Future;
use std::time::{Duration, SystemTime};

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, info, warn};

use crate::config::Schedule;

/// The first tick comes within this time, so that links which are put at
/// once do not tick at once.
const FIRST_DELAY: Duration = Duration::from_millis(10);
/// Where intervals are long, a component that was reached has these ticks too,
/// so long after the first: what it says to others at the first they may miss,
/// as they may be starting as well.
const EARLY: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];
const LONG: Duration = Duration::from_secs(4);
const FIRST_RETRY: Duration = Duration::from_millis(50);
/// A component that is unreachable, or complains, is nothing to warn of while
/// it may be starting.
const STARTING: Duration = Duration::from_secs(3);

/// What a call of the component carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The link's name.
    pub name: String,
    /// Milliseconds since the Unix epoch, made strictly increasing.
    pub sequence: u64,
    /// The interval in milliseconds.
    pub interval: u32,
}

/// Why a tick was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The component was not reached, or did not return.
    #[error("the call failed: {0}")]
    Call(String),
    /// The component says so.
    #[error("the component answers: {0}")]
    Component(String),
}

/// A component that can be told that time has passed.
pub trait Target: Send + Sync + 'static {
    /// Calls it.
    fn tick(&self, timing: Timing) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// One link's ticks, one after the other.
pub struct Ticking<T> {
    /// What is called.
    pub target: T,
    /// The component's id, for the log.
    pub component: String,
    /// The link's name.
    pub name: String,
    /// When.
    pub schedule: Schedule,
}

/// How the calls of a link have gone so far.
struct Record {
    started: Instant,
    /// The component has answered, be it with an error that stays.
    reached: bool,
    /// Failures in a row.
    failures: u32,
}

impl<T: Target> Ticking<T> {
    /// Ticks until `stop` is sent or dropped. A call that is under way then
    /// is waited for.
    pub async fn run(self, mut stop: oneshot::Receiver<()>) {
        let interval = self.schedule.interval();
        let mut record = Record {
            started: Instant::now(),
            reached: false,
            failures: 0,
        };
        let mut sequence = 0;
        let mut retry = FIRST_RETRY;
        // The ticks keep to a grid that begins with the first one to arrive:
        // neither jitter nor slow calls add up.
        let mut first = record.started;
        let mut due = first + FIRST_DELAY.mul_f64(fastrand::f64());
        loop {
            tokio::select! {
                biased;
                _ = &mut stop => return,
                () = sleep_until(due) => {}
            }
            if !record.reached {
                first = Instant::now();
            }
            sequence = next_sequence(sequence);
            let outcome = self.call(sequence).await;
            record.reached |= match outcome {
                Ok(()) => true,
                // What it needs may be starting as well.
                Err(Failure::Component(_)) => record.started.elapsed() > STARTING,
                Err(Failure::Call(_)) => false,
            };
            self.log(&mut record, outcome);
            if record.reached {
                let now = Instant::now();
                due = next_slot(first, interval, now) + self.schedule.delay();
                let early = EARLY
                    .iter()
                    .map(|after| first + *after)
                    .find(|at| *at > now);
                if let Some(early) = early.filter(|_| interval > LONG) {
                    due = due.min(early);
                }
            } else {
                // It may be starting, and others wait for its first tick.
                due = Instant::now() + retry;
                retry = (retry * 2).min(interval);
            }
        }
    }

    async fn call(&self, sequence: u64) -> Result<(), Failure> {
        let timing = Timing {
            name: self.name.clone(),
            sequence,
            interval: self.schedule.interval_ms(),
        };
        timeout(self.schedule.timeout(), self.target.tick(timing))
            .await
            .unwrap_or_else(|_| Err(Failure::Call("no answer in time".to_owned())))
    }

    /// Warns of the first failure in a row and then of the 2nd, 4th, 8th...:
    /// a component that is down for a day does not fill the log.
    fn log(&self, record: &mut Record, outcome: Result<(), Failure>) {
        let (component, link) = (&self.component, &self.name);
        let Err(failure) = outcome else {
            if record.failures > 0 {
                info!(component, link, failures = record.failures, "ticks arrive");
            }
            record.failures = 0;
            return;
        };
        record.failures = record.failures.saturating_add(1);
        let failures = record.failures;
        if !record.reached && record.started.elapsed() < STARTING {
            debug!(component, link, failures, %failure, "not reached yet");
        } else if failures.is_power_of_two() {
            warn!(component, link, failures, %failure, "tick failed");
        }
    }
}

/// The wall clock, or one more than the last where that has not moved on.
fn next_sequence(last: u64) -> u64 {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let millis = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    millis.max(last.saturating_add(1))
}

/// The first slot of the grid after `now`. Those that a slow call has missed
/// are skipped.
fn next_slot(slot: Instant, interval: Duration, now: Instant) -> Instant {
    let into_slot = (now - slot).as_nanos() % interval.as_nanos();
    let into_slot = Duration::from_nanos(u64::try_from(into_slot).unwrap_or(0));
    now + interval - into_slot
}
