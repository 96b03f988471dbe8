//! The keys that sign access tokens: `GET /.well-known/jwks.json` and
//! `stoa keys`.

use serde_json::Value;
use stoa_harness::Lattice;
use stoa_kit::Timestamp;

use super::Person;
use super::time::database_of;

/// The ids of the keys that are published.
fn published(lattice: &Lattice) -> Vec<String> {
    let answer = lattice.anonymous().get("/.well-known/jwks.json").send();
    let answer = answer.expect(200);
    assert_eq!(answer.header("content-type"), "application/jwk-set+json");
    let keys = answer.body["keys"].as_array().expect("a list").iter();
    let id = |key: &Value| {
        for (name, value) in [
            ("kty", "OKP"),
            ("crv", "Ed25519"),
            ("alg", "EdDSA"),
            ("use", "sig"),
        ] {
            assert_eq!(key[name], value);
        }
        assert!(key.get("d").is_none(), "the private half");
        key["kid"].as_str().expect("an id").to_owned()
    };
    keys.map(id).collect()
}

/// Lets the newest key take over at this time, and the one before until then.
fn take_over(lattice: &Lattice, time: Timestamp) {
    let mut database = database_of(lattice);
    let change = database.transaction().expect("a transaction");
    for set in [
        "UPDATE signing_keys SET signs_until = ?1 WHERE signs_until IS NOT NULL",
        "UPDATE signing_keys SET signs_from = ?1 WHERE signs_until IS NULL",
    ] {
        assert_eq!(change.execute(set, [time.0]), Ok(1));
    }
    change.commit().expect("the keys are changed");
}

pub(crate) fn keys_are_rotated_without_a_refused_request() {
    let lattice = Lattice::start();
    let person = Person::on(&lattice, "keys@auth.example");
    let old = published(&lattice);
    assert_eq!(old.len(), 1);
    let before = Timestamp::now().0;
    let said = lattice.stoa(&["keys", "rotate"]).expect("keys");
    let rotated = before..=Timestamp::now().0;
    assert!(
        said.contains("signs in ") && said.contains(&old[0]),
        "{said}"
    );
    let mut new = published(&lattice);
    new.retain(|id| *id != old[0]);
    assert_eq!(new.len(), 1, "both are published before the new one signs");

    // Everybody goes on as if nothing happened.
    let kid = |token: &str| {
        stoa_tokens::Unverified::parse(token)
            .expect("a token")
            .kid()
            .to_string()
    };
    let mut latest = person.clone();
    let mut signed_by = |expected: &str| {
        for _ in 0..20 {
            latest = latest.refreshed();
            assert_eq!(kid(&latest.access_token), expected);
            assert!(latest.is_known() && person.is_known());
        }
        latest.clone()
    };
    // The new one takes over after ten seconds. Nobody waits for them, and
    // nobody is too slow to see the time before.
    let select = "SELECT signs_from FROM signing_keys WHERE signs_until IS NULL";
    let signs_from = database_of(&lattice).query_row(select, [], |row| row.get::<_, i64>(0));
    assert!(rotated.contains(&(signs_from.expect("the new key") - 10_000)));
    take_over(&lattice, Timestamp::now().plus(60 * 60 * 1_000));
    signed_by(&old[0]);
    take_over(&lattice, Timestamp::now());
    let latest = signed_by(&new[0]);
    let said = lattice.stoa(&["keys", "list"]).expect("keys");
    assert!(said.contains(&format!("{}  signs\n", new[0])), "{said}");
    assert!(said.contains(&format!("{}  verifies\n", old[0])), "{said}");
    // So they do after a restart.
    let lattice = Lattice::start_on(lattice.stop());
    lattice
        .with_token(&person.access_token)
        .get("/sessions")
        .send()
        .expect(200);
    lattice
        .with_token(&latest.access_token)
        .get("/sessions")
        .send()
        .expect(200);
}
