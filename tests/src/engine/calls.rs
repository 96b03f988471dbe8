//! Calls from one component to another: inside a host, and the same over NATS.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use stoa_harness::{Answer, Client, Probes, Wire};

/// A call ends after this time, answered or not.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

const LOCAL: &[&str] = &[];
const NATS: &[&str] = &["--calls", "nats"];

fn say(answer: &Answer) -> (u16, &str) {
    (answer.status, &answer.text)
}

/// Whether a call had no answer in its time.
pub(super) fn is_late(answer: &Answer) -> bool {
    answer.text.contains("timed out")
}

pub(crate) fn a_call_is_answered_whatever_its_size_inside_a_host() {
    calls_are_answered(LOCAL);
}

pub(crate) fn a_call_is_answered_whatever_its_size_over_nats() {
    calls_are_answered(NATS);
}

fn calls_are_answered(options: &[&str]) {
    const SIZE: usize = 3 << 20;
    let probes = Probes::start(100, 100, options);
    let client = probes.client();
    let ask = |path: &str| client.get(path).send();
    assert_eq!(say(&ask("/name")), (200, "a"));
    assert_eq!(say(&ask("/call/name")), (200, "b"));
    assert_eq!(say(&ask("/call/call/call/name")), (200, "b"));
    let sent = client
        .request("POST", "/call/length")
        .body(vec![b'x'; SIZE]);
    assert_eq!(say(&sent.send()), (200, SIZE.to_string().as_str()));
    let long = ask(&format!("/call/size/{SIZE}"));
    assert_eq!((long.status, long.text.len()), (200, SIZE));
    let wrong = ask("/call/nonsense");
    assert_eq!(say(&wrong), (502, "no step \"nonsense\""));
}

pub(crate) fn a_trap_ends_its_call_and_nothing_else() {
    let probes = Probes::start(10, 10, LOCAL);
    let client = probes.client();
    for _ in 0..20 {
        let answer = client.get("/call/trap").send();
        assert_eq!(answer.status, 502, "{answer:?}");
        // The caller need not wait for the end of its time to hear of it.
        assert!(!is_late(&answer), "{answer:?}");
    }
    assert_eq!(say(&client.get("/call/name").send()), (200, "b"));

    let front = client.get("/trap").send();
    assert_eq!(front.status, 500);
    assert_eq!(front.headers["content-type"], "application/problem+json");
    assert_eq!(front.body["code"], "internal");
    assert_eq!(say(&client.get("/name").send()), (200, "a"));
}

pub(crate) fn a_call_that_takes_too_long_is_an_error_of_the_caller() {
    let probes = Probes::start(10, 10, LOCAL);
    let client = probes.client();
    for path in ["/call/sleep/60000", "/call/spin"] {
        let begun = Instant::now();
        let answer = client.get(path).send();
        // It is the caller that says so: nobody else has ended the call, or the
        // request, for which the server waits twice as long.
        assert_eq!(answer.status, 502, "{answer:?}");
        assert!(is_late(&answer), "{answer:?}");
        assert!(begun.elapsed() > LIMIT / 2, "{answer:?}");
    }
    assert_eq!(say(&client.get("/call/name").send()), (200, "b"));
}

pub(crate) fn components_that_call_each_other_in_a_circle_come_to_an_end() {
    let probes = Probes::start(1, 1, LOCAL);
    let client = probes.client();
    // `a` runs already when `b` calls it, and may run once.
    let answer = client.get("/call/call/name").send();
    assert_eq!(answer.status, 502, "{answer:?}");
    let free = client.wait_for("/call/name", |answer| answer.status == 200);
    assert_eq!(free.text, "b");
}

/// Asks for this so many times at the same time.
fn at_once(times: usize, client: &Client, path: &'static str) -> Vec<JoinHandle<u16>> {
    let ask = |_| {
        let client = client.clone();
        thread::spawn(move || client.get(path).send().status)
    };
    (0..times).map(ask).collect()
}

fn statuses(calls: Vec<JoinHandle<u16>>) -> Vec<u16> {
    let answered = |call: JoinHandle<u16>| call.join().expect("an answer");
    calls.into_iter().map(answered).collect()
}

pub(crate) fn slow_calls_over_a_low_limit_wait_for_each_other() {
    let probes = Probes::start(100, 2, LOCAL);
    let client = probes.client();
    let slow = at_once(10, &client, "/call/sleep/300");
    assert_eq!(say(&client.get("/call/name").send()), (200, "b"));
    assert_eq!(statuses(slow), [200; 10]);
}

/// The queue of a function has room for 256 calls where its component may run
/// less often than that.
pub(crate) fn calls_that_find_the_queue_full_wait_for_their_turn() {
    const CALLS: usize = 400;
    let probes = Probes::start(1000, 1, LOCAL);
    let mut clients: Vec<_> = (0..CALLS)
        .map(|_| Wire::connect(probes.address()))
        .collect();
    // The first keeps the others waiting. They are quick then, for all have to
    // be done while the last may still wait.
    let mut path = "/call/sleep/2000/name";
    for client in &mut clients {
        client.send(format!("GET {path} HTTP/1.1\r\nhost: probe\r\n\r\n"));
        path = "/call/name";
    }
    for client in &mut clients {
        let (status, _) = client.head().expect("an answer");
        assert_eq!(status, 200);
    }
}

pub(crate) fn callers_that_give_up_are_not_served() {
    let probes = Probes::start(1000, 1, LOCAL);
    let client = probes.client();
    // Eighty seconds of work, of which ten are waited for.
    let statuses = statuses(at_once(40, &client, "/call/sleep/2000"));
    let given_up = statuses.iter().filter(|status| **status == 502).count();
    let done = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(done + given_up, 40, "{statuses:?}");
    // What is left is more than the next caller would wait for.
    assert!(done > 0 && given_up >= 20, "{statuses:?}");
    assert_eq!(say(&client.get("/call/name").send()), (200, "b"));
}
