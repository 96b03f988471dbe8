//! When ticks come, on a clock that the test moves.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets something else has failed"
)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stoa_ticker_provider::config::Schedule;
use stoa_ticker_provider::links::Links;
use stoa_ticker_provider::ticking::{Failure, Target, Ticking, Timing};
use tokio::time::{Instant, sleep};

/// What comes before the first tick at most.
const FIRST_DELAY: Duration = Duration::from_millis(10);

/// A component that takes a while to answer, and answers what it is told to.
#[derive(Clone)]
struct Component {
    started: Instant,
    answers: Arc<Mutex<Answers>>,
}

struct Answers {
    takes: Duration,
    outcome: fn(usize) -> Result<(), Failure>,
    ticks: Vec<(Duration, Timing)>,
    under_way: usize,
    most_at_once: usize,
}

impl Component {
    fn new(takes: Duration, outcome: fn(usize) -> Result<(), Failure>) -> Self {
        let answers = Answers {
            takes,
            outcome,
            ticks: Vec::new(),
            under_way: 0,
            most_at_once: 0,
        };
        Self {
            started: Instant::now(),
            answers: Arc::new(Mutex::new(answers)),
        }
    }

    fn prompt() -> Self {
        Self::new(Duration::ZERO, |_| Ok(()))
    }

    fn with<T>(&self, look: impl FnOnce(&mut Answers) -> T) -> T {
        look(&mut self.answers.lock().unwrap())
    }

    fn times(&self) -> Vec<Duration> {
        self.with(|answers| answers.ticks.iter().map(|(time, _)| *time).collect())
    }

    fn ticks(&self) -> Vec<Timing> {
        self.with(|answers| {
            answers
                .ticks
                .iter()
                .map(|(_, timing)| timing.clone())
                .collect()
        })
    }

    fn gaps(&self) -> Vec<Duration> {
        let times = self.times();
        times
            .windows(2)
            .map(|pair| pair[1].abs_diff(pair[0]))
            .collect()
    }
}

impl Target for Component {
    async fn tick(&self, timing: Timing) -> Result<(), Failure> {
        let (takes, outcome) = self.with(|answers| {
            let outcome = (answers.outcome)(answers.ticks.len());
            answers.ticks.push((self.started.elapsed(), timing));
            answers.under_way += 1;
            answers.most_at_once = answers.most_at_once.max(answers.under_way);
            (answers.takes, outcome)
        });
        let done = Done(self);
        sleep(takes).await;
        drop(done);
        outcome
    }
}

/// Counts a call as over, also one that is cut off.
struct Done<'a>(&'a Component);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.with(|answers| answers.under_way -= 1);
    }
}

fn unreachable() -> Result<(), Failure> {
    Err(Failure::Call("nobody there".to_owned()))
}

async fn put(links: &Links, component: &Component, interval_ms: u32, jitter: &str) {
    let config = HashMap::from([
        ("interval_ms".to_owned(), interval_ms.to_string()),
        ("jitter".to_owned(), jitter.to_owned()),
    ]);
    let ticking = Ticking {
        target: component.clone(),
        component: "product".to_owned(),
        name: "heartbeat".to_owned(),
        schedule: Schedule::from_link(&config).unwrap(),
    };
    links.put(ticking).await;
}

/// The paused clock works in whole milliseconds.
fn about(found: Duration, expected: Duration) -> bool {
    found.abs_diff(expected) <= Duration::from_millis(1)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn the_first_tick_comes_at_once_and_then_one_per_interval() {
    let (links, component) = (Links::default(), Component::prompt());
    put(&links, &component, 1000, "0").await;
    sleep(seconds(10) + FIRST_DELAY * 2).await;
    assert_eq!(component.times().len(), 11);
    assert!(component.times()[0] <= FIRST_DELAY + Duration::from_millis(1));
    let gaps = component.gaps();
    assert!(gaps.iter().all(|gap| about(*gap, seconds(1))), "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn a_tick_tells_its_link_and_a_sequence_that_grows() {
    let (links, component) = (Links::default(), Component::prompt());
    put(&links, &component, 100, "0.5").await;
    sleep(seconds(5)).await;
    let ticks = component.ticks();
    assert!(
        ticks
            .iter()
            .all(|tick| tick.name == "heartbeat" && tick.interval == 100)
    );
    // The wall clock stands still here: the sequence grows all the same.
    assert!(
        ticks
            .windows(2)
            .all(|pair| pair[0].sequence < pair[1].sequence)
    );
    let year_2020 = 1_577_836_800_000;
    assert!(ticks[0].sequence > year_2020);
}

#[tokio::test(start_paused = true)]
async fn jitter_moves_a_tick_but_does_not_add_up() {
    let (links, component) = (Links::default(), Component::prompt());
    put(&links, &component, 1000, "0.2").await;
    sleep(seconds(200) + Duration::from_millis(500)).await;
    let times = component.times();
    assert_eq!(times.len(), 201);
    let mut late = Vec::new();
    for (n, time) in (0..).zip(&times).skip(1) {
        let slot = times[0] + seconds(n);
        assert!(*time + Duration::from_millis(1) >= slot, "{n}");
        assert!(*time <= slot + Duration::from_millis(201), "{n}");
        late.push(time.saturating_sub(slot));
    }
    assert!(late.iter().max() > Some(&Duration::from_millis(100)));
    assert!(late.iter().min() < Some(&Duration::from_millis(100)));
}

#[tokio::test(start_paused = true)]
async fn a_slow_call_delays_and_never_piles_up() {
    let slow = Component::new(Duration::from_millis(1500), |_| Ok(()));
    let links = Links::default();
    put(&links, &slow, 1000, "0").await;
    sleep(seconds(10) + FIRST_DELAY * 2).await;
    assert_eq!(slow.with(|answers| answers.most_at_once), 1);
    let gaps = slow.gaps();
    assert!(gaps.iter().all(|gap| about(*gap, seconds(2))), "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_does_not_return_is_given_up() {
    let stuck = Component::new(seconds(3600), |_| Ok(()));
    let links = Links::default();
    put(&links, &stuck, 1000, "0").await;
    sleep(seconds(60)).await;
    assert!(stuck.times().len() > 10);
    assert_eq!(stuck.with(|answers| answers.most_at_once), 1);
}

#[tokio::test(start_paused = true)]
async fn a_component_that_starts_is_retried_quickly() {
    let starting = |n| if n < 4 { unreachable() } else { Ok(()) };
    let component = Component::new(Duration::ZERO, starting);
    let links = Links::default();
    put(&links, &component, 5000, "0").await;
    sleep(seconds(20)).await;
    let gaps = component.gaps();
    // Two early ones follow the first that arrives.
    let millis = [50, 100, 200, 400, 250, 750, 4000, 5000, 5000];
    assert_eq!(gaps.len(), millis.len());
    for (gap, millis) in gaps.into_iter().zip(millis) {
        assert!(about(gap, Duration::from_millis(millis)), "{gap:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn retries_are_never_further_apart_than_the_interval() {
    let absent = Component::new(Duration::ZERO, |_| unreachable());
    let links = Links::default();
    put(&links, &absent, 1000, "0").await;
    sleep(seconds(60)).await;
    let limit = seconds(1) + Duration::from_millis(1);
    assert!(absent.gaps().iter().all(|gap| *gap <= limit));
}

#[tokio::test(start_paused = true)]
async fn ticking_goes_on_after_failures_one_per_interval() {
    let failing = |n| match n % 3 {
        0 => Ok(()),
        1 => unreachable(),
        _ => Err(Failure::Component("database is down".to_owned())),
    };
    let component = Component::new(Duration::ZERO, failing);
    let links = Links::default();
    put(&links, &component, 1000, "0").await;
    sleep(seconds(10) + FIRST_DELAY * 2).await;
    assert_eq!(component.times().len(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_put_again_has_the_new_schedule_only() {
    let component = Component::new(Duration::from_millis(900), |_| Ok(()));
    let links = Links::default();
    put(&links, &component, 1000, "0").await;
    sleep(Duration::from_millis(500)).await;
    put(&links, &component, 3000, "0").await;
    sleep(seconds(30)).await;
    // The call under way when it was replaced was waited for.
    assert_eq!(component.with(|answers| answers.most_at_once), 1);
    let gaps = component.gaps();
    assert!(gaps[0] >= Duration::from_millis(900), "{gaps:?}");
    assert!(
        gaps[1..].iter().all(|gap| about(*gap, seconds(3))),
        "{gaps:?}"
    );
    let intervals: Vec<_> = component.ticks().iter().map(|tick| tick.interval).collect();
    assert_eq!(intervals[0], 1000);
    assert!(intervals[1..].iter().all(|interval| *interval == 3000));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_link_ticks_no_more_until_it_is_put_again() {
    let component = Component::new(Duration::from_millis(900), |_| Ok(()));
    let links = Links::default();
    put(&links, &component, 1000, "0").await;
    sleep(Duration::from_millis(500)).await;
    links.delete("product", "heartbeat").await;
    put(&links, &component, 1000, "0").await;
    sleep(Duration::from_millis(600)).await;
    links.delete("product", "heartbeat").await;
    sleep(seconds(30)).await;
    assert_eq!(component.times().len(), 2);
    assert_eq!(component.with(|answers| answers.most_at_once), 1);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_the_call_under_way_but_not_for_ever() {
    let (brief, stuck) = (
        Component::new(seconds(1), |_| Ok(())),
        Component::new(seconds(9), |_| Ok(())),
    );
    for (component, waits) in [(brief, seconds(1)), (stuck, seconds(2))] {
        let links = Links::default();
        put(&links, &component, 60_000, "0").await;
        sleep(FIRST_DELAY + Duration::from_millis(2)).await;
        let stopping = Instant::now();
        links.stop(seconds(2)).await;
        let waited = stopping.elapsed();
        assert!(
            waited.abs_diff(waits) < Duration::from_millis(20),
            "{waited:?}"
        );
        sleep(seconds(600)).await;
        assert_eq!(component.times().len(), 1);
        assert_eq!(component.with(|answers| answers.under_way), 0);
    }
}
