//! What time does: sessions and tokens end, hashes grow old. Nobody waits for
//! it: what is stored is made older.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use rusqlite::Connection;
use serde_json::json;
use stoa_harness::{Client, Lattice, patience};
use stoa_kit::Timestamp;

use super::mail::{events, taken, token};
use super::{PASSWORD, Person, refresh, sign_in};
use crate::shared;

const MINUTE: i64 = 60 * 1_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How long the token before is taken.
const LEEWAY: i64 = 10_000;

/// The database of auth, to be written to beside the lattice.
pub(super) fn database_of(lattice: &Lattice) -> Connection {
    let path = lattice.folder().join("data/auth.db");
    let database = Connection::open(path).expect("a database");
    let turn = patience(Duration::from_mins(1));
    database.busy_timeout(turn).expect("a time-out");
    database
}

fn database() -> Connection {
    database_of(shared())
}

/// How much longer a wait is made.
pub(super) const HALF_AN_HOUR: i64 = 30 * MINUTE;

/// Makes the wait of whoever has guessed from this client's address half an
/// hour longer, so that nobody is so slow that it is over. Until when it was.
pub(super) fn make_wait(lattice: &Lattice, client: &Client) -> i64 {
    let address = client.address().expect("an address of its own");
    let longer = "UPDATE throttle SET until = until + ?2 \
                  WHERE name LIKE 'password ' || ?1 || ' %' AND until > 0 RETURNING until - ?2";
    let parameters = (address.to_string(), HALF_AN_HOUR);
    let until = database_of(lattice).query_row(longer, parameters, |row| row.get(0));
    until.expect("a wait")
}

/// Sets when a person's session was used last, in milliseconds from now.
fn use_session(database: &Connection, person: &Person, from_now: i64) {
    let changed = database.execute(
        "UPDATE sessions SET used = ?2 WHERE account = ?1",
        (&person.id, Timestamp::now().plus(from_now).0),
    );
    assert_eq!(changed, Ok(1));
}

/// Does something that may take longer than the token before is taken: its
/// exchange is always now.
pub(super) fn stays_young<T>(person: &Person, act: impl FnOnce() -> T) -> T {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let database = database();
            while !is_over.load(Ordering::Relaxed) {
                use_session(&database, person, 0);
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let done = panic::catch_unwind(AssertUnwindSafe(act));
        is_over.store(true, Ordering::Relaxed);
        done.unwrap_or_else(|failure| panic::resume_unwind(failure))
    })
}

/// Makes a person's sessions older: made and used so long ago.
fn age_sessions(person: &Person, created: i64, used: i64) {
    let changed = database().execute(
        "UPDATE sessions SET created = created - ?2, used = used - ?3 WHERE account = ?1",
        (&person.id, created, used),
    );
    assert_eq!(changed, Ok(1));
}

pub(crate) fn a_session_ends_after_14_days_without_use_and_30_days_in_all() {
    let person = Person::new("idle@auth.example");
    age_sessions(&person, 14 * DAY - HOUR, 14 * DAY - HOUR);
    let person = person.refreshed();
    age_sessions(&person, 0, 14 * DAY);
    refresh(&person.visitor, &person.refresh_token).problem(401, "invalid_grant");
    let person = Person::new("absolute@auth.example");
    age_sessions(&person, 30 * DAY - HOUR, 0);
    let person = person.refreshed();
    age_sessions(&person, HOUR, 0);
    refresh(&person.visitor, &person.refresh_token).problem(401, "invalid_grant");
}

pub(crate) fn the_token_before_is_taken_for_ten_seconds_and_ends_the_session_then() {
    let (person, next) = taken_in_the_leeway();
    use_session(&database(), &person, -LEEWAY - 1);
    refresh(&person.visitor, &person.refresh_token).problem(401, "invalid_grant");
    next.is_signed_out();
}

/// Somebody whose token was taken once more shortly before it was too late,
/// and what the exchange gave. How shortly depends on how long it takes to ask:
/// who was refused, but after the ten seconds, has learnt nothing.
fn taken_in_the_leeway() -> (Person, Person) {
    for left in [1_000, 3_000, 6_000, 9_000] {
        let person = Person::new(&format!("leeway.{left}@auth.example"));
        let next = person.refreshed();
        let asked = Instant::now();
        use_session(&database(), &person, left - LEEWAY);
        let answer = refresh(&person.visitor, &person.refresh_token);
        if answer.status == 200 || asked.elapsed().as_millis() < left.cast_unsigned().into() {
            let again = Person::of(&person.visitor, &answer.expect(200));
            assert_eq!(again.refresh_token, next.refresh_token);
            return (person, next);
        }
    }
    panic!("a request takes longer than nine seconds");
}

pub(crate) fn the_token_of_a_mail_is_good_for_ten_minutes_after_it_was_taken() {
    let person = Person::new("late@auth.example");
    let token = token(shared(), &person.id);
    let age = |milliseconds: i64| {
        let changed = database().execute(
            "UPDATE one_time_tokens SET expires = expires - ?2 WHERE account = ?1",
            (&person.id, milliseconds),
        );
        assert_eq!(changed, Ok(1));
    };
    let verify = || {
        let body = json!({ "token": token });
        person.visitor.post("/verify", &body).send()
    };
    age(10 * MINUTE);
    verify().problem(400, "invalid_one_time_token");
    // A mail that was late takes it anew.
    let event = events(shared(), &person.id).pop().expect("an event");
    let id = event.data["token_id"].as_str().expect("an id");
    assert_eq!(taken(shared(), id).as_ref(), Some(&token));
    age(9 * MINUTE);
    verify().expect(204);
}

pub(crate) fn a_hash_with_other_parameters_is_renewed_at_the_next_sign_in() {
    let person = Person::new("hash@auth.example");
    let params = Params::new(8 * 1024, 1, 1, Some(32)).expect("parameters");
    let old = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_with_salt(PASSWORD.as_bytes(), b"sixteen bytes...")
        .expect("a hash")
        .to_string();
    let database = database();
    let changed = database.execute(
        "UPDATE credentials SET hash = ?2 WHERE account = ?1",
        (&person.id, &old),
    );
    assert_eq!(changed, Ok(1));
    let stored = || -> String {
        let select = "SELECT hash FROM credentials WHERE account = ?1";
        let found = database.query_row(select, [&person.id], |row| row.get(0));
        found.expect("a hash")
    };
    sign_in(&person.visitor, &person.email, "a wrong one").expect(401);
    assert_eq!(stored(), old);
    sign_in(&person.visitor, &person.email, PASSWORD).expect(200);
    let renewed = stored();
    assert!(
        renewed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{renewed}"
    );
    sign_in(&person.visitor, &person.email, PASSWORD).expect(200);
    assert_eq!(stored(), renewed);
}
