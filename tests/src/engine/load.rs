//! Clients that ask without a pause, and note what they are told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use stoa_harness::{Answer, Client, Request, patience};

use super::calls::LIMIT;

/// How many ask at the same time.
const CLIENTS: usize = 16;

/// Clients that ask, each one question after the other.
pub(crate) struct Load {
    noted: Arc<Noted>,
    clients: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Noted {
    answers: Mutex<Vec<Noticed>>,
    enough: AtomicBool,
}

/// An answer, or that there was none.
#[derive(Clone, Debug)]
pub(crate) struct Noticed {
    /// 0: no answer.
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) took: Duration,
}

impl Noticed {
    /// Whether nothing kept it: no code that is compiled, and no call that got
    /// lost, which is found out when its time is over.
    pub(crate) fn is_prompt(&self) -> bool {
        self.took < patience(LIMIT / 2)
    }
}

impl Load {
    /// Asks what `question` makes of a client and a number.
    pub(crate) fn start(
        client: &Client,
        question: impl Fn(&Client, usize) -> Request + Clone + Send + 'static,
    ) -> Self {
        let noted = Arc::new(Noted::default());
        let clients = (0..CLIENTS).map(|number| {
            let (client, noted) = (client.clone(), Arc::clone(&noted));
            let question = question.clone();
            std::thread::spawn(move || {
                let mut number = number;
                while !noted.enough.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    let answer = question(&client, number).try_send();
                    noted.take(answer, began);
                    number += CLIENTS;
                }
            })
        });
        Self {
            clients: clients.collect(),
            noted,
        }
    }

    /// How many answers there are so far.
    pub(crate) fn count(&self) -> usize {
        self.noted.answers.lock().expect("answers").len()
    }

    /// Whether an answer of this status is among those after the first `count`.
    pub(crate) fn has(&self, status: u16, count: usize) -> bool {
        let answers = self.noted.answers.lock().expect("answers");
        let mut later = answers.iter().skip(count);
        later.any(|answer| answer.status == status)
    }

    /// Asks no more; all answers in the order in which they came.
    pub(crate) fn stop(self) -> Vec<Noticed> {
        self.noted.enough.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().expect("a client");
        }
        std::mem::take(&mut self.noted.answers.lock().expect("answers"))
    }
}

impl Noted {
    fn take(&self, answer: Result<Answer, String>, began: Instant) {
        let (status, text) = match answer {
            Ok(answer) => (answer.status, answer.text),
            Err(error) => (0, error),
        };
        self.answers.lock().expect("answers").push(Noticed {
            status,
            text,
            took: began.elapsed(),
        });
    }
}
