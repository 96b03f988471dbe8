//! Who brings the events to a handler: one process at a time, the one that has
//! the lease. It is a key in a bucket whose entries end after a while, so a
//! process that dies is succeeded, and clocks need not agree.

use async_nats::jetstream::kv::{CreateErrorKind, Store, UpdateErrorKind};
use tokio::time::Instant;

use crate::pace::Pace;
use crate::streams::{Unavailable, bounded};

/// The right to bring events to one handler.
pub(crate) struct Lease {
    store: Store,
    key: String,
    revision: u64,
    pace: Pace,
    /// Until when nobody else can have it, on this process's clock.
    valid: Instant,
}

impl Lease {
    /// Takes the lease, if nobody has it.
    pub(crate) async fn take(
        store: &Store,
        key: &str,
        pace: Pace,
    ) -> Result<Option<Self>, Unavailable> {
        let asked = Instant::now();
        bounded(async {
            match store.create(key, "taken".into()).await {
                Ok(revision) => Ok(Some(Self {
                    store: store.clone(),
                    key: key.to_owned(),
                    revision,
                    pace,
                    valid: asked + pace.lease,
                })),
                Err(error) if error.kind() == CreateErrorKind::AlreadyExists => Ok(None),
                Err(error) => Err(Unavailable::because(error)),
            }
        })
        .await
    }

    /// Keeps it for another while.
    pub(crate) async fn renew(&mut self) -> Result<(), Unavailable> {
        let asked = Instant::now();
        let renewed = bounded(async {
            let update = self.store.update(&self.key, "taken".into(), self.revision);
            match update.await {
                Ok(revision) => Ok(Some(revision)),
                Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => Ok(None),
                Err(error) => Err(Unavailable::because(error)),
            }
        });
        let Some(revision) = renewed.await? else {
            self.valid = asked;
            return Err(Unavailable("somebody else has the lease".to_owned()));
        };
        self.revision = revision;
        self.valid = asked + self.pace.lease;
        Ok(())
    }

    /// Whether nobody else can have it.
    pub(crate) fn holds(&self) -> bool {
        Instant::now() < self.valid
    }

    /// Gives it back, so that nobody has to wait for its end.
    pub(crate) async fn release(self) {
        let delete = self
            .store
            .delete_expect_revision(&self.key, Some(self.revision));
        // If this does not work out, it ends by itself.
        bounded(async { delete.await.map_err(Unavailable::because) })
            .await
            .ok();
    }
}
