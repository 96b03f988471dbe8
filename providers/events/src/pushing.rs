//! The events of one handler, from the stream to its component, for as long as
//! it is linked.
//!
//! Every host that runs the provider has this for every link, and the lease
//! decides which of them is at work.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::config::Subscription;
use crate::consumer::Deliveries;
use crate::handler::{Handler, Target};
use crate::lease::Lease;
use crate::pace::Pace;
use crate::session::{Memory, Session};
use crate::streams::{Broker, Unavailable};

const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(2);
/// How often one that has no lease asks for it, per lease.
const ASKS: u32 = 10;

/// What is wrong with the deliveries to a handler, for the health.
pub type Trouble = Arc<Mutex<Option<String>>>;

/// One link's events.
pub struct Pushing<T> {
    /// Where the events are.
    pub broker: Broker,
    /// What is called.
    pub target: Arc<T>,
    /// Who that is.
    pub handler: Handler,
    /// What it is to hear.
    pub subscription: Subscription,
    /// How fast.
    pub pace: Pace,
    /// Why it hears nothing right now, where that is so.
    pub trouble: Trouble,
}

impl<T: Target> Pushing<T> {
    /// Brings events until `stop` is sent or dropped. What is under way then
    /// is waited for.
    pub async fn run(self, mut stop: oneshot::Receiver<()>) {
        let mut memory = Memory::default();
        let mut retry = FIRST_RETRY;
        loop {
            let begun = Instant::now();
            let Err(error) = Box::pin(self.session(&mut memory, &mut stop)).await else {
                return;
            };
            self.report(Some(&error));
            if begun.elapsed() > LAST_RETRY {
                retry = FIRST_RETRY;
            }
            tokio::select! {
                biased;
                _ = &mut stop => return,
                () = tokio::time::sleep(retry) => {}
            }
            retry = (retry * 2).min(LAST_RETRY);
        }
    }

    /// From the lease to its end; `Ok` if it was stopped.
    async fn session(
        &self,
        memory: &mut Memory,
        stop: &mut oneshot::Receiver<()>,
    ) -> Result<(), Unavailable> {
        let stream = self.broker.events().await?;
        self.broker.dead().await?;
        let leases = self.broker.leases(self.pace.lease).await?;
        let key = self.handler.consumer();
        let lease = loop {
            if let Some(lease) = Lease::take(&leases, &key, self.pace).await? {
                break lease;
            }
            self.report(None);
            tokio::select! {
                biased;
                _ = &mut *stop => return Ok(()),
                () = tokio::time::sleep(self.pace.lease / ASKS) => {}
            }
        };
        let opened = Deliveries::open(&stream, &self.handler, &self.subscription, &self.pace);
        let deliveries = match opened.await {
            Ok(deliveries) => deliveries,
            Err(error) => {
                lease.release().await;
                return Err(error);
            }
        };
        memory.forget_below(deliveries.floor());
        self.report(None);
        let mut session = Session::new(self, memory, stream, lease, deliveries);
        let ended = session.run(stop).await;
        Box::pin(session.close()).await;
        ended
    }

    /// When an event that failed so often is tried again. One that should be
    /// dead, but could not be buried, has the longest wait.
    pub(crate) fn again(&self, failures: u32) -> Instant {
        let wait = self.pace.backoff(failures);
        Instant::now() + wait.unwrap_or(self.pace.last_backoff)
    }

    fn report(&self, problem: Option<&Unavailable>) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let problem = problem.map(ToString::to_string);
        let handler = &self.handler;
        // Once per outage, not once per attempt.
        match (&problem, &*trouble) {
            (Some(problem), None) => warn!(?handler, problem, "events do not arrive"),
            (None, Some(_)) => info!(?handler, "events arrive"),
            _ => {}
        }
        *trouble = problem;
    }
}
