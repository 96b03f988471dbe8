//! Keys, on a real SQLite: what clients see, and what is left after a crash.

use std::cell::Cell;

use stoa_fixtures::{Ask, Memory, memory};
use stoa_kit::bindings::stoa::http::types::Parameter;
use stoa_kit::{Method, Role, Service, Statement};

use super::*;

static DATABASE: Memory = Memory(&[MIGRATION]);

#[derive(Debug)]
struct Shop;

impl Service for Shop {
    const ID: &'static str = "shop";
    const VERSION: &'static str = "0";

    fn handle(_: &Request) -> Result<Response, Problem> {
        Ok(Response::no_content())
    }
}

thread_local! {
    static DONE: Cell<u32> = const { Cell::new(0) };
}

const START: Timestamp = Timestamp(1_800_000_000_000);

fn order(key: &str, body: &str) -> Request {
    let mut ask: Ask<Shop> = Ask::new(Method::Post, "/orders").by("ann", &[Role::Customer]);
    ask = ask.header("idempotency-key", key);
    ask.0.body = body.to_owned();
    ask.0
}

fn send_at(
    request: &Request,
    now: Timestamp,
    handler: impl FnOnce(Origin) -> Result<Response, Problem>,
) -> Result<Response, Problem> {
    run(request, now, &DATABASE, |origin| {
        DONE.set(DONE.get() + 1);
        handler(origin)
    })
}

fn created(_: Origin) -> Result<Response, Problem> {
    let number = DONE.get();
    Ok(Response::created(&format!("/orders/{number}"), &number)?
        .etag(1)
        .header("x-other", "1"))
}

fn send(request: &Request) -> Result<Response, Problem> {
    send_at(request, START, created)
}

fn refused(answer: Result<Response, Problem>) -> (u16, &'static str) {
    let problem = answer.unwrap_err();
    (problem.status(), problem.code())
}

#[test]
fn a_request_that_is_sent_again_is_answered_alike_and_not_done_again() {
    DATABASE.open();
    let first = send(&order("k", "{\"a\": 1, \"b\": 2}")).unwrap();
    assert_eq!(first.get_header("idempotent-replayed"), None);
    let request = order("k", "{\"b\":2,\"a\":1}");
    let again = send_at(&request, START.plus(KEPT - 1), created).unwrap();
    assert_eq!(DONE.get(), 1);
    assert_eq!((again.status, &again.body), (201, &first.body));
    for name in ["location", "etag", "content-type"] {
        assert_eq!(again.get_header(name), first.get_header(name), "{name}");
    }
    assert_eq!(again.get_header("idempotent-replayed"), Some("true"));
    assert_eq!(again.get_header("x-other"), None);
}

#[test]
fn a_key_is_required_and_visible_ascii() {
    DATABASE.open();
    let mut without = order("k", "");
    without.headers.clear();
    assert_eq!(refused(send(&without)), (400, "idempotency_key_required"));
    assert_eq!(
        refused(send(&order("", ""))),
        (400, "idempotency_key_required")
    );
    for bad in ["a b", "a, b", "ä", "\u{7f}", &"k".repeat(256)] {
        assert_eq!(
            refused(send(&order(bad, ""))),
            (400, "idempotency_key_invalid"),
            "{bad}"
        );
    }
    assert_eq!(DONE.get(), 0);
    assert_eq!(send(&order(&"k".repeat(255), "")).unwrap().status, 201);
}

#[test]
fn a_key_is_for_one_request() {
    DATABASE.open();
    send(&order("k", "{\"a\":1}")).unwrap();
    assert_eq!(
        refused(send(&order("k", "{\"a\":2}"))),
        (422, "idempotency_key_reused")
    );
    let mut with_query = order("k", "{\"a\":1}");
    with_query.query.push(Parameter {
        name: "a".into(),
        value: "1".into(),
    });
    assert_eq!(refused(send(&with_query)), (422, "idempotency_key_reused"));
    assert_eq!(DONE.get(), 1);
}

#[test]
fn a_key_belongs_to_its_caller_and_its_path() {
    DATABASE.open();
    send(&order("k", "")).unwrap();
    let mut elsewhere = order("k", "");
    elsewhere.path.push("1".into());
    send(&elsewhere).unwrap();
    let mut other = order("k", "");
    other.principal = Ask::<Shop>::new(Method::Post, "/")
        .by("bob", &[])
        .0
        .principal;
    send(&other).unwrap();
    let mut guest = order("k", "");
    guest.principal = stoa_kit::Principal::Anonymous;
    send(&guest).unwrap();
    guest.client = "192.0.2.2".into();
    send(&guest).unwrap();
    assert_eq!(DONE.get(), 5);
}

#[test]
fn while_the_first_runs_the_second_is_told_to_wait() {
    DATABASE.open();
    let request = order("k", "");
    let answer = send_at(&request, START, |origin| {
        let problem = send(&request).unwrap_err();
        assert_eq!(problem.code(), "idempotency_key_in_use");
        let response = problem.into_response("r");
        assert_eq!(
            (response.status, response.get_header("retry-after")),
            (409, Some("1"))
        );
        created(origin)
    });
    assert_eq!(answer.unwrap().status, 201);
    assert_eq!(DONE.get(), 1);
}

/// Takes the key as a request does that never ends.
fn crash(request: &Request, now: Timestamp) -> Origin {
    let key = Key::of(request).unwrap();
    let outcomes = DATABASE.transact(&[queries::claim(&key, Id::new(), now), queries::find(&key)]);
    match queries::found(outcomes.unwrap(), &key, now).unwrap() {
        Found::Ours(claimed) => claimed.origin,
        _ => panic!("not ours"),
    }
}

#[test]
fn after_a_crash_the_same_request_goes_on_where_it_was() {
    DATABASE.open();
    let request = order("k", "");
    let origin = crash(&request, START);
    let late = START.plus(LEASE - 1);
    assert_eq!(
        refused(send_at(&request, late, created)),
        (409, "idempotency_key_in_use")
    );
    let later = START.plus(LEASE);
    let other = order("k", "{}");
    assert_eq!(
        refused(send_at(&other, later, created)),
        (422, "idempotency_key_reused")
    );
    send_at(&request, later, |again| {
        assert_eq!(again, origin);
        created(again)
    })
    .unwrap();
    assert_eq!(DONE.get(), 1);
}

#[test]
fn what_may_still_change_is_not_frozen_and_keeps_its_origin() {
    DATABASE.open();
    let request = order("k", "");
    let origins = Cell::new(Vec::new());
    let note = |origin| {
        let mut list = origins.take();
        list.push(origin);
        origins.set(list);
    };
    let busy = send_at(&request, START, |origin| {
        note(origin);
        Err(Problem::unavailable("Later.", "a test"))
    });
    assert_eq!(refused(busy), (503, "unavailable"));
    let accepted = send_at(&request, START, |origin| {
        note(origin);
        Response::accepted(&1)
    });
    assert_eq!(accepted.unwrap().status, 202);
    send_at(&request, START.plus(1), |origin| {
        note(origin);
        created(origin)
    })
    .unwrap();
    let origins = origins.take();
    assert_eq!(origins.len(), 3);
    assert!(origins.iter().all(|origin| *origin == origins[0]));
}

#[test]
fn a_request_that_was_refused_leaves_its_key_free() {
    DATABASE.open();
    let answer = send_at(&order("k", "{\"a\":1}"), START, |_| {
        Err(Problem::invalid(Vec::new()))
    });
    assert_eq!(refused(answer), (422, "invalid"));
    assert_eq!(send(&order("k", "{\"a\":2}")).unwrap().status, 201);
}

#[test]
fn a_refusal_of_a_later_try_keeps_the_key_for_its_request() {
    DATABASE.open();
    let request = order("k", "");
    let origin = crash(&request, START);
    let refuse = |_| Err(Problem::conflict("illegal_state", "No."));
    let answer = send_at(&request, START.plus(LEASE), refuse);
    assert_eq!(refused(answer), (409, "illegal_state"));
    let other = order("k", "{}");
    let later = START.plus(2 * LEASE);
    assert_eq!(
        refused(send_at(&other, later, created)),
        (422, "idempotency_key_reused")
    );
    send_at(&request, later, |again| {
        assert_eq!(again, origin);
        created(again)
    })
    .unwrap();
}

#[test]
fn after_a_day_a_key_is_new() {
    DATABASE.open();
    let request = order("k", "");
    let first = crash(&request, START);
    let next = START.plus(KEPT);
    send_at(&order("k", "{}"), next, |origin| {
        assert_ne!(origin, first);
        created(origin)
    })
    .unwrap();
    DATABASE
        .transact(&[delete_old(next.plus(KEPT - 1))])
        .unwrap();
    let rows = |sql: &str| {
        DATABASE
            .transact(&[Statement::new(sql)])
            .unwrap()
            .remove(0)
            .rows
            .len()
    };
    assert_eq!(rows("SELECT 1 FROM idempotency_keys"), 1);
    DATABASE.transact(&[delete_old(next.plus(KEPT))]).unwrap();
    assert_eq!(rows("SELECT 1 FROM idempotency_keys"), 0);
}

#[test]
fn who_was_too_slow_freezes_nothing_over_the_one_that_took_the_key() {
    DATABASE.open();
    let request = order("k", "");
    let slow = send_at(&request, START, |origin| {
        let fast = send_at(&request, START.plus(LEASE), created).unwrap();
        assert_eq!(fast.body, "2");
        assert_eq!(DONE.get(), 2);
        DONE.set(9);
        created(origin)
    });
    assert_eq!(slow.unwrap().body, "9");
    assert_eq!(send(&request).unwrap().body, "2");
}

#[test]
fn neither_key_nor_caller_is_stored() {
    DATABASE.open();
    send(&order("secret-key", "")).unwrap();
    let rows = DATABASE.transact(&[Statement::new("SELECT * FROM idempotency_keys")]);
    let stored = format!("{rows:?}");
    assert!(
        !stored.contains("secret-key") && !stored.contains("ann"),
        "{stored}"
    );
}

#[test]
fn a_key_is_one_call_to_the_database_before_and_one_after() {
    DATABASE.open();
    memory::calls();
    send(&order("k", "")).unwrap();
    assert_eq!(memory::calls(), 2);
    send(&order("k", "")).unwrap();
    assert_eq!(memory::calls(), 1);
}
