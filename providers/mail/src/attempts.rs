//! The mails under way, each in a task of its own: a caller that gives up, or
//! whose answer gets lost, does not cut one off in the middle. Whoever sends
//! the same message again meets the attempt that runs, or for some minutes the
//! receipt of the one that succeeded.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _, Shared, join_all};
use tokio::time::Instant;

use crate::Caller;
use crate::mail::MessageId;
use crate::types::{Error, Receipt};

/// What became of a message.
pub(crate) type Outcome = Result<Receipt, Error>;

/// A message: ids of different callers have nothing to do with each other.
pub(crate) type Key = (Caller, MessageId);

type Attempt = Shared<BoxFuture<'static, Outcome>>;

/// How long, and how many, receipts are remembered.
const REMEMBERED: Duration = Duration::from_mins(10);
const MOST_REMEMBERED: usize = 10_000;

#[derive(Default)]
pub(crate) struct Attempts(Mutex<State>);

#[derive(Default)]
struct State {
    closed: bool,
    running: HashMap<Key, Attempt>,
    accepted: HashMap<Key, Receipt>,
    /// The keys of `accepted`, the oldest first.
    order: VecDeque<(Instant, Key)>,
}

impl Attempts {
    /// Begins to deliver a message, unless that is under way or done.
    pub(crate) async fn attempt(
        self: &Arc<Self>,
        key: Key,
        deliver: impl Future<Output = Outcome> + Send + 'static,
    ) -> Outcome {
        self.begin(key, deliver)?.await
    }

    fn begin(
        self: &Arc<Self>,
        key: Key,
        deliver: impl Future<Output = Outcome> + Send + 'static,
    ) -> Result<Attempt, Error> {
        let mut state = self.lock();
        state.forget();
        if let Some(receipt) = state.accepted.get(&key).cloned() {
            return Ok(async { Ok(receipt) }.boxed().shared());
        }
        if let Some(attempt) = state.running.get(&key) {
            return Ok(attempt.clone());
        }
        if state.closed {
            return Err(Error::Temporary("the provider is shutting down".to_owned()));
        }
        let (attempts, of) = (Arc::clone(self), key.clone());
        let task = tokio::spawn(async move {
            let outcome = AssertUnwindSafe(deliver).catch_unwind().await;
            let outcome = outcome.unwrap_or_else(|_| Err(cut_off()));
            attempts.end(of, &outcome);
            outcome
        });
        let attempt = async { task.await.unwrap_or_else(|_| Err(cut_off())) };
        let attempt = attempt.boxed().shared();
        state.running.insert(key, attempt.clone());
        Ok(attempt)
    }

    fn end(&self, key: Key, outcome: &Outcome) {
        let mut state = self.lock();
        state.running.remove(&key);
        if let Ok(receipt) = outcome {
            state.accepted.insert(key.clone(), receipt.clone());
            state.order.push_back((Instant::now(), key));
        }
    }

    /// Refuses new messages and waits for those under way, but not longer than
    /// this. Says how many are left.
    pub(crate) async fn close(&self, patience: Duration) -> usize {
        let running: Vec<_> = {
            let mut state = self.lock();
            state.closed = true;
            state.running.values().cloned().collect()
        };
        // What is left is counted, so there is no need to look at this.
        tokio::time::timeout(patience, join_all(running)).await.ok();
        self.lock().running.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Forgets receipts that are too old or too many.
    fn forget(&mut self) {
        while let Some((when, _)) = self.order.front() {
            if when.elapsed() < REMEMBERED && self.order.len() <= MOST_REMEMBERED {
                return;
            }
            if let Some((_, key)) = self.order.pop_front() {
                self.accepted.remove(&key);
            }
        }
    }
}

/// Of an attempt that did not come to its end.
fn cut_off() -> Error {
    Error::Uncertain("the attempt did not come to its end".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    fn id(text: &str) -> Key {
        let caller = Caller::new("email", "default");
        (caller, MessageId::parse(text).unwrap())
    }

    fn receipt() -> Receipt {
        Receipt {
            accepted_at: 1,
            answer: "250 ok".to_owned(),
        }
    }

    /// Counts how often it is delivered.
    #[derive(Clone, Default)]
    struct Delivery(Arc<AtomicUsize>);

    impl Delivery {
        fn count(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }

        fn run(self, outcome: Outcome) -> impl Future<Output = Outcome> {
            futures::future::lazy(move |_| {
                self.0.fetch_add(1, Ordering::Relaxed);
                outcome
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_accepted_message_is_not_sent_again_for_some_minutes() {
        let (attempts, delivery) = (Arc::new(Attempts::default()), Delivery::default());
        let send = async || {
            let deliver = delivery.clone().run(Ok(receipt()));
            attempts.attempt(id("a"), deliver).await.unwrap();
            delivery.count()
        };
        assert_eq!(send().await, 1);
        assert_eq!(send().await, 1);
        tokio::time::advance(REMEMBERED).await;
        assert_eq!(send().await, 2);
    }

    #[tokio::test]
    async fn what_failed_is_tried_anew() {
        let (attempts, delivery) = (Arc::new(Attempts::default()), Delivery::default());
        for error in [
            Error::Temporary("450".to_owned()),
            Error::Uncertain("lost".to_owned()),
        ] {
            let deliver = delivery.clone().run(Err(error));
            attempts.attempt(id("a"), deliver).await.unwrap_err();
        }
        attempts
            .attempt(id("a"), delivery.clone().run(Ok(receipt())))
            .await
            .unwrap();
        assert_eq!(delivery.count(), 3);
    }

    #[tokio::test]
    async fn a_caller_that_left_is_joined_by_its_next_call() {
        let (attempts, go) = (Arc::new(Attempts::default()), Arc::new(Notify::new()));
        let waiting = Arc::clone(&go);
        let slow = async move {
            waiting.notified().await;
            Ok(receipt())
        };
        let first = attempts.attempt(id("a"), slow);
        assert!(first.now_or_never().is_none());
        let delivery = Delivery::default();
        let second = attempts.attempt(id("a"), delivery.clone().run(Ok(receipt())));
        go.notify_one();
        assert_eq!(second.await.unwrap().answer, "250 ok");
        assert_eq!(delivery.count(), 0);
    }

    #[tokio::test]
    async fn a_panic_is_an_outcome() {
        let attempts = Arc::new(Attempts::default());
        let outcome = attempts
            .attempt(id("a"), async { panic!("on purpose") })
            .await;
        assert!(matches!(outcome, Err(Error::Uncertain(_))));
        assert_eq!(attempts.close(Duration::ZERO).await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_waits_for_mails_under_way_but_not_for_ever() {
        let attempts = Arc::new(Attempts::default());
        let soon = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(receipt())
        };
        assert!(attempts.attempt(id("a"), soon).now_or_never().is_none());
        assert!(
            attempts
                .attempt(id("b"), std::future::pending())
                .now_or_never()
                .is_none()
        );
        assert_eq!(attempts.close(Duration::from_secs(2)).await, 1);
        let late = attempts.attempt(id("c"), std::future::pending()).await;
        assert!(matches!(late, Err(Error::Temporary(_))));
        attempts
            .attempt(id("a"), std::future::pending())
            .await
            .unwrap();
    }
}
