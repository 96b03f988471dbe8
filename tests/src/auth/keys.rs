//! The keys that sign access tokens: `GET /.well-known/jwks.json` and
//! `stoa keys`.

use std::time::Duration;

use serde_json::Value;
use stoa_harness::{Lattice, eventually};

use super::Person;

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

pub(crate) fn keys_are_rotated_without_a_refused_request() {
    let lattice = Lattice::start();
    let person = Person::on(&lattice, "keys@auth.example");
    let old = published(&lattice);
    assert_eq!(old.len(), 1);
    let said = lattice.stoa(&["keys", "rotate"]).expect("keys");
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
    let mut signed_by_old = 0;
    eventually("tokens of the new key", || {
        latest = latest.refreshed();
        assert!(latest.is_known() && person.is_known());
        signed_by_old += usize::from(kid(&latest.access_token) == old[0]);
        std::thread::sleep(Duration::from_millis(50));
        kid(&latest.access_token) == new[0]
    });
    assert!(signed_by_old > 0 && latest.is_known() && person.is_known());
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
