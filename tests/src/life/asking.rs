//! Clients that ask and ask, while something happens.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use stoa_harness::{Answer, Client, eventually};

use crate::gateway::is_the_gateways;

/// How many ask at the same time.
const CLIENTS: usize = 3;

/// The time between an answer and the next question: short enough to see what
/// happens, and no load.
const PACE: Duration = Duration::from_millis(20);

/// Clients that ask the same question one time after the other. Each answer is
/// 200, 503 or 504, and the gateway's own, or the test has failed: a call whose
/// target is gone ends after ten seconds, and the server answers for a gateway
/// that waits twice as long.
pub(crate) struct Asking {
    noted: Arc<Noted>,
    /// How many of the answers have been waited for.
    waited: Cell<usize>,
    clients: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Noted {
    statuses: Mutex<Vec<u16>>,
    enough: AtomicBool,
}

impl Asking {
    pub(crate) fn start(client: &Client, path: &'static str) -> Self {
        let noted = Arc::new(Noted::default());
        let clients = (0..CLIENTS).map(|_| {
            let (client, noted) = (client.clone(), Arc::clone(&noted));
            std::thread::spawn(move || {
                while !noted.enough.load(Ordering::Relaxed) {
                    noted.take(path, &client.get(path).try_send());
                    std::thread::sleep(PACE);
                }
            })
        });
        let asking = Self {
            clients: clients.collect(),
            noted,
            waited: Cell::new(0),
        };
        asking.wait_for(200);
        asking
    }

    /// Waits for an answer of this status, after those waited for before.
    #[track_caller]
    pub(crate) fn wait_for(&self, status: u16) {
        eventually(&format!("an answer {status}"), || {
            let ended = self.clients.iter().any(JoinHandle::is_finished);
            assert!(!ended, "an answer was not as it may be");
            let statuses = self.noted.statuses.lock().expect("answers");
            let mut rest = statuses.iter().skip(self.waited.get());
            let found = rest.position(|answer| *answer == status);
            found.inspect(|at| self.waited.update(|waited| waited + at + 1));
            found.is_some()
        });
    }

    /// From now on only answers count that have not come yet.
    pub(crate) fn forget(&self) {
        let statuses = self.noted.statuses.lock().expect("answers");
        self.waited.set(statuses.len());
    }

    /// Asks no more; the answers' statuses.
    pub(crate) fn stop(self) -> Vec<u16> {
        self.noted.enough.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().expect("every answer is as it may be");
        }
        self.noted.statuses.lock().expect("answers").clone()
    }
}

impl Noted {
    fn take(&self, path: &str, answer: &Result<Answer, String>) {
        let answer = answer.as_ref().expect("an answer");
        let status = answer.status;
        assert!(matches!(status, 200 | 503 | 504), "{path} was {status}");
        assert!(is_the_gateways(answer), "{path}: {answer:?}");
        self.statuses.lock().expect("answers").push(status);
    }
}
