//! A shop with events, and handlers of them that are played by the tests.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stoa_events_provider::config::Subscription;
use stoa_events_provider::event::Event;
use stoa_events_provider::handler::{Failure, Handler, Target};
use stoa_events_provider::pace::Pace;
use stoa_events_provider::publishing::publish;
use stoa_events_provider::pushing::{Pushing, Trouble};
use stoa_events_provider::streams::Broker;
use stoa_harness::patience;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::nats::Nats;

/// As the real one, in a hurry. What a host has to do in time it has time for:
/// a lease, and the answer of a handler, are for a machine that is busy.
pub(crate) fn pace() -> Pace {
    Pace {
        first_backoff: Duration::from_millis(20),
        last_backoff: Duration::from_millis(200),
        tries: 4,
        margin: patience(Duration::from_secs(3)),
        lease: patience(Duration::from_secs(2)),
        pull: Duration::from_millis(100),
    }
}

/// How long a handler may take.
fn timeout() -> Duration {
    patience(Duration::from_secs(4))
}

/// Event number `number` of a subject.
pub(crate) fn event(subject: &str, number: usize) -> Event {
    Event {
        id: Uuid::now_v7().to_string(),
        kind: "product.changed".to_owned(),
        subject: subject.to_owned(),
        occurred: 1,
        data: number.to_string(),
        traceparent: None,
    }
}

/// Publishes, again and again until the broker has it: as an outbox does.
pub(crate) async fn relay(broker: &Broker, events: &[Event]) {
    for page in events.chunks(256) {
        while publish(broker, page).await.is_err() {}
    }
}

type Answer = dyn Fn(&Event, usize) -> Result<(), Failure> + Send + Sync;

/// A component that notes what it hears. Clones are the same.
#[derive(Clone)]
pub(crate) struct Component {
    takes: Duration,
    together: usize,
    answer: Arc<Answer>,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Default)]
struct Heard {
    calls: usize,
    tries: HashMap<String, usize>,
    /// The events that were handled, each time that they were.
    done: Vec<Event>,
    busy: HashSet<String>,
    most_at_once: usize,
    /// Two of one subject at once.
    collisions: usize,
}

impl Component {
    /// One that answers by what is asked and how often it was before.
    pub(crate) fn new(
        answer: impl Fn(&Event, usize) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        Self {
            takes: Duration::ZERO,
            together: 0,
            answer: Arc::new(answer),
            heard: Arc::default(),
        }
    }

    /// One that never fails.
    pub(crate) fn content() -> Self {
        Self::new(|_, _| Ok(()))
    }

    /// One that does not like events of this subject.
    pub(crate) fn disliking(subject: &'static str) -> Self {
        Self::new(move |event, _| {
            if event.subject == subject {
                return Err(Failure::Component("not this one".to_owned()));
            }
            Ok(())
        })
    }

    /// It takes so long for each.
    pub(crate) fn slow(mut self, takes: Duration) -> Self {
        self.takes = takes;
        self
    }

    /// The first wait until there are so many.
    pub(crate) fn together(mut self, together: usize) -> Self {
        self.together = together;
        self
    }

    fn with<T>(&self, look: impl FnOnce(&mut Heard) -> T) -> T {
        look(&mut self.heard.lock().unwrap())
    }

    /// How often it was called.
    pub(crate) fn calls(&self) -> usize {
        self.with(|heard| heard.calls)
    }

    /// The ids of what it has handled, in order.
    pub(crate) fn done(&self) -> Vec<String> {
        self.with(|heard| heard.done.iter().map(|event| event.id.clone()).collect())
    }

    /// How many different events it has handled.
    pub(crate) fn different(&self) -> usize {
        self.done().into_iter().collect::<HashSet<_>>().len()
    }

    /// The most that it handled at once.
    pub(crate) fn most_at_once(&self) -> usize {
        self.with(|heard| heard.most_at_once)
    }

    /// Each subject's events were handled in order and one at a time. One may
    /// have come again before the next, and not after that.
    pub(crate) fn assert_order(&self) {
        self.with(|heard| {
            assert_eq!(heard.collisions, 0, "two of one subject at once");
            let mut last = HashMap::new();
            for event in &heard.done {
                let number: usize = event.data.parse().unwrap();
                let before = last.insert(event.subject.clone(), number);
                assert!(
                    before <= Some(number),
                    "{}: {before:?}, {number}",
                    event.subject
                );
                if let Some(before) = before {
                    assert!(
                        number <= before + 1,
                        "{}: {before}, {number}",
                        event.subject
                    );
                }
            }
        });
    }
}

impl Target for Component {
    async fn handle(&self, event: &Event) -> Result<(), Failure> {
        let tried = self.with(|heard| {
            heard.calls += 1;
            let count = heard.tries.entry(event.id.clone()).or_default();
            let tried = *count;
            *count += 1;
            heard.collisions += usize::from(!heard.busy.insert(event.subject.clone()));
            heard.most_at_once = heard.most_at_once.max(heard.busy.len());
            tried
        });
        let _busy = Busy(self, event);
        while self.most_at_once() < self.together {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if !self.takes.is_zero() {
            tokio::time::sleep(self.takes).await;
        }
        let answer = (self.answer)(event, tried);
        if answer.is_ok() {
            self.with(|heard| heard.done.push(event.clone()));
        }
        answer
    }
}

struct Busy<'a>(&'a Component, &'a Event);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.with(|heard| heard.busy.remove(&self.1.subject));
    }
}

/// A provider's deliveries to one handler.
pub(crate) struct Host {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    /// What its health says.
    pub(crate) trouble: Trouble,
}

impl Host {
    /// Brings all events to `<name>`.
    pub(crate) async fn start(nats: &Nats, name: &str, component: &Component) -> Self {
        Self::paced(nats, name, component, pace()).await
    }

    /// At another pace.
    pub(crate) async fn paced(nats: &Nats, name: &str, component: &Component, pace: Pace) -> Self {
        Self::open(nats, name, component, &[("types", "*")], pace).await
    }

    /// With this link config.
    pub(crate) async fn with(
        nats: &Nats,
        name: &str,
        component: &Component,
        config: &[(&str, &str)],
    ) -> Self {
        Self::open(nats, name, component, config, pace()).await
    }

    async fn open(
        nats: &Nats,
        name: &str,
        component: &Component,
        config: &[(&str, &str)],
        pace: Pace,
    ) -> Self {
        let config = config.iter();
        let config = config.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let mut subscription = Subscription::from_link(&config.collect()).unwrap();
        subscription.timeout = subscription.timeout.min(timeout());
        let trouble = Trouble::default();
        let pushing = Pushing {
            broker: Broker::new(nats.client().await),
            target: Arc::new(component.clone()),
            handler: handler(name),
            subscription,
            pace,
            trouble: Trouble::clone(&trouble),
        };
        let (stop, stopped) = oneshot::channel();
        Self {
            stop: Some(stop),
            task: tokio::spawn(pushing.run(stopped)),
            trouble,
        }
    }

    /// Ends it in order.
    pub(crate) async fn stop(mut self) {
        self.stop = None;
        let ended = tokio::time::timeout(patience(LONGEST), &mut self.task).await;
        ended.expect("it does not stop").unwrap();
    }

    /// Ends it as a process ends that is killed.
    pub(crate) fn kill(self) {
        self.task.abort();
    }
}

/// The handler of this name.
pub(crate) fn handler(name: &str) -> Handler {
    Handler {
        component: name.to_owned(),
        link: "default".to_owned(),
    }
}

/// How long to wait for anything that comes by itself.
const LONGEST: Duration = Duration::from_mins(2);

/// Waits for a condition.
pub(crate) async fn eventually(condition: impl AsyncFn() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(patience(LONGEST), wait)
        .await
        .expect("the condition does not come true");
}
