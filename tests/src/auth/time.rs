//! What time does: sessions and tokens end, hashes grow old. Nobody waits for
//! it: what is stored is made older.

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use rusqlite::Connection;
use serde_json::json;

use super::mail::{events, taken, token};
use super::{PASSWORD, Person, refresh, sign_in};
use crate::shared;

const MINUTE: i64 = 60 * 1_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// The database of auth, to be written to beside the lattice.
fn database() -> Connection {
    let path = shared().folder().join("data/auth.db");
    let database = Connection::open(path).expect("a database");
    let patience = std::time::Duration::from_secs(10);
    database.busy_timeout(patience).expect("a time-out");
    database
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
    age_sessions(&person, 14 * DAY - MINUTE, 14 * DAY - MINUTE);
    let person = person.refreshed();
    age_sessions(&person, 0, 14 * DAY);
    refresh(&person.visitor, &person.refresh_token).problem(401, "invalid_grant");
    let person = Person::new("absolute@auth.example");
    age_sessions(&person, 30 * DAY - MINUTE, 0);
    let person = person.refreshed();
    age_sessions(&person, MINUTE, 0);
    refresh(&person.visitor, &person.refresh_token).problem(401, "invalid_grant");
}

pub(crate) fn the_token_before_is_taken_for_ten_seconds_and_ends_the_session_then() {
    let person = Person::new("leeway@auth.example");
    let next = person.refreshed();
    age_sessions(&person, 0, 8_000);
    assert_eq!(person.refreshed().refresh_token, next.refresh_token);
    age_sessions(&person, 0, 2_100);
    refresh(&person.visitor, &person.refresh_token).problem(401, "invalid_grant");
    next.is_signed_out();
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
