//! The task that keeps the copy of a bucket: it watches the broker, and begins
//! anew when the watch breaks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::backend::{Backend, Change, Missing, Watch};
use crate::copy::LocalCopy;

const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(2);
/// How often a bucket is looked for that somebody else has to create.
const ABSENT_RETRY: Duration = Duration::from_millis(250);
/// What is wrong with such a bucket.
const ABSENT: &str = "does not exist yet; a link that may write to it creates it";
/// How often expired records are swept.
const SWEEP: Duration = Duration::from_mins(1);

/// A bucket, as its callers and the task that follows it share it.
pub(crate) struct Shared<B> {
    pub(crate) name: String,
    pub(crate) backend: B,
    copy: Mutex<LocalCopy>,
    pub(crate) status: watch::Sender<Status>,
}

/// How the copy does.
pub(crate) struct Status {
    /// What is done where the bucket does not exist.
    pub(crate) missing: Missing,
    /// It does not exist, and nobody here may create it.
    pub(crate) absent: bool,
    /// There was a first snapshot: the copy answers.
    pub(crate) synced: bool,
    /// Why the copy is not kept up to date, where it is not.
    pub(crate) stale: Option<String>,
}

impl<B> Shared<B> {
    pub(crate) fn new(name: String, backend: B, missing: Missing) -> Self {
        let status = Status {
            missing,
            absent: false,
            synced: false,
            stale: Some("not opened yet".to_owned()),
        };
        Self {
            name,
            backend,
            copy: Mutex::default(),
            status: watch::Sender::new(status),
        }
    }

    /// Nothing panics while it holds the copy; if it did, revisions would
    /// still put things right.
    pub(crate) fn copy(&self) -> MutexGuard<'_, LocalCopy> {
        self.copy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the copy for as long as the bucket lives.
pub(crate) async fn follow<B: Backend>(bucket: Arc<Shared<B>>) {
    let mut status = bucket.status.subscribe();
    let mut retry = FIRST_RETRY;
    loop {
        bucket.copy().begin_snapshot();
        let missing = status.borrow_and_update().missing;
        let problem = match bucket.backend.watch(missing).await {
            Ok(Some(watch)) => {
                retry = FIRST_RETRY;
                keep(&bucket, missing, watch).await
            }
            Ok(None) => {
                retry = ABSENT_RETRY;
                // Unless it may be created by now.
                bucket.status.send_modify(|status| {
                    status.absent = status.missing == Missing::Await;
                    status.synced &= !status.absent;
                });
                ABSENT.to_owned()
            }
            Err(error) => error.to_string(),
        };
        bucket.status.send_modify(|status| {
            // Once per outage, not once per attempt.
            if status.stale.as_ref() != Some(&problem) {
                warn!(bucket = bucket.name, problem, "copy is not kept");
            }
            status.stale = Some(problem);
        });
        let changed = status.wait_for(|status| status.missing != missing);
        if tokio::time::timeout(retry, changed).await.is_err() {
            retry = (retry * 2).min(LAST_RETRY);
        }
    }
}

/// Feeds the copy until the watch ends, and tells why it did.
async fn keep<B: Backend>(bucket: &Shared<B>, missing: Missing, mut watch: Watch) -> String {
    bucket.copy().set_ttl(watch.ttl);
    if let Missing::Create { ttl } = missing
        && let Some(mismatch) = ttl_mismatch(ttl, watch.ttl)
    {
        error!(bucket = bucket.name, mismatch, "wrong bucket");
    }
    let mut current = watch.empty;
    if current {
        finish_snapshot(bucket);
    }
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        let change = tokio::select! {
            change = watch.changes.next() => change,
            _ = sweep.tick() => {
                bucket.copy().sweep_expired();
                continue;
            }
        };
        let Change {
            key,
            record,
            age,
            current: last,
        } = match change {
            Some(Ok(change)) => change,
            Some(Err(error)) => return error.to_string(),
            None => return "NATS is not connected".to_owned(),
        };
        // What comes after the snapshot is new, whatever the clocks say.
        let age = if current { Duration::ZERO } else { age };
        bucket.copy().watched(key, record, age);
        if last && !current {
            current = true;
            finish_snapshot(bucket);
        }
    }
}

fn finish_snapshot<B>(bucket: &Shared<B>) {
    bucket.copy().end_snapshot();
    bucket.status.send_modify(|status| {
        status.absent = false;
        status.synced = true;
        status.stale = None;
    });
    info!(bucket = bucket.name, "copy is up to date");
}

/// How the bucket is another than the one that a link states.
pub(crate) fn ttl_mismatch(wanted: Option<Duration>, found: Option<Duration>) -> Option<String> {
    let seconds = |ttl: Option<Duration>| ttl.map_or(0, |ttl| ttl.as_secs());
    (wanted != found).then(|| {
        let (found, wanted) = (seconds(found), seconds(wanted));
        format!("keeps its entries for {found} s, the link says {wanted} s (0: for ever)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ttl_has_to_be_the_one_of_the_link() {
        let minute = Some(Duration::from_mins(1));
        assert_eq!(ttl_mismatch(minute, minute), None);
        assert_eq!(ttl_mismatch(None, None), None);
        assert!(ttl_mismatch(minute, None).is_some());
        assert!(ttl_mismatch(None, minute).is_some());
    }
}
