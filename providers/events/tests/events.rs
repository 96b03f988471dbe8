//! Events against a real NATS server.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that meets something else has failed"
)]

#[path = "../../keyvalue/tests/nats/mod.rs"]
mod nats;
mod shop;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::PullConsumer;
use futures::StreamExt as _;
use stoa_events_provider::admin::{Selection, dead_letters, overview, retry};
use stoa_events_provider::event::Event;
use stoa_events_provider::handler::{Failure, Handler};
use stoa_events_provider::nudges::{Nudges, Relay};
use stoa_events_provider::pace::Pace;
use stoa_events_provider::publishing::{Error, publish};
use stoa_events_provider::streams::{Broker, STREAM};
use stoa_harness::patience;
use tokio::sync::{Semaphore, oneshot};

use nats::Nats;
use shop::{Component, Host, event, eventually, handler, pace, relay};

async fn broker(nats: &Nats) -> Broker {
    Broker::new(nats.client().await)
}

/// Events of many subjects, each with numbers from 0.
fn series(subjects: usize, each: usize) -> Vec<Event> {
    let rounds = (0..each).flat_map(|number| (0..subjects).map(move |subject| (subject, number)));
    rounds
        .map(|(subject, number)| event(&format!("s{subject}"), number))
        .collect()
}

async fn lag(nats: &Nats, name: &str) -> (u64, usize) {
    let overview = overview(&nats.client().await).await.unwrap();
    let mut handlers = overview.handlers.into_iter();
    let lag = handlers.find(|lag| lag.handler == handler(name)).unwrap();
    (lag.pending, lag.in_flight)
}

async fn idle(nats: &Nats, name: &str) {
    eventually(async || lag(nats, name).await == (0, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_handled_and_acknowledged_once() {
    let (nats, mail) = (Nats::start().await, Component::content());
    let host = Host::start(&nats, "mail", &mail).await;
    let events = series(3, 4);
    relay(&broker(&nats).await, &events).await;
    eventually(async || mail.done().len() == 12).await;
    idle(&nats, "mail").await;
    // Nobody who comes later finds anything to do.
    host.stop().await;
    let host = Host::start(&nats, "mail", &mail).await;
    let last = event("last", 0);
    relay(&broker(&nats).await, std::slice::from_ref(&last)).await;
    eventually(async || mail.done().contains(&last.id)).await;
    assert_eq!(mail.calls(), 13);
    mail.assert_order();
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_published_again_is_not_handled_again() {
    let (nats, mail) = (Nats::start().await, Component::content());
    let host = Host::start(&nats, "mail", &mail).await;
    let events = series(2, 3);
    let broker = broker(&nats).await;
    for _ in 0..3 {
        relay(&broker, &events).await;
    }
    eventually(async || mail.done().len() >= 6).await;
    idle(&nats, "mail").await;
    assert_eq!(mail.calls(), 6);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_hears_the_types_that_its_link_names() {
    let (nats, mail) = (Nats::start().await, Component::content());
    let types = [("types", "account.*, product.sold")];
    let host = Host::with(&nats, "mail", &mail, &types).await;
    let kinds = [
        "product.changed",
        "product.sold",
        "account.created",
        "account.email.changed",
    ];
    let broker = broker(&nats).await;
    for (number, kind) in kinds.into_iter().enumerate() {
        let mut event = event(kind.split('.').next().unwrap(), number);
        event.kind = kind.to_owned();
        relay(&broker, &[event]).await;
    }
    eventually(async || mail.done().len() == 3).await;
    host.stop().await;
    // Another config is taken up where the last one left off.
    let host = Host::start(&nats, "mail", &mail).await;
    relay(&broker, &[event("x", 0)]).await;
    eventually(async || mail.done().len() == 4).await;
    idle(&nats, "mail").await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_tried_again_later_each_time() {
    let nats = Nats::start().await;
    let mail = Component::new(|_, tried| {
        let failure = || Failure::Call("not there".to_owned());
        (tried >= 3).then_some(()).ok_or_else(failure)
    });
    let host = Host::start(&nats, "mail", &mail).await;
    let begun = Instant::now();
    relay(&broker(&nats).await, &[event("s", 0)]).await;
    eventually(async || mail.done().len() == 1).await;
    assert!(begun.elapsed() >= pace().first_backoff * 7);
    assert_eq!(mail.calls(), 4);
    idle(&nats, "mail").await;
    let letters = dead_letters(&nats.client().await, &Selection::All).await;
    assert_eq!(letters.unwrap(), []);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_does_not_return_is_a_failure() {
    let (nats, stuck) = (Nats::start().await, Component::content());
    let stuck = stuck.slow(Duration::from_hours(1));
    let config = [("types", "*"), ("timeout_ms", "100")];
    let host = Host::with(&nats, "mail", &stuck, &config).await;
    relay(&broker(&nats).await, &[event("s", 0)]).await;
    let client = nats.client().await;
    let letters = async || dead_letters(&client, &Selection::All).await.unwrap();
    eventually(async || letters().await.len() == 1).await;
    assert!(letters().await[0].error.contains("no answer in time"));
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_last_try_an_event_is_a_dead_letter() {
    let (nats, mail) = (Nats::start().await, Component::disliking("bad"));
    let host = Host::start(&nats, "mail", &mail).await;
    let bad = event("bad", 0);
    relay(&broker(&nats).await, std::slice::from_ref(&bad)).await;
    let client = nats.client().await;
    let letters = async || dead_letters(&client, &Selection::All).await.unwrap();
    eventually(async || !letters().await.is_empty()).await;
    let letter = letters().await.remove(0);
    assert_eq!((letter.event, letter.handler), (bad, handler("mail")));
    assert_eq!(letter.error, "the component answers: not this one");
    assert_eq!((letter.tries, mail.calls()), (pace().tries, 4));
    idle(&nats, "mail").await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_that_fails_holds_up_itself_and_nobody_else() {
    let nats = Nats::start().await;
    let open = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&open);
    let mail = Component::new(move |event, _| {
        let closed = event.subject == "bad" && event.data == "0";
        if closed && !gate.load(Ordering::Relaxed) {
            return Err(Failure::Component("not yet".to_owned()));
        }
        Ok(())
    });
    // However long it takes, it is not given up.
    let pace = Pace {
        tries: u32::MAX,
        ..pace()
    };
    let host = Host::paced(&nats, "mail", &mail, pace).await;
    let mut events: Vec<_> = (0..300).map(|number| event("bad", number)).collect();
    events.extend(series(50, 4));
    relay(&broker(&nats).await, &events).await;
    eventually(async || mail.different() == 200).await;
    open.store(true, Ordering::Relaxed);
    eventually(async || mail.different() == 500).await;
    mail.assert_order();
    assert!(mail.most_at_once() <= 16);
    idle(&nats, "mail").await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_behind_a_dead_event_goes_on_in_order() {
    let nats = Nats::start().await;
    let mail = Component::new(|event, _| {
        let bad = event.subject == "s0" && event.data == "1";
        let failure = || Failure::Component("broken".to_owned());
        (!bad).then_some(()).ok_or_else(failure)
    });
    let host = Host::start(&nats, "mail", &mail).await;
    let events = series(2, 5);
    relay(&broker(&nats).await, &events).await;
    eventually(async || mail.done().len() == 9).await;
    let done = mail.done();
    let s0: Vec<_> = events
        .iter()
        .filter(|event| event.subject == "s0")
        .collect();
    let place = |event: &Event| done.iter().position(|id| *id == event.id);
    assert_eq!(place(s0[1]), None);
    assert!(place(s0[2]) < place(s0[3]) && place(s0[3]) < place(s0[4]));
    idle(&nats, "mail").await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_are_handled_at_once_as_the_link_says() {
    let (nats, mail) = (Nats::start().await, Component::content());
    let mail = mail.slow(Duration::from_millis(20)).together(3);
    let config = [("types", "*"), ("parallel", "3")];
    let host = Host::with(&nats, "mail", &mail, &config).await;
    relay(&broker(&nats).await, &series(20, 2)).await;
    eventually(async || mail.done().len() == 40).await;
    assert_eq!(mail.most_at_once(), 3);
    mail.assert_order();
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_call_is_not_made_by_somebody_else_meanwhile() {
    let (nats, mail) = (Nats::start().await, Component::content());
    // Longer than a lease.
    let mail = mail.slow(pace().lease * 5 / 4);
    let one = Host::start(&nats, "mail", &mail).await;
    let two = Host::start(&nats, "mail", &mail).await;
    relay(&broker(&nats).await, &series(1, 4)).await;
    eventually(async || mail.done().len() == 4).await;
    idle(&nats, "mail").await;
    assert_eq!(mail.calls(), 4);
    mail.assert_order();
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_dies_is_succeeded_without_loss_and_in_order() {
    let (nats, mail) = (Nats::start().await, Component::content());
    let mail = mail.slow(Duration::from_millis(5));
    let one = Host::start(&nats, "mail", &mail).await;
    let events = series(20, 20);
    relay(&broker(&nats).await, &events).await;
    eventually(async || mail.done().len() >= 50).await;
    let two = Host::start(&nats, "mail", &mail).await;
    one.kill();
    eventually(async || mail.different() == 400).await;
    mail.assert_order();
    // Those under way came again, and no others.
    assert!(mail.done().len() <= 400 + 16, "{}", mail.done().len());
    idle(&nats, "mail").await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stops_hands_over_at_once_and_nothing_comes_twice() {
    let (nats, mail) = (Nats::start().await, Component::content());
    let mail = mail.slow(Duration::from_millis(5));
    // What it did not hand over, the lease and events, would come to the other
    // one after an hour.
    let pace = Pace {
        margin: Duration::from_hours(1),
        pull: patience(Duration::from_secs(1)),
        ..pace()
    };
    let lease = pace.margin;
    let one = Host::paced(&nats, "mail", &mail, Pace { lease, ..pace }).await;
    relay(&broker(&nats).await, &series(20, 20)).await;
    eventually(async || mail.done().len() >= 50).await;
    let two = Host::paced(&nats, "mail", &mail, pace).await;
    one.stop().await;
    eventually(async || mail.different() == 400).await;
    assert_eq!(mail.calls(), 400);
    mail.assert_order();
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_behind_a_failure_keeps_its_place_when_the_host_dies() {
    let (nats, open) = (Nats::start().await, Arc::new(AtomicBool::new(false)));
    let gate = Arc::clone(&open);
    let mail = Component::new(move |_, _| {
        let failure = || Failure::Component("not yet".to_owned());
        gate.load(Ordering::Relaxed)
            .then_some(())
            .ok_or_else(failure)
    });
    // It tries once, and is not there any more for the second time.
    let an_hour = Duration::from_hours(1);
    let patient = Pace {
        first_backoff: an_hour,
        last_backoff: an_hour,
        ..pace()
    };
    let one = Host::paced(&nats, "mail", &mail, patient).await;
    let broker = broker(&nats).await;
    relay(&broker, &series(3, 3)).await;
    eventually(async || mail.calls() >= 3).await;
    one.kill();
    open.store(true, Ordering::Relaxed);
    // These are newer, and the broker has them at hand.
    let newer: Vec<_> = (3..6).map(|number| event("s0", number)).collect();
    let two = Host::start(&nats, "mail", &mail).await;
    relay(&broker, &newer).await;
    eventually(async || mail.different() == 12).await;
    mail.assert_order();
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_that_went_elsewhere_are_waited_for() {
    let (nats, mail) = (Nats::start().await, Component::content());
    let mail = mail.slow(Duration::from_millis(2));
    let host = Host::start(&nats, "mail", &mail).await;
    let broker = broker(&nats).await;
    relay(&broker, &[event("first", 0)]).await;
    eventually(async || mail.done().len() == 1).await;
    // A request of a host that was taken for dead is still with the broker.
    let stream = broker.events().await.unwrap();
    let consumer: PullConsumer = stream.get_consumer("mail__default").await.unwrap();
    let expires = patience(Duration::from_mins(1));
    let request = consumer.batch().max_messages(3).expires(expires);
    let mut stolen = request.messages().await.unwrap();
    for events in series(20, 5).chunks(20) {
        relay(&broker, events).await;
    }
    // It has got some, and nobody will ever hear of them from there.
    assert!(stolen.next().await.is_some());
    drop(stolen);
    eventually(async || mail.different() == 101).await;
    mail.assert_order();
    idle(&nats, "mail").await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_kept_for_a_handler_that_is_away() {
    let (nats, mail) = (Nats::start().await, Component::content());
    let host = Host::start(&nats, "mail", &mail).await;
    let broker = broker(&nats).await;
    relay(&broker, &[event("s", 0)]).await;
    eventually(async || mail.done().len() == 1).await;
    host.stop().await;
    relay(&broker, &[event("s", 1), event("s", 2)]).await;
    assert_eq!(lag(&nats, "mail").await, (2, 0));
    let host = Host::start(&nats, "mail", &mail).await;
    eventually(async || mail.done().len() == 3).await;
    mail.assert_order();
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_restarts_loses_none_of_500_events() {
    let (mut nats, mail) = (Nats::start().await, Component::content());
    let mail = mail.slow(Duration::from_millis(2));
    let host = Host::start(&nats, "mail", &mail).await;
    let events = series(25, 20);
    let broker = broker(&nats).await;
    let relaying = tokio::spawn({
        let (broker, events) = (broker.clone(), events.clone());
        async move {
            for page in events.chunks(10) {
                relay(&broker, page).await;
            }
        }
    });
    eventually(async || mail.different() >= 100).await;
    nats.stop();
    let refused = publish(&broker, &events[..1]).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    nats.restart().await;
    relaying.await.unwrap();
    eventually(async || mail.different() == 500).await;
    mail.assert_order();
    idle(&nats, "mail").await;
    assert_eq!(*host.trouble.lock().unwrap(), None);
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_brought_again_to_their_handler_only() {
    let nats = Nats::start().await;
    let fixed = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&fixed);
    let mail = Component::new(move |event, _| {
        let bad = event.subject.starts_with("bad") && !gate.load(Ordering::Relaxed);
        let failure = || Failure::Component("no such template".to_owned());
        (!bad).then_some(()).ok_or_else(failure)
    });
    let (search, orders) = (Component::content(), Component::disliking("bad2"));
    let hosts = [
        Host::start(&nats, "mail", &mail).await,
        Host::start(&nats, "search", &search).await,
        Host::start(&nats, "orders", &orders).await,
    ];
    let events: Vec<_> = ["good", "bad1", "bad2", "bad3"].map(|s| event(s, 0)).into();
    relay(&broker(&nats).await, &events).await;
    let client = nats.client().await;
    let letters = async |selection| dead_letters(&client, &selection).await.unwrap();
    eventually(async || letters(Selection::All).await.len() == 4).await;
    assert_eq!(letters(Selection::Handler(handler("mail"))).await.len(), 3);
    let both = Selection::Event(events[2].id.clone());
    assert_eq!(letters(both).await.len(), 2);

    fixed.store(true, Ordering::Relaxed);
    let one = Selection::Event(events[1].id.clone());
    assert_eq!(retry(&client, &one).await.unwrap(), 1);
    eventually(async || mail.done().contains(&events[1].id)).await;
    let rest = Selection::Handler(handler("mail"));
    assert_eq!(retry(&client, &rest).await.unwrap(), 2);
    eventually(async || mail.done().len() == 4).await;
    // The one of the other handler is there as before, and nobody else heard.
    let left = letters(Selection::All).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].handler, handler("orders"));
    assert_eq!((search.calls(), orders.done().len()), (4, 3));
    // One that fails again is a dead letter again.
    assert_eq!(retry(&client, &Selection::All).await.unwrap(), 1);
    eventually(async || orders.calls() == 3 + 8).await;
    eventually(async || letters(Selection::All).await.len() == 1).await;
    for host in hosts {
        host.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_died_half_way_does_not_bring_anything_twice() {
    let (nats, mail) = (Nats::start().await, Component::disliking("bad"));
    let host = Host::start(&nats, "mail", &mail).await;
    relay(&broker(&nats).await, &[event("bad", 0)]).await;
    let client = nats.client().await;
    let letters = async || dead_letters(&client, &Selection::All).await.unwrap();
    eventually(async || letters().await.len() == 1).await;
    host.stop().await;
    // What is done before a letter is deleted: the process ends there.
    let letter = letters().await.remove(0);
    let context = async_nats::jetstream::new(client.clone());
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("Nats-Msg-Id", "mail__default.dead.1");
    let stored = context.publish_with_headers(
        "stoa.retry.mail__default.bad",
        headers,
        serde_json::to_vec(&letter.event).unwrap().into(),
    );
    stored.await.unwrap().await.unwrap();
    assert_eq!(retry(&client, &Selection::All).await.unwrap(), 1);
    assert_eq!(letters().await, []);
    assert_eq!(lag(&nats, "mail").await, (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_event_is_refused_and_nothing_is_published() {
    let nats = Nats::start().await;
    let broker = broker(&nats).await;
    let mut wrong = event("s", 1);
    wrong.subject = "a.b".to_owned();
    let too_many: Vec<_> = (0..257).map(|number| event("s", number)).collect();
    for events in [vec![event("s", 0), wrong], too_many, Vec::new()] {
        let refused = publish(&broker, &events).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    }
    let overview = overview(&nats.client().await).await.unwrap();
    assert_eq!(overview.events.messages, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_without_a_broker_hears_so_within_seconds() {
    let mut nats = Nats::start().await;
    let broker = broker(&nats).await;
    nats.stop();
    // Or it would wait until the broker is back.
    let events = [event("s", 0)];
    let waits = patience(Duration::from_secs(30));
    let refused = tokio::time::timeout(waits, publish(&broker, &events)).await;
    assert!(matches!(refused, Ok(Err(Error::Unavailable(_)))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_there_is_left_as_it_is() {
    let nats = Nats::start().await;
    let context = async_nats::jetstream::new(nats.client().await);
    let own = async_nats::jetstream::stream::Config {
        name: STREAM.to_owned(),
        subjects: vec!["stoa.events.>".to_owned(), "stoa.retry.>".to_owned()],
        max_messages: 7,
        ..Default::default()
    };
    context.create_stream(own).await.unwrap();
    let mut stream = broker(&nats).await.events().await.unwrap();
    let config = &stream.info().await.unwrap().config;
    assert_eq!((config.max_messages, config.max_bytes), (7, -1));
    let told = overview(&nats.client().await).await.unwrap();
    assert_eq!(told.events.messages, 0);
}

/// An outbox whose relays begin at once, and end as they are let.
#[derive(Clone)]
struct Outbox {
    begun: Arc<AtomicUsize>,
    ends: Arc<Semaphore>,
}

impl Relay for Outbox {
    async fn relay(&self, link: &str, _: u64) -> Result<(), Failure> {
        assert_eq!(link, "outbox-account");
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.ends.acquire().await.unwrap().forget();
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nudge_relays_at_once_and_many_become_one() {
    let nats = Nats::start().await;
    let outbox = Outbox {
        begun: Arc::default(),
        ends: Arc::new(Semaphore::new(0)),
    };
    let relays = || outbox.begun.load(Ordering::Relaxed);
    let broker = broker(&nats).await;
    let mut marks = broker.client.subscribe("mark").await.unwrap();
    let nudges = Nudges {
        broker,
        target: outbox.clone(),
        service: Handler {
            component: "account".to_owned(),
            link: "outbox-account".to_owned(),
        },
    };
    let (stop, stopped) = oneshot::channel();
    let listening = tokio::spawn(nudges.run(stopped));
    let client = nats.client().await;
    let nudge = async || client.publish("stoa.outbox.account", "".into()).await;
    eventually(async || {
        nudge().await.unwrap();
        relays() > 0
    })
    .await;
    for _ in 0..200 {
        nudge().await.unwrap();
    }
    // What was sent before it is here when this is.
    client.publish("mark", "".into()).await.unwrap();
    let mark = tokio::time::timeout(patience(Duration::from_mins(1)), marks.next());
    assert!(mark.await.unwrap().is_some());
    assert_eq!(relays(), 1, "one at a time");
    outbox.ends.add_permits(300);
    eventually(async || relays() >= 2).await;
    drop(stop);
    listening.await.unwrap();
    // One for all that came meanwhile, or for as many as a task reads in a row.
    assert!(relays() <= 4, "{} relays", relays());
}

/// Not a test of anything: `--ignored --nocapture` tells the figure.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn events_per_second() {
    let (nats, mail) = (Nats::start().await, Component::content());
    let host = Host::start(&nats, "mail", &mail).await;
    let broker = broker(&nats).await;
    for (subjects, each) in [(1000, 20), (1, 2000)] {
        let events = series(subjects, each);
        let before = mail.calls();
        let begun = Instant::now();
        relay(&broker, &events).await;
        let published = begun.elapsed();
        eventually(async || mail.calls() - before >= events.len()).await;
        let (all, handled) = (events.len(), begun.elapsed());
        println!("{all} of {subjects} subjects: published {published:?}, handled {handled:?}");
    }
    let mut times = Vec::new();
    for number in 0..200 {
        let (begun, before) = (Instant::now(), mail.calls());
        relay(&broker, &[event("one", number)]).await;
        while mail.calls() == before {
            tokio::task::yield_now().await;
        }
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    println!(
        "one event, publish to handle: p50 {:?}, p99 {:?}",
        times[100], times[198]
    );
    host.stop().await;
}
