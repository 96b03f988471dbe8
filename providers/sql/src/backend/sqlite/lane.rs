//! A lane: some connections of one kind and the calls that queue up for them.
//!
//! A call waits on an async worker and runs on a blocking thread. The queue is
//! bounded, so that overload is an answer (`busy`) and not a growing delay.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::session::Session;
use crate::types::Error;

type Open = dyn Fn() -> Result<Session, Error> + Send + Sync;

pub(super) struct Lane {
    /// Calls that may run or wait.
    queue: Semaphore,
    /// Calls that may run: as many as there are connections.
    slots: Arc<Semaphore>,
    size: usize,
    idle: Arc<Idle>,
}

/// Connections nobody uses, and how to open one more.
struct Idle {
    sessions: Mutex<Vec<Session>>,
    open: Box<Open>,
}

/// A connection while a call has it; it goes back even when the call panics.
struct Lease {
    session: Option<Session>,
    idle: Arc<Idle>,
    _slot: OwnedSemaphorePermit,
}

impl Lane {
    /// A lane of up to `size` connections, each opened when it is first needed.
    pub(super) fn new(
        size: usize,
        queue: usize,
        open: impl Fn() -> Result<Session, Error> + Send + Sync + 'static,
    ) -> Self {
        Self {
            queue: Semaphore::new(queue),
            slots: Arc::new(Semaphore::new(size)),
            size,
            idle: Arc::new(Idle {
                sessions: Mutex::default(),
                open: Box::new(open),
            }),
        }
    }

    /// Runs `work` on a connection when one is free. At the deadline it is
    /// stopped, wherever it is, and answers `busy`.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl FnOnce(&Session) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let _place = self
            .queue
            .try_acquire()
            .map_err(|_| Error::Busy("too many calls are waiting".to_owned()))?;
        let slot = timeout_at(deadline, Arc::clone(&self.slots).acquire_owned())
            .await
            .map_err(|_| Error::Busy("waited too long for a connection".to_owned()))?
            .map_err(|_| Error::Unavailable("the database is closed".to_owned()))?;
        let idle = Arc::clone(&self.idle);
        let call = move || {
            let lease = Lease::take(idle, slot)?;
            let session = lease.session()?;
            session.set_deadline(deadline.into_std());
            work(session)
        };
        spawn_blocking(call).await.unwrap_or_else(|failure| {
            tracing::error!(%failure, "a call did not come to its end");
            Err(Error::Unavailable(
                "the call did not come to its end".to_owned(),
            ))
        })
    }

    /// Lets the calls that run or wait finish, refuses later ones and closes
    /// the connections.
    pub(super) async fn close(&self) {
        let all = u32::try_from(self.size).unwrap_or(u32::MAX);
        let Ok(_drained) = self.slots.acquire_many(all).await else {
            return;
        };
        self.slots.close();
        let sessions = std::mem::take(&mut *self.idle.lock());
        let close = move || sessions.into_iter().for_each(Session::close);
        if let Err(failure) = spawn_blocking(close).await {
            tracing::warn!(%failure, "closing a database failed");
        }
    }
}

impl Idle {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    fn take(idle: Arc<Idle>, slot: OwnedSemaphorePermit) -> Result<Self, Error> {
        let waiting = idle.lock().pop();
        let session = match waiting {
            Some(session) => session,
            None => (idle.open)()?,
        };
        Ok(Self {
            session: Some(session),
            idle,
            _slot: slot,
        })
    }

    fn session(&self) -> Result<&Session, Error> {
        self.session
            .as_ref()
            .ok_or_else(|| Error::Unavailable("no connection".to_owned()))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.idle.lock().push(session);
        }
    }
}
