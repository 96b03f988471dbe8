//! Access tokens that nobody should take, at the gateway: forged by hand, and
//! signed by the real key but saying what auth would not.

use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use stoa_harness::{Answer, Lattice};
use stoa_kit::{Id, Role, Timestamp};
use stoa_tokens::{Claims, Realm, SigningKey};

use super::{Person, REFUSAL, mail};
use crate::shared;

/// Whoever has the signing key of a lattice.
pub(crate) struct Forge(SigningKey);

impl Forge {
    pub(crate) fn of(lattice: &Lattice) -> Self {
        let seed: String = mail::database(lattice, "auth")
            .query_row("SELECT seed FROM signing_keys", [], |row| row.get(0))
            .expect("a key");
        Self(SigningKey::from_text(&seed).expect("a key"))
    }

    /// What auth would say of somebody who signed in so many seconds ago.
    fn claims(person: &Person, seconds: i64) -> Claims {
        let id = |text: &str| Id::parse(text, "thing").expect("an id");
        let token = stoa_tokens::Unverified::parse(&person.access_token).expect("a token");
        let now = Timestamp::now().plus(-1_000 * seconds);
        let realm = Realm::new(Realm::ISSUER);
        Claims::new(
            &realm,
            id(&person.id),
            token.session(),
            vec![Role::Customer],
            now,
        )
    }

    /// A token of somebody's session that has ended.
    pub(crate) fn expired(&self, person: &Person) -> String {
        self.0.sign(&Self::claims(person, 700))
    }
}

/// The answer to a request with this token.
fn with(token: &str) -> Answer {
    let client = shared().with_token(token);
    client.get("/sessions").send()
}

#[track_caller]
fn refused(what: &str, token: &str) {
    let answer = with(token);
    assert_eq!(answer.status, 401, "{what}: {}", answer.text);
    let answer = answer.problem(401, "invalid_token");
    assert_eq!(answer.header("www-authenticate"), REFUSAL, "{what}");
}

/// The published key with this id.
fn published(kid: &str) -> Value {
    let jwks = shared().anonymous().get("/.well-known/jwks.json").send();
    let keys = jwks.expect(200).body["keys"].take();
    let mut keys = keys.as_array().expect("a list").iter();
    let found = keys.find(|key| key["kid"] == kid);
    found.expect("the key is published").clone()
}

fn encoded(json: &Value) -> String {
    base64(json.to_string().as_bytes())
}

/// Base64url without padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut bits = 0_u32;
        for index in 0..3 {
            bits = bits << 8 | u32::from(chunk.get(index).copied().unwrap_or_default());
        }
        for index in 0..=chunk.len() {
            let letter = bits >> (18 - 6 * index) & 63;
            text.push(char::from(LETTERS[letter as usize]));
        }
    }
    text
}

pub(crate) fn a_token_that_was_changed_is_refused() {
    let person = Person::new("changed@auth.example");
    with(&person.access_token).expect(200);
    let token = &person.access_token;
    let parts: Vec<_> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        panic!("{token}");
    };
    let mut admin = Forge::claims(&person, 0);
    admin.roles.push(Role::Admin);
    for (what, token) in [
        ("no signature", format!("{header}.{claims}.")),
        ("two parts", format!("{header}.{claims}")),
        ("four parts", format!("{token}.{signature}")),
        (
            "null signature",
            format!("{header}.{claims}.{}", "A".repeat(86)),
        ),
        (
            "other claims",
            format!("{header}.{}.{signature}", encoded(&json!(admin))),
        ),
        ("padding", format!("{token}==")),
        ("a space inside", format!("{header}. {claims}.{signature}")),
        ("the last letter", format!("{}B", &token[..token.len() - 1])),
        ("upper case", token.to_uppercase()),
        ("too long", format!("{token}{}", "A".repeat(5_000))),
    ] {
        if token != person.access_token {
            refused(what, &token);
        }
    }
}

pub(crate) fn a_tokens_header_chooses_nothing() {
    let person = Person::new("header@auth.example");
    let parts: Vec<_> = person.access_token.split('.').collect();
    let kid = stoa_tokens::Unverified::parse(&person.access_token)
        .expect("a token")
        .kid()
        .to_string();
    let own = SigningKey::from_seed(&[7; 32]);
    let jwk = json!(own.verifying_key());
    let header = |members: Value| {
        let mut header = json!({"alg": "EdDSA", "kid": kid, "typ": "at+jwt"});
        for (name, value) in members.as_object().expect("members") {
            header[name] = value.clone();
        }
        format!("{}.{}.{}", encoded(&header), parts[1], parts[2])
    };
    for members in [
        json!({"alg": "none"}),
        json!({"alg": "None"}),
        json!({"alg": "HS256"}),
        json!({"alg": "RS256"}),
        json!({"alg": "ES256"}),
        json!({"alg": ["EdDSA"]}),
        json!({"typ": "JWT"}),
        json!({"kid": "../../etc/passwd"}),
        json!({"kid": "' OR '1'='1"}),
        json!({"kid": own.verifying_key().kid().as_str()}),
        json!({"kid": null}),
        json!({"jwk": jwk}),
        json!({"jku": "https://evil.example/jwks.json"}),
        json!({"x5u": "https://evil.example/cert.pem"}),
        json!({"x5c": ["MIIB"]}),
        json!({"crit": ["b64"], "b64": false}),
    ] {
        refused(&members.to_string(), &header(members.clone()));
    }
    // As it is taken by whoever believes the algorithm, or the key, that a
    // token names.
    let claims = Forge::claims(&person, 0);
    refused("signed by another key", &own.sign(&claims));
    // The public key as if it were the secret of an HMAC: as its JWK, and as
    // it is written there.
    let public = published(&kid);
    let jwk = public.to_string();
    let x = public["x"].as_str().expect("a key").to_owned();
    for secret in [jwk.as_bytes(), x.as_bytes()] {
        let header = encoded(&json!({"alg": "HS256", "kid": kid, "typ": "at+jwt"}));
        let signed = format!("{header}.{}", parts[1]);
        let mut hmac = Hmac::<Sha256>::new_from_slice(secret).expect("a key");
        hmac.update(signed.as_bytes());
        let signature = base64(&hmac.finalize().into_bytes());
        refused(
            "HS256 with the public key",
            &format!("{signed}.{signature}"),
        );
    }
    let unsigned = format!(
        "{}.{}.",
        encoded(&json!({"alg": "none", "typ": "at+jwt"})),
        parts[1]
    );
    refused("alg none without a key", &unsigned);
}

pub(crate) fn the_right_key_is_not_enough() {
    let person = Person::new("claims@auth.example");
    let forge = Forge::of(shared());
    let signed = |change: &dyn Fn(&mut Claims)| {
        let mut claims = Forge::claims(&person, 0);
        change(&mut claims);
        forge.0.sign(&claims)
    };
    with(&signed(&|_| {})).expect(200);
    refused("expired", &forge.expired(&person));
    refused("issuer", &signed(&|claims| claims.iss = "other".into()));
    refused("audience", &signed(&|claims| claims.aud = "other".into()));
    refused("too long a life", &signed(&|claims| claims.exp += 3_600));
    refused(
        "not yet",
        &signed(&|claims| {
            claims.iat += 60;
            claims.nbf += 60;
            claims.exp += 60;
        }),
    );
    refused("begins later", &signed(&|claims| claims.nbf += 60));
    refused(
        "ends before it begins",
        &signed(&|claims| claims.exp = claims.iat - 1),
    );
}

pub(crate) fn nothing_that_a_client_sends_beside_its_token_says_who_it_is() {
    let person = Person::new("beside@auth.example");
    let admin = json!({"name": "Eve"});
    for (name, value) in [
        ("x-user-id", "admin"),
        ("x_user_id", "admin"),
        ("x-account-id", "admin"),
        ("x-stoa-roles", "admin"),
        ("x-stoa-principal", "{\"roles\":[\"admin\"]}"),
        ("x-forwarded-user", "admin"),
        ("forwarded", "for=127.0.0.1;by=admin"),
    ] {
        let request = person.client.post("/products", &admin);
        request.header(name, value).send().problem(403, "forbidden");
    }
    // What is counted by address cannot be had by another's name either.
    let visitor = super::visitor();
    let guess = |number: usize| {
        let body = json!({"email": person.email, "password": "a wrong one"});
        let request = visitor.post("/signin", &body);
        request
            .header("x-forwarded-for", &format!("10.0.0.{number}"))
            .send()
    };
    for number in 0..4 {
        guess(number).expect(401);
    }
    super::time::make_wait(shared(), &visitor);
    guess(4).problem(429, "too_many_requests");
}
