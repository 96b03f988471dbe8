//! What clients see, and what is stored: through the same handlers, on a real
//! SQLite. The races are end-to-end tests.

use serde_json::{Value, json};
use stoa_kit::sql::Value as Column;
use stoa_kit::{Method, Problem, Response};

use crate::fixtures::{
    PASSWORD, Person, directory, hasher, open, person, post, realm, records, records_fail, revoked,
    sign_in, sign_up,
};
use crate::{keys, memory, one_time, operator, peers, revocation, sessions};

fn refused(answer: Result<Response, Problem>) -> (u16, &'static str) {
    let problem = answer.unwrap_err();
    (problem.status(), problem.code())
}

fn field(answer: Result<Response, Problem>) -> (String, &'static str) {
    let problem = answer.unwrap_err();
    assert_eq!((problem.status(), problem.errors().len()), (422, 1));
    let error = &problem.errors()[0];
    (
        serde_json::to_value(&error.place).unwrap()["pointer"].to_string(),
        error.code,
    )
}

fn refresh(token: &str) -> Result<Response, Problem> {
    post("/token", &json!({"refresh_token": token})).send()
}

fn refreshed(token: &str) -> Person {
    let body = refresh(token).unwrap().body;
    Person::of(&serde_json::from_str(&body).unwrap())
}

/// The events so far: kind and data.
fn events() -> Vec<(String, Value)> {
    let rows = memory::rows("SELECT type, data FROM outbox ORDER BY number");
    rows.into_iter()
        .map(|row| match &row[..] {
            [Column::Text(kind), Column::Text(data)] => {
                (kind.clone(), serde_json::from_str(data).unwrap())
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

fn kinds() -> Vec<String> {
    events().into_iter().map(|(kind, _)| kind).collect()
}

/// The token of the mail that was asked for last.
fn token() -> String {
    let (_, data) = events().pop().unwrap();
    let id = data["token_id"].as_str().unwrap();
    let id = stoa_kit::Id::parse(id, "token").unwrap();
    one_time::token(id, &keys::signer(peers::now()).unwrap().secret)
}

/// Lets time pass for what is stored.
fn age(table: &str, columns: &[&str], milliseconds: i64) {
    let set: Vec<_> = columns
        .iter()
        .map(|column| format!("{column} = {column} - {milliseconds}"))
        .collect();
    memory::rows(&format!("UPDATE {table} SET {}", set.join(", ")));
}

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

#[test]
fn a_sign_in_gives_tokens_and_says_whose_they_are() {
    open();
    let body = json!({"email": "Ann@example.com", "password": PASSWORD, "name": "Ann"});
    assert_eq!(post("/signup", &body).status(), 202);
    let response = sign_in("ANN@example.com", PASSWORD).send().unwrap();
    assert_eq!(response.get_header("cache-control"), Some("no-store"));
    let tokens: Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(
        (&tokens["token_type"], &tokens["expires_in"]),
        (&json!("Bearer"), &json!(600))
    );
    assert_eq!(tokens["account"]["email"], "Ann@example.com");
    assert_eq!(tokens["account"]["name"], "Ann");
    assert_eq!(tokens["account"]["email_verified"], false);
    assert_eq!(tokens["account"]["roles"], json!(["customer"]));

    let token = tokens["access_token"].as_str().unwrap();
    let unverified = stoa_tokens::Unverified::parse(token).unwrap();
    let entry = records::list("key/").unwrap().remove(0);
    let record = stoa_tokens::KeyRecord::from_json(&entry.value).unwrap();
    let claims = unverified
        .verify(Some(&record), &realm(), peers::now())
        .unwrap();
    let person = Person::of(&tokens);
    assert_eq!(
        (claims.sub.to_string(), claims.sid.to_string()),
        (person.account, person.session)
    );
}

#[test]
fn whatever_is_wrong_with_credentials_the_answer_is_the_same() {
    open();
    sign_up("ann@example.com");
    let wrong = sign_in("ann@example.com", "wrong").send().unwrap_err();
    let unknown = sign_in("bob@example.com", PASSWORD).send().unwrap_err();
    let say = |problem: Problem| {
        let response = problem.into_response("r");
        assert!(response.get_header("www-authenticate").is_some());
        (response.status, response.body)
    };
    let (status, said) = say(wrong);
    assert_eq!((status, &said), (401, &say(unknown).1));
    assert!(said.contains("\"invalid_credentials\""));
}

#[test]
fn what_cannot_be_a_body_is_named() {
    open();
    let valid = json!({"email": "ann@example.com", "password": PASSWORD});
    let with = |name: &str, value: Value| {
        let mut body = valid.clone();
        body[name] = value;
        field(post("/signup", &body).send())
    };
    let error = |pointer: &str, code| (format!("\"/{pointer}\""), code);
    assert_eq!(with("email", json!("ann")), error("email", "format"));
    assert_eq!(with("email", json!(null)), error("email", "required"));
    assert_eq!(
        with("password", json!("short")),
        error("password", "length")
    );
    assert_eq!(
        with("password", json!("password1")),
        error("password", "common")
    );
    assert_eq!(
        with("password", json!("ann@example.com")),
        error("password", "email")
    );
    assert_eq!(
        with("password", json!(12_345_678)),
        error("password", "type")
    );
    assert_eq!(with("name", json!("a\nb")), error("name", "characters"));
    assert_eq!(with("role", json!("admin")), error("role", "unknown"));
    assert_eq!(events(), []);

    let long = sign_in("ann@example.com", &"x".repeat(257));
    assert_eq!(field(long.send()), error("password", "length"));
    let grant = json!({"refresh_token": "x", "grant_type": "password"});
    assert_eq!(
        field(post("/token", &grant).send()),
        error("grant_type", "value")
    );
}

#[test]
fn a_sign_up_of_a_taken_address_is_answered_alike_and_tells_the_owner() {
    open();
    let ann = json!({"email": "ann@example.com", "password": PASSWORD});
    let first = post("/signup", &ann).send().unwrap();
    let verify = json!({"token": token()});
    assert_eq!(post("/verify", &verify).status(), 204);
    let other = json!({"email": "ann@example.com", "password": "another password"});
    let second = post("/signup", &other).send().unwrap();
    assert_eq!((second.status, &second.body), (first.status, &first.body));
    assert_eq!(
        kinds(),
        ["email.verify_requested", "account.signup_repeated"]
    );
    assert_eq!(sign_in("ann@example.com", "another password").status(), 401);
    assert_eq!(sign_in("ann@example.com", PASSWORD).status(), 200);
    // The mail has a way out for who has forgotten that he has an account.
    let reset = json!({"token": token(), "password": "a new password"});
    assert_eq!(post("/password/reset", &reset).status(), 204);
    assert_eq!(sign_in("ann@example.com", "a new password").status(), 200);
}

#[test]
fn of_several_sign_ups_the_one_whose_mail_is_confirmed_has_the_password() {
    open();
    let stranger = person("ann@example.com");
    let own = json!({"email": "ann@example.com", "password": "my own password"});
    assert_eq!(post("/signup", &own).status(), 202);
    assert_eq!(sign_in("ann@example.com", "my own password").status(), 401);
    let confirm = json!({"token": token()});
    assert_eq!(post("/verify", &confirm).status(), 204);
    assert_eq!(sign_in("ann@example.com", PASSWORD).status(), 401);
    assert_eq!(sign_in("ann@example.com", "my own password").status(), 200);
    assert_eq!(
        refused(refresh(&stranger.refresh_token)),
        (401, "invalid_grant")
    );
    assert_eq!(revoked(), 1);
    assert_eq!(kinds().last().unwrap(), "password.changed");
    let hashes = memory::rows("SELECT 1 FROM one_time_tokens WHERE password IS NOT NULL");
    assert!(hashes.is_empty());
}

#[test]
fn a_refresh_token_is_good_for_one_exchange_and_its_successor_for_the_next() {
    open();
    let ann = person("ann@example.com");
    let mut token = ann.refresh_token.clone();
    for _ in 0..5 {
        let next = refreshed(&token);
        assert_eq!(next.session, ann.session);
        assert_ne!(next.refresh_token, token);
        token = next.refresh_token;
    }
    let rows = memory::rows("SELECT generation FROM sessions");
    assert_eq!(rows, [[Column::Integer(5)]]);
    assert!(!format!("{:?}", memory::rows("SELECT * FROM sessions")).contains(&token));
}

#[test]
fn a_token_exchanged_a_moment_ago_gets_the_same_successor() {
    open();
    let ann = person("ann@example.com");
    let next = refreshed(&ann.refresh_token).refresh_token;
    age("sessions", &["used"], 10_000);
    assert_eq!(refreshed(&ann.refresh_token).refresh_token, next);
    refreshed(&next);
}

#[test]
fn a_reused_refresh_token_revokes_its_family() {
    open();
    let ann = person("ann@example.com");
    let second = refreshed(&ann.refresh_token).refresh_token;
    age("sessions", &["used"], 10_001);
    assert_eq!(refused(refresh(&ann.refresh_token)), (401, "invalid_grant"));
    assert_eq!(refused(refresh(&second)), (401, "invalid_grant"));
    assert_eq!(revoked(), 1);

    let bob = person("bob@example.com");
    let second = refreshed(&bob.refresh_token).refresh_token;
    let third = refreshed(&second).refresh_token;
    assert_eq!(
        refused(refresh(&bob.refresh_token)),
        (401, "invalid_grant"),
        "two behind"
    );
    assert_eq!(refused(refresh(&third)), (401, "invalid_grant"));
    assert_eq!(revoked(), 2);
}

#[test]
fn a_token_that_is_none_ends_nobodys_session() {
    open();
    let ann = person("ann@example.com");
    // Of the session, as whoever knows its id could make it.
    let mut forged = ann.refresh_token.clone().into_bytes();
    let last = forged.last_mut().unwrap();
    *last = if *last == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    for bad in [forged.as_str(), "", "x", &"A".repeat(64), &ann.session] {
        assert_eq!(refused(refresh(bad)), (401, "invalid_grant"), "{bad}");
    }
    refreshed(&ann.refresh_token);
}

#[test]
fn a_session_ends_after_14_days_without_use_and_after_30_in_any_case() {
    open();
    let ann = person("ann@example.com");
    age("sessions", &["used", "created"], 14 * DAY - MINUTE);
    let ann = refreshed(&ann.refresh_token);
    age("sessions", &["used", "created"], 14 * DAY);
    assert_eq!(refused(refresh(&ann.refresh_token)), (401, "invalid_grant"));

    let bob = person("bob@example.com");
    age("sessions", &["created"], 30 * DAY - MINUTE);
    let bob = refreshed(&bob.refresh_token);
    age("sessions", &["created"], MINUTE);
    assert_eq!(refused(refresh(&bob.refresh_token)), (401, "invalid_grant"));
    let list = bob.asks(Method::Get, "/sessions").body();
    assert_eq!(list["data"], json!([]));
}

#[test]
fn new_tokens_have_the_roles_of_now_and_a_deleted_account_gets_none() {
    open();
    let ann = person("ann@example.com");
    directory::grant(&ann.account, stoa_kit::Role::Admin).unwrap();
    let tokens = refresh(&ann.refresh_token).unwrap().body;
    let tokens: Value = serde_json::from_str(&tokens).unwrap();
    assert_eq!(tokens["account"]["roles"], json!(["customer", "admin"]));
    directory::delete(&ann.account);
    let next = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(refused(refresh(next)), (401, "invalid_grant"));
    assert_eq!(revoked(), 1);
    assert_eq!(sign_in("ann@example.com", PASSWORD).status(), 401);
}

#[test]
fn signing_out_ends_this_session_or_the_others_or_all() {
    open();
    let one = person("ann@example.com");
    let sessions = || -> Vec<_> {
        (0..2)
            .map(|_| Person::of(&sign_in("ann@example.com", PASSWORD).body()))
            .collect()
    };
    let out = |person: &Person, method, scope: &str| {
        let ask = person.asks(method, "/signout");
        let query = [("scope", scope)];
        (if scope.is_empty() {
            ask
        } else {
            ask.query(&query)
        })
        .status()
    };
    let others = sessions();
    assert_eq!(out(&one, Method::Get, ""), 204);
    assert_eq!(
        out(&one, Method::Post, "local"),
        204,
        "once more does no harm"
    );
    assert_eq!(revoked(), 1);
    assert_eq!(refused(refresh(&one.refresh_token)), (401, "invalid_grant"));
    assert_eq!(out(&others[0], Method::Post, "others"), 204);
    assert_eq!(revoked(), 2);
    let here = refreshed(&others[0].refresh_token);
    assert_eq!(
        refused(refresh(&others[1].refresh_token)),
        (401, "invalid_grant")
    );
    let more = sessions();
    assert_eq!(out(&more[0], Method::Post, "global"), 204);
    assert_eq!(revoked(), 5);
    for gone in [&here, &more[0], &more[1]] {
        assert_eq!(
            refused(refresh(&gone.refresh_token)),
            (401, "invalid_grant")
        );
    }
    assert_eq!(out(&one, Method::Post, "all"), 400);
    assert_eq!(post("/signout", &json!({})).status(), 401);
}

#[test]
fn what_the_gateway_could_not_be_told_it_is_told_later() {
    open();
    let ann = person("ann@example.com");
    records_fail(true);
    assert_eq!(ann.asks(Method::Post, "/signout").status(), 204);
    records_fail(false);
    assert_eq!(revoked(), 0);
    let now = peers::now();
    revocation::catch_up(now).unwrap();
    assert_eq!(revoked(), 1);
    crate::fixtures::records_vanish();
    revocation::catch_up(now).unwrap();
    assert_eq!(revoked(), 0, "once is enough");
}

#[test]
fn people_see_their_own_sessions_and_end_any_of_them() {
    open();
    let bob = person("bob@example.com");
    sign_up("ann@example.com");
    let on = |device: &str| {
        let ask = sign_in("ann@example.com", PASSWORD).header("user-agent", device);
        Person::of(&ask.body())
    };
    let (phone, laptop) = (on("Phone"), on(&"L".repeat(300)));
    age("sessions", &["used", "created"], 1_000);
    let laptop = refreshed(&laptop.refresh_token);
    let list = phone.asks(Method::Get, "/sessions").body();
    assert_eq!(list["next"], Value::Null);
    let [first, second] = &list["data"].as_array().unwrap()[..] else {
        panic!("{list}");
    };
    assert_eq!(
        (&first["id"], &first["current"]),
        (&json!(laptop.session), &json!(false))
    );
    assert_eq!(
        (&second["id"], &second["current"]),
        (&json!(phone.session), &json!(true))
    );
    assert_eq!(first["device"].as_str().unwrap().len(), 200);
    assert_eq!(
        (&second["device"], &second["ip"]),
        (&json!("Phone"), &json!("192.0.2.1"))
    );
    assert!(first["last_used"].as_str() > first["created"].as_str());

    let end = |by: &Person, id: &str| {
        let ask = by.asks(Method::Delete, &format!("/sessions/{id}"));
        ask.send()
            .map_or_else(|problem| problem.status(), |response| response.status)
    };
    assert_eq!(end(&bob, &laptop.session), 404, "another's");
    assert_eq!(end(&phone, "42"), 404);
    assert_eq!(end(&phone, &laptop.session), 204);
    assert_eq!(end(&phone, &laptop.session), 404);
    assert_eq!(
        refused(refresh(&laptop.refresh_token)),
        (401, "invalid_grant")
    );
}

#[test]
fn an_account_has_a_hundred_sessions_and_the_oldest_makes_room() {
    open();
    let first = person("ann@example.com");
    age("sessions", &["used"], 1_000);
    for _ in 0..100 {
        sign_in("ann@example.com", PASSWORD).body();
    }
    let list = first.asks(Method::Get, "/sessions").body();
    assert_eq!(list["data"].as_array().unwrap().len(), 100);
    assert_eq!(
        refused(refresh(&first.refresh_token)),
        (401, "invalid_grant")
    );
}

#[test]
fn an_address_is_verified_by_the_token_of_its_mail_once() {
    open();
    let ann = person("ann@example.com");
    let (kind, data) = events().pop().unwrap();
    assert_eq!(
        (kind.as_str(), &data["email"]),
        ("email.verify_requested", &json!("ann@example.com"))
    );
    let verify = json!({"token": token()});
    assert_eq!(post("/verify", &verify).status(), 204);
    let tokens = sign_in("ann@example.com", PASSWORD).body();
    assert_eq!(tokens["account"]["email_verified"], true);
    assert_eq!(
        refused(post("/verify", &verify).send()),
        (400, "invalid_one_time_token")
    );
    refreshed(&ann.refresh_token);
    assert_eq!(
        kinds(),
        ["email.verify_requested"],
        "nothing else has changed"
    );
}

#[test]
fn a_one_time_token_is_good_for_ten_minutes_after_it_was_taken_for_a_mail() {
    open();
    let ann = person("ann@example.com");
    let verify = json!({"token": token()});
    age("one_time_tokens", &["created", "expires"], 10 * MINUTE);
    assert_eq!(post("/verify", &verify).status(), 400);
    let (_, data) = events().pop().unwrap();
    let id = data["token_id"].as_str().unwrap().to_owned();
    let take = || {
        use crate::bindings::exports::stoa::auth::one_time::Guest as _;
        crate::Auth::token(id.clone()).unwrap().unwrap()
    };
    assert_eq!(take(), Some(token()));
    age("one_time_tokens", &["expires"], 9 * MINUTE);
    assert_eq!(post("/verify", &verify).status(), 204);
    assert_eq!(take(), None, "used");

    assert_eq!(ann.asks(Method::Post, "/verify/resend").status(), 202);
    assert_eq!(kinds().len(), 1, "it is verified");
}

#[test]
fn mail_is_asked_for_five_times_an_hour_at_most() {
    open();
    let ann = person("ann@example.com");
    for _ in 0..10 {
        assert_eq!(ann.asks(Method::Post, "/verify/resend").status(), 202);
    }
    assert_eq!(kinds().len(), 5);
    age("one_time_tokens", &["created"], 61 * MINUTE);
    assert_eq!(ann.asks(Method::Post, "/verify/resend").status(), 202);
    assert_eq!(kinds().len(), 6);
}

#[test]
fn who_forgot_his_password_sets_a_new_one_and_is_signed_out_everywhere() {
    open();
    let ann = person("ann@example.com");
    let forgot = |email: &str| {
        let response = post("/password/forgot", &json!({"email": email}))
            .send()
            .unwrap();
        (response.status, response.body)
    };
    let (status, said) = forgot("ann@example.com");
    assert_eq!(
        (status, said),
        (202, json!({"email": "ann@example.com"}).to_string())
    );
    assert_eq!(forgot("bob@example.com").0, 202);
    assert_eq!(
        kinds(),
        ["email.verify_requested", "password.reset_requested"]
    );
    let reset = |token: &str, password: &str| {
        post(
            "/password/reset",
            &json!({"token": token, "password": password}),
        )
        .send()
    };
    let token = token();
    assert_eq!(field(reset(&token, "password1")).1, "common");
    assert_eq!(field(reset(&token, "ann@example.com")).1, "email");
    assert_eq!(
        refused(reset("none", "a new password")),
        (400, "invalid_one_time_token")
    );
    assert_eq!(reset(&token, "a new password").unwrap().status, 204);
    assert_eq!(
        refused(reset(&token, "a new password")),
        (400, "invalid_one_time_token")
    );
    assert_eq!(kinds().last().unwrap(), "password.changed");
    assert_eq!(refused(refresh(&ann.refresh_token)), (401, "invalid_grant"));
    assert_eq!(revoked(), 1);
    assert_eq!(sign_in("ann@example.com", PASSWORD).status(), 401);
    let tokens = sign_in("ann@example.com", "a new password").body();
    assert_eq!(
        tokens["account"]["email_verified"], true,
        "the mail has arrived"
    );
}

#[test]
fn a_token_for_one_purpose_is_none_for_another() {
    open();
    sign_up("ann@example.com");
    let verify = token();
    post("/password/forgot", &json!({"email": "ann@example.com"}))
        .send()
        .unwrap();
    let reset = token();
    let body = json!({"token": verify, "password": "a new password"});
    assert_eq!(post("/password/reset", &body).status(), 400);
    assert_eq!(post("/verify", &json!({"token": reset})).status(), 400);
}

#[test]
fn a_password_is_changed_by_whoever_knows_it() {
    open();
    let ann = person("ann@example.com");
    let other = Person::of(&sign_in("ann@example.com", PASSWORD).body());
    let change = |current: &str, password: &str| {
        let body = json!({"current_password": current, "password": password});
        ann.posts("/password", &body).send()
    };
    assert_eq!(
        refused(change("wrong", "a new password")),
        (401, "invalid_credentials")
    );
    assert_eq!(field(change(PASSWORD, "short")).1, "length");
    assert_eq!(change(PASSWORD, "a new password").unwrap().status, 204);
    assert_eq!(sign_in("ann@example.com", "a new password").status(), 200);
    refreshed(&ann.refresh_token);
    assert_eq!(
        refused(refresh(&other.refresh_token)),
        (401, "invalid_grant")
    );
    assert_eq!(revoked(), 1);
    assert_eq!(kinds().last().unwrap(), "password.changed");
}

#[test]
fn another_address_is_the_accounts_when_its_mail_is_confirmed() {
    open();
    let ann = person("ann@example.com");
    sign_up("bob@example.com");
    let change = |email: &str, password: &str| {
        let body = json!({"email": email, "current_password": password});
        ann.posts("/email", &body).send()
    };
    assert_eq!(
        refused(change("new@example.com", "wrong")),
        (401, "invalid_credentials")
    );
    for email in ["bob@example.com", "new@example.com"] {
        assert_eq!(change(email, PASSWORD).unwrap().status, 202);
        let (kind, data) = events().pop().unwrap();
        assert_eq!(
            (kind.as_str(), &data["email"]),
            ("email.change_requested", &json!(email))
        );
        if email == "bob@example.com" {
            let taken = post("/verify", &json!({"token": token()})).send();
            assert_eq!(refused(taken), (409, "email_taken"));
        }
    }
    assert_eq!(sign_in("new@example.com", PASSWORD).status(), 401);
    assert_eq!(post("/verify", &json!({"token": token()})).status(), 204);
    let tokens = sign_in("new@example.com", PASSWORD).body();
    assert_eq!(tokens["account"]["email_verified"], true);
    assert_eq!(tokens["account"]["id"], json!(ann.account));
    refreshed(&ann.refresh_token);
}

#[test]
fn a_hash_with_old_parameters_is_renewed() {
    open();
    sign_up("ann@example.com");
    memory::rows("UPDATE credentials SET hash = 'old ' || hash");
    assert_eq!(sign_in("ann@example.com", "wrong").status(), 401);
    assert_eq!(sign_in("ann@example.com", PASSWORD).status(), 200);
    let hash = Column::Text(hasher::hash(PASSWORD).unwrap());
    assert_eq!(memory::rows("SELECT hash FROM credentials"), [[hash]]);
}

#[test]
fn guesses_are_slowed_down_and_good_tries_are_not() {
    open();
    sign_up("ann@example.com");
    for _ in 0..50 {
        assert_eq!(sign_in("ann@example.com", PASSWORD).status(), 200);
    }
    for email in ["ann@example.com", "nobody@example.com"] {
        for _ in 0..4 {
            assert_eq!(sign_in(email, "wrong").status(), 401);
        }
        assert_eq!(sign_in(email, "wrong").status(), 429);
        assert_eq!(
            sign_in(email, PASSWORD).status(),
            429,
            "however right it is"
        );
    }
    let mut elsewhere = sign_in("ann@example.com", PASSWORD);
    elsewhere.0.client = "192.0.2.2".to_owned();
    assert_eq!(elsewhere.status(), 200, "the owner is somewhere else");
}

#[test]
fn tokens_that_are_none_are_slowed_down_and_good_ones_are_not() {
    open();
    let ann = person("ann@example.com");
    for _ in 0..17 {
        assert_eq!(refused(refresh("none")).0, 401);
        let none = json!({"token": "none", "password": "a new password"});
        assert_eq!(post("/verify", &none).status(), 422, "one field too many");
        assert_eq!(post("/verify", &json!({"token": "none"})).status(), 400);
        assert_eq!(post("/password/reset", &none).status(), 400);
    }
    assert_eq!(refused(refresh("none")), (429, "too_many_requests"));
    assert_eq!(post("/verify", &json!({"token": "none"})).status(), 429);
    refreshed(&ann.refresh_token);
    assert_eq!(post("/verify", &json!({"token": token()})).status(), 204);
}

#[test]
fn a_hasher_that_is_away_costs_nobody_a_try() {
    open();
    sign_up("ann@example.com");
    records_fail(true);
    for _ in 0..20 {
        assert_eq!(sign_in("ann@example.com", PASSWORD).status(), 503);
    }
    records_fail(false);
    assert_eq!(sign_in("ann@example.com", PASSWORD).status(), 200);
}

#[test]
fn an_operator_makes_administrators_and_tokens_for_them() {
    use crate::bindings::exports::stoa::auth::operator::Done;
    open();
    let create = |email: &str, password: &str| {
        operator::create_admin(email, "Ann".to_owned(), password, peers::now())
    };
    let token = |email: &str| operator::access_token(email, peers::now());
    assert!(
        token("ann@example.com")
            .unwrap_err()
            .contains("no administrator")
    );
    assert!(
        create("ann", PASSWORD)
            .unwrap_err()
            .starts_with("the address must")
    );
    assert!(
        create("ann@example.com", "short")
            .unwrap_err()
            .starts_with("the password must")
    );
    assert_eq!(create("ann@example.com", PASSWORD), Ok(Done::Created));
    let tokens = sign_in("ann@example.com", PASSWORD).body();
    assert_eq!(tokens["account"]["roles"], json!(["customer", "admin"]));
    assert_eq!(tokens["account"]["email_verified"], true);
    assert_eq!(
        create("ann@example.com", "another password"),
        Ok(Done::Promoted)
    );
    assert_eq!(sign_in("ann@example.com", "another password").status(), 401);
    token("ann@example.com").unwrap();

    sign_up("bob@example.com");
    let verify = json!({"token": self::token()});
    assert_eq!(post("/verify", &verify).status(), 204);
    assert!(token("bob@example.com").is_err());
    assert_eq!(
        create("bob@example.com", "another password"),
        Ok(Done::Promoted)
    );
    assert_eq!(sign_in("bob@example.com", PASSWORD).status(), 200);
}

#[test]
fn an_administrator_is_never_a_stranger_who_took_the_address_before() {
    use crate::bindings::exports::stoa::auth::operator::Done;
    open();
    let stranger = person("boss@example.com");
    let verify = json!({"token": token()});
    let created = operator::create_admin(
        "boss@example.com",
        String::new(),
        "the boss's own password",
        peers::now(),
    );
    assert_eq!(created, Ok(Done::Created));
    assert_eq!(
        refused(refresh(&stranger.refresh_token)),
        (401, "invalid_grant")
    );
    assert_eq!(revoked(), 1);
    assert_eq!(sign_in("boss@example.com", PASSWORD).status(), 401);
    assert_eq!(
        sign_in("boss@example.com", "the boss's own password").status(),
        200
    );
    assert_eq!(post("/verify", &verify).status(), 400);
}

#[test]
fn what_an_intruder_asked_for_is_useless_once_the_owner_is_back() {
    open();
    let ann = person("ann@example.com");
    let move_away = json!({"email": "eve@example.com", "current_password": PASSWORD});
    assert_eq!(ann.posts("/email", &move_away).status(), 202);
    let away = json!({"token": token()});
    post("/password/forgot", &json!({"email": "ann@example.com"}))
        .send()
        .unwrap();
    let body = json!({"token": token(), "password": "a new password"});
    assert_eq!(post("/password/reset", &body).status(), 204);
    assert_eq!(
        refused(post("/verify", &away).send()),
        (400, "invalid_one_time_token")
    );
    assert_eq!(sign_in("ann@example.com", "a new password").status(), 200);
}

#[test]
fn a_password_of_another_sign_up_is_none_once_the_address_is_verified() {
    open();
    sign_up("ann@example.com");
    let own = json!({"token": token()});
    let body = json!({"email": "ann@example.com", "password": "a stranger's password"});
    assert_eq!(post("/signup", &body).status(), 202);
    let (kind, data) = events().pop().unwrap();
    assert_eq!(
        (kind.as_str(), &data["replaces_password"]),
        ("email.verify_requested", &json!(true))
    );
    let strangers = json!({"token": token()});
    assert_eq!(post("/verify", &own).status(), 204);
    assert_eq!(post("/verify", &strangers).status(), 400);
    assert_eq!(sign_in("ann@example.com", PASSWORD).status(), 200);
}

#[test]
fn a_token_that_was_sent_to_another_address_resets_nothing() {
    open();
    let ann = person("ann@example.com");
    post("/password/forgot", &json!({"email": "ann@example.com"}))
        .send()
        .unwrap();
    directory::change_email(&ann.account, "new@example.com").unwrap();
    let body = json!({"token": token(), "password": "a new password"});
    assert_eq!(post("/password/reset", &body).status(), 400);
}

#[test]
fn a_password_that_changes_while_it_is_checked_is_the_wrong_one() {
    let change = "UPDATE credentials SET hash = 'hash of something else'";
    for path in ["/signin", "/password", "/email"] {
        open();
        let ann = person("ann@example.com");
        let before = memory::rows("SELECT id FROM sessions").len();
        let body = match path {
            "/signin" => json!({"email": "ann@example.com", "password": PASSWORD}),
            "/password" => json!({"current_password": PASSWORD, "password": "a new password"}),
            _ => json!({"current_password": PASSWORD, "email": "new@example.com"}),
        };
        // The transactions before count the try, and the mail.
        let before_it = if path == "/email" { 2 } else { 1 };
        memory::interfere(vec!["SELECT 1"; before_it].into_iter().chain([change]));
        let answer = ann.posts(path, &body).send();
        assert_eq!(refused(answer), (401, "invalid_credentials"), "{path}");
        assert_eq!(
            memory::rows("SELECT id FROM sessions").len(),
            before,
            "{path}"
        );
        let hash = memory::rows("SELECT hash FROM credentials");
        assert_eq!(
            hash,
            [[Column::Text("hash of something else".to_owned())]],
            "{path}"
        );
        assert_eq!(kinds(), ["email.verify_requested"], "{path}");
    }
}

#[test]
fn a_session_that_has_ended_ends_no_others() {
    open();
    let gone = person("ann@example.com");
    gone.asks(Method::Post, "/signout").send().unwrap();
    let here = Person::of(&sign_in("ann@example.com", PASSWORD).body());
    for scope in ["others", "global"] {
        let ask = gone
            .asks(Method::Post, "/signout")
            .query(&[("scope", scope)]);
        assert_eq!(refused(ask.send()), (401, "invalid_token"));
    }
    refreshed(&here.refresh_token);
}

#[test]
fn an_account_that_is_gone_is_forgotten() {
    open();
    let ann = person("ann@example.com");
    sessions::forget(&ann.account, peers::now()).unwrap();
    assert_eq!(revoked(), 1);
    for table in [
        "credentials",
        "one_time_tokens",
        "sessions WHERE ended IS NULL",
    ] {
        assert_eq!(
            memory::rows(&format!("SELECT 1 FROM {table}")).len(),
            0,
            "{table}"
        );
    }
    let bob = person("bob@example.com");
    sessions::end_all(&bob.account, peers::now()).unwrap();
    assert_eq!(refused(refresh(&bob.refresh_token)), (401, "invalid_grant"));
    assert_eq!(sign_in("bob@example.com", PASSWORD).status(), 200);
}

#[test]
fn what_time_has_made_useless_is_deleted() {
    open();
    let ann = person("ann@example.com");
    ann.asks(Method::Post, "/signout").send().unwrap();
    let now = peers::now();
    keys::rotate(now).unwrap();
    let count = |table: &str| memory::rows(&format!("SELECT 1 FROM {table}")).len();
    crate::housekeeping::delete_old(now).unwrap();
    let tables = ["throttle", "one_time_tokens", "sessions", "signing_keys"];
    assert_eq!(tables.map(count), [2, 1, 1, 2]);
    crate::housekeeping::delete_old(now.plus(5 * DAY)).unwrap();
    assert_eq!(tables.map(count), [0, 0, 0, 1]);
    assert_eq!(count("credentials"), 1);
}

#[test]
fn no_secret_is_in_an_event() {
    open();
    let ann = person("ann@example.com");
    let verify = token();
    let all = format!("{:?}", memory::rows("SELECT * FROM outbox"));
    for secret in [&verify, &ann.refresh_token, PASSWORD] {
        assert!(!all.contains(secret), "{all}");
    }
    let stored = format!("{:?}", memory::rows("SELECT * FROM one_time_tokens"));
    assert!(!stored.contains(&verify), "{stored}");
}

#[test]
fn other_paths_and_methods_are_not_there() {
    open();
    for (method, path) in [
        (Method::Get, "/signin"),
        (Method::Put, "/signout"),
        (Method::Get, "/sessions/1"),
        (Method::Post, "/verify/again"),
        (Method::Get, "/"),
    ] {
        let ask = crate::fixtures::Ask::new(method, path);
        assert_eq!(refused(ask.send()), (404, "no_route"));
    }
}
