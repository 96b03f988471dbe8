//! Outboxes that have something in them: a service that has stored an event
//! says so on `stoa.outbox.<service>`, and is told to relay at once.
//!
//! That is a link, too: from the provider to `stoa:clock/ticks` of the service,
//! named as the ticker's that relays once in a while. What gets lost here the
//! ticker's tick finds.

use std::future::Future;
use std::time::{Duration, SystemTime};

use async_nats::Subscriber;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::oneshot;
use tracing::{debug, warn};

use crate::handler::{Failure, Handler};
use crate::streams::Broker;

/// Nudges come on this subject and the service's id.
const SUBJECT: &str = "stoa.outbox";
/// One of the hosts gets each.
const GROUP: &str = "stoa-events";
/// How long a relay may take.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// For the service it is a tick of the ticker's link, which has this interval.
pub const INTERVAL: u32 = 1_000;
const RETRY: Duration = Duration::from_secs(1);

/// A service that relays its outbox when it is called.
pub trait Relay: Send + Sync + 'static {
    /// Calls it, by the name of the link; `now` in milliseconds since the Unix
    /// epoch.
    fn relay(&self, link: &str, now: u64) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The nudges of one service.
pub struct Nudges<R> {
    /// Where they come.
    pub broker: Broker,
    /// What is called.
    pub target: R,
    /// Who that is.
    pub service: Handler,
}

impl<R: Relay> Nudges<R> {
    /// Calls the service whenever it is nudged, until `stop` is sent or
    /// dropped. One call at a time: those that come meanwhile make one more.
    pub async fn run(self, mut stop: oneshot::Receiver<()>) {
        loop {
            let subject = format!("{SUBJECT}.{}", self.service.component);
            let client = &self.broker.client;
            let subscribed = client.queue_subscribe(subject, GROUP.to_owned()).await;
            if let Ok(nudges) = subscribed
                && self.listen(nudges, &mut stop).await
            {
                return;
            }
            tokio::select! {
                biased;
                _ = &mut stop => return,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }

    /// Returns whether it was stopped.
    async fn listen(&self, mut nudges: Subscriber, stop: &mut oneshot::Receiver<()>) -> bool {
        loop {
            tokio::select! {
                biased;
                _ = &mut *stop => return true,
                nudge = nudges.next() => if nudge.is_none() {
                    return false;
                },
            }
            while let Some(Some(_)) = nudges.next().now_or_never() {}
            let now = SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
            let call = tokio::time::timeout(TIMEOUT, self.target.relay(&self.service.link, now));
            let service = &self.service;
            match call.await {
                Ok(Ok(())) => {}
                // The ticker's tick tries again, and warns.
                Ok(Err(failure)) => debug!(?service, %failure, "outbox not relayed"),
                Err(_) => warn!(?service, "outbox not relayed in time"),
            }
        }
    }
}
