//! Who somebody is: signing up, in and out, over HTTP, and the tokens by which
//! the gateway knows it again. One file for each thing; what the email service
//! would do with events is in [`mail`].

pub(crate) mod forgery;
pub(crate) mod keys;
pub(crate) mod mail;
pub(crate) mod operator;
pub(crate) mod owner;
pub(crate) mod password;
pub(crate) mod refresh;
pub(crate) mod secrets;
pub(crate) mod sessions;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
pub(crate) mod sign_up;
pub(crate) mod time;
pub(crate) mod verify;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};
use stoa_harness::{Answer, Client, Lattice, until};

use crate::shared;

/// What is said of a token that is no good.
pub(crate) const REFUSAL: &str = "Bearer realm=\"stoa\", error=\"invalid_token\"";

/// The password of everybody here.
pub(crate) const PASSWORD: &str = "a password for tests only";

/// A client at an address of its own: what is counted by address meets nobody
/// else's.
pub(crate) fn visitor_of(lattice: &Lattice) -> Client {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    lattice.from_address(IpAddr::V4(Ipv4Addr::new(127, 1 + high, low, 1)))
}

/// One on the lattice that tests share.
pub(crate) fn visitor() -> Client {
    visitor_of(shared())
}

/// The body of a sign-up or sign-in with the usual password.
pub(crate) fn credentials(email: &str) -> Value {
    json!({"email": email, "password": PASSWORD})
}

/// Signs in.
pub(crate) fn sign_in(client: &Client, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    client.post("/signin", &body).send()
}

/// Exchanges a refresh token.
pub(crate) fn refresh(client: &Client, token: &str) -> Answer {
    client
        .post("/token", &json!({"refresh_token": token}))
        .send()
}

/// Asks again while there are more who ask than there is time for, which a slow
/// machine says (503, 504). What is asked for may be done once more.
pub(crate) fn patiently(ask: impl Fn() -> Answer) -> Answer {
    until("an answer", || {
        let answer = ask();
        let busy = [503, 504].contains(&answer.status);
        if busy {
            Err(Box::new(answer))
        } else {
            Ok(answer)
        }
    })
}

/// What comes of doing something so many times at the same time.
pub(crate) fn at_once<T: Send>(times: usize, act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let acts = (0..times).map(|number| {
        let act = &act;
        move || act(number)
    });
    crate::products::at_once(acts.collect())
}

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) id: String,
    /// Without a token.
    pub(crate) visitor: Client,
    /// With the access token.
    pub(crate) client: Client,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
}

impl Person {
    /// Signs somebody up and in, on the lattice that tests share.
    pub(crate) fn new(email: &str) -> Self {
        Self::on(shared(), email)
    }

    pub(crate) fn on(lattice: &Lattice, email: &str) -> Self {
        let visitor = visitor_of(lattice);
        visitor
            .post("/signup", &credentials(email))
            .send()
            .expect(202);
        Self::of(&visitor, &sign_in(&visitor, email, PASSWORD).expect(200))
    }

    /// Whoever got these tokens.
    pub(crate) fn of(visitor: &Client, answer: &Answer) -> Self {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let access_token = text(&answer.body["access_token"]);
        let refresh_token = text(&answer.body["refresh_token"]);
        secrets::remember(&[&access_token, &refresh_token]);
        Self {
            email: text(&answer.body["account"]["email"]),
            id: text(&answer.body["account"]["id"]),
            client: visitor.with_token(&access_token),
            visitor: visitor.clone(),
            access_token,
            refresh_token,
        }
    }

    /// The same account in another session.
    pub(crate) fn again(&self) -> Self {
        let answer = sign_in(&self.visitor, &self.email, PASSWORD);
        Self::of(&self.visitor, &answer.expect(200))
    }

    /// What comes of exchanging the refresh token.
    pub(crate) fn refreshed(&self) -> Self {
        let answer = refresh(&self.visitor, &self.refresh_token);
        Self::of(&self.visitor, &answer.expect(200))
    }

    /// The path of the account.
    pub(crate) fn path(&self) -> String {
        format!("/accounts/{}", self.id)
    }

    /// Whether the access token is taken.
    pub(crate) fn is_known(&self) -> bool {
        self.client.get("/sessions").send().status == 200
    }

    /// Checks that both tokens are refused from the next request on: who was
    /// told that a session has ended need not wait for it.
    #[track_caller]
    pub(crate) fn is_signed_out(&self) {
        let answer = self.client.get("/sessions").send();
        let answer = answer.problem(401, "invalid_token");
        assert_eq!(answer.header("www-authenticate"), REFUSAL);
        refresh(&self.visitor, &self.refresh_token).problem(401, "invalid_grant");
    }
}
