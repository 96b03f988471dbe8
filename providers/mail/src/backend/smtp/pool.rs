//! The connections to one server: no more of them than there may be, and those
//! that are idle kept for a while.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

use super::session::Session;
use crate::config::Server;

/// Messages that may wait for a connection; one more is refused at once.
const QUEUE: usize = 256;

/// How long a connection that nobody uses is kept.
const IDLE: Duration = Duration::from_secs(30);

pub(super) struct Pool {
    server: Arc<Server>,
    patience: Duration,
    /// Messages that may be sent at the same time.
    slots: Semaphore,
    /// Messages that may be sent or wait.
    queue: Semaphore,
    idle: Arc<Mutex<Vec<(Instant, Session)>>>,
}

/// The right to have a connection.
pub(super) struct Slot<'a> {
    pool: &'a Pool,
    _turn: SemaphorePermit<'a>,
    _place: SemaphorePermit<'a>,
}

impl Pool {
    pub(super) fn new(server: Server, patience: Duration) -> Self {
        Self {
            patience,
            slots: Semaphore::new(server.connections),
            queue: Semaphore::new(server.connections + QUEUE),
            server: Arc::new(server),
            idle: Arc::default(),
        }
    }

    /// Waits for a turn, but not long: whoever waits has a caller that does.
    pub(super) async fn slot(&self) -> Result<Slot<'_>, String> {
        let place = self.queue.try_acquire();
        let place = place.map_err(|_| "too many mails are waiting".to_owned())?;
        match timeout(self.patience, self.slots.acquire()).await {
            Ok(Ok(turn)) => Ok(Slot {
                pool: self,
                _turn: turn,
                _place: place,
            }),
            _ => Err("all connections to the server are in use".to_owned()),
        }
    }

    /// Takes leave of the server on every connection that is idle.
    pub(super) async fn close(&self) {
        let idle = std::mem::take(&mut *lock(&self.idle));
        join_all(idle.into_iter().map(|(_, session)| session.quit())).await;
    }
}

impl Slot<'_> {
    /// A connection that works: one that was idle, or a new one.
    pub(super) async fn session(&self) -> Result<Session, String> {
        loop {
            let idle = lock(&self.pool.idle).pop();
            match idle {
                None => return Session::open(&self.pool.server).await,
                Some((_, mut session)) => {
                    if session.reset().await {
                        return Ok(session);
                    }
                }
            }
        }
    }

    /// Keeps a connection for the next message, if it is still good.
    pub(super) fn give_back(&self, session: Session) {
        if session.is_broken() {
            return;
        }
        let idle = Arc::clone(&self.pool.idle);
        lock(&idle).push((Instant::now(), session));
        tokio::spawn(async move {
            tokio::time::sleep(IDLE).await;
            let old: Vec<_> = lock(&idle)
                .extract_if(.., |(since, _)| since.elapsed() >= IDLE)
                .collect();
            join_all(old.into_iter().map(|(_, session)| session.quit())).await;
        });
    }
}

fn lock(
    idle: &Mutex<Vec<(Instant, Session)>>,
) -> std::sync::MutexGuard<'_, Vec<(Instant, Session)>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
