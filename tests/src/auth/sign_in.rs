//! `POST /signin`

use std::time::Instant;

use serde_json::{Value, json};
use stoa_harness::Lattice;
use stoa_kit::{Role, Timestamp};
use stoa_tokens::{Jwks, KeyRecord, Realm, Unverified};

use super::time::{HALF_AN_HOUR, make_wait};
use super::{PASSWORD, Person, at_once, credentials, sign_in, visitor, visitor_of};
use crate::shared;

pub(crate) fn tokens_come_as_oauth_has_them_and_say_whose_they_are() {
    let person = Person::new("Tokens@auth.example");
    let answer = sign_in(&person.visitor, "tokens@AUTH.example", PASSWORD).expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let mut body = answer.body.clone();
    let mut take = |name: &str| body[name].take();
    assert_eq!(
        (take("token_type"), take("expires_in")),
        (json!("Bearer"), json!(600))
    );
    assert_eq!(
        take("access_token")
            .as_str()
            .map(|token| token.split('.').count()),
        Some(3)
    );
    assert_eq!(take("refresh_token").as_str().map(str::len), Some(64));
    let expected = json!({"id": person.id, "email": "Tokens@auth.example",
        "email_verified": false, "name": "", "roles": ["customer"]});
    assert_eq!(take("account"), expected);
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(5));
}

pub(crate) fn an_access_token_says_who_it_is_about_for_ten_minutes_and_how_to_check_it() {
    let person = Person::new("claims.of@auth.example");
    let jwks = shared().anonymous().get("/.well-known/jwks.json").send();
    let jwks: Jwks = serde_json::from_str(&jwks.expect(200).text).expect("keys");
    let token = Unverified::parse(&person.access_token).expect("a token");
    let key = jwks.keys.iter().find(|key| key.kid() == token.kid());
    let now = Timestamp::now();
    let record = KeyRecord::new(key.expect("its key").clone(), now);
    let claims = token.verify(Some(&record), &Realm::new("stoa"), now);
    let claims = claims.expect("a good one");
    assert_eq!(claims.sub.to_string(), person.id);
    assert_eq!((claims.iss.as_str(), claims.aud.as_str()), ("stoa", "stoa"));
    assert_eq!((claims.exp - claims.iat, claims.nbf), (600, claims.iat));
    assert_eq!(claims.roles, [Role::Customer]);
    assert_ne!(claims.jti, claims.sid);
}

pub(crate) fn whatever_is_wrong_with_them_credentials_are_refused_alike() {
    let person = Person::new("alike@auth.example");
    let of = |email: &str, password: &str| {
        let answer = sign_in(&person.visitor, email, password);
        let answer = answer.problem(401, "invalid_credentials");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"stoa\"");
        answer.body["detail"].clone()
    };
    let wrong = of("alike@auth.example", "not the password");
    assert_eq!(of("nobody@auth.example", PASSWORD), wrong);
    assert_eq!(of("alike@auth.example", &PASSWORD.to_uppercase()), wrong);
    let deleted = Person::new("alike.deleted@auth.example");
    deleted.client.delete(&deleted.path()).send().expect(204);
    assert_eq!(of("alike.deleted@auth.example", PASSWORD), wrong);
    let body: Value = json!({"email": "alike@auth.example"});
    let answer = person.visitor.post("/signin", &body).send();
    answer
        .problem(422, "invalid")
        .names(&[("/password", "required")]);
}

pub(crate) fn guesses_are_slowed_down_for_that_account_from_there() {
    let person = Person::new("guesses@auth.example");
    let guess = || sign_in(&person.visitor, "guesses@auth.example", "a wrong one");
    for _ in 0..3 {
        guess().expect(401);
    }
    let timed = |status: u16| {
        let before = Timestamp::now().0;
        let answer = guess().expect(status);
        (answer, before..=Timestamp::now().0)
    };
    // The fourth begins the first wait, which is a second.
    let (_, counted) = timed(401);
    let until = make_wait(shared(), &person.visitor);
    assert!(counted.contains(&(until - 1_000)), "{until}, {counted:?}");
    let (answer, refused) = timed(429);
    let answer = answer.problem(429, "too_many_requests");
    let seconds: i64 = answer.header("retry-after").parse().expect("seconds");
    // The second that has begun is counted.
    let latest = until + HALF_AN_HOUR - 1_000 * (seconds - 1);
    assert!(latest >= *refused.start() && latest - 1_000 < *refused.end());
    sign_in(&person.visitor, "guesses@auth.example", PASSWORD).expect(429);
    sign_in(&visitor(), "guesses@auth.example", PASSWORD).expect(200);
    let other = Person {
        visitor: person.visitor.clone(),
        ..Person::new("guessed@auth.example")
    };
    other.again();
}

pub(crate) fn guesses_at_the_same_time_do_not_slip_by() {
    let person = Person::new("parallel@auth.example");
    let begun = Instant::now();
    let answers = at_once(40, |number| {
        sign_in(
            &person.visitor,
            "parallel@auth.example",
            &format!("guess number {number}"),
        )
    });
    let checked = answers.iter().filter(|answer| answer.status == 401).count();
    assert!(
        answers
            .iter()
            .all(|answer| [401, 429].contains(&answer.status))
    );
    // Three are free, and the fourth begins the wait: a second, then two, four.
    let passed = begun.elapsed();
    let waited = usize::try_from((passed.as_secs() + 1).ilog2()).expect("a few");
    let most = 4 + waited;
    assert!((1..=most).contains(&checked), "{checked} in {passed:?}");
}

pub(crate) fn a_restart_forgets_no_guess() {
    let lattice = Lattice::start();
    let visitor = visitor_of(&lattice);
    visitor
        .post("/signup", &credentials("restart@auth.example"))
        .send()
        .expect(202);
    for _ in 0..4 {
        sign_in(&visitor, "restart@auth.example", "a wrong one").expect(401);
    }
    make_wait(&lattice, &visitor);
    let lattice = Lattice::start_on(lattice.stop());
    let again = visitor.on(&lattice.anonymous());
    sign_in(&again, "restart@auth.example", PASSWORD).problem(429, "too_many_requests");
    sign_in(&visitor_of(&lattice), "restart@auth.example", PASSWORD).expect(200);
}
