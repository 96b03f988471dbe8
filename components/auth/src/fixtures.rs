//! For tests: the services that this one calls, in memory, and requests.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use serde_json::{Value, json};
use stoa_kit::keyvalue::Entry;
use stoa_kit::{Identity, Method, Principal, Problem, Role, Timestamp};
use stoa_tokens::Realm;

use crate::memory;
use crate::peers::Account;

thread_local! {
    static ACCOUNTS: RefCell<Vec<Account>> = const { RefCell::new(Vec::new()) };
    static RECORDS: RefCell<BTreeMap<String, String>> = const { RefCell::new(BTreeMap::new()) };
    static FAILING: Cell<bool> = const { Cell::new(false) };
}

/// The first thing in a test: nobody there, nothing stored.
pub(crate) fn open() {
    memory::open();
    ACCOUNTS.take();
    RECORDS.take();
    FAILING.set(false);
}

/// The time of every test: only what is stored is made older.
pub(crate) fn now() -> Timestamp {
    Timestamp(1_800_000_000_000)
}

pub(crate) fn realm() -> Realm {
    Realm::new("https://shop.example")
}

/// Lets key-value fail, or not.
pub(crate) fn records_fail(fail: bool) {
    FAILING.set(fail);
}

/// Lets everything in key-value be gone.
pub(crate) fn records_vanish() {
    RECORDS.take();
}

/// The sessions of which the gateway was told.
pub(crate) fn revoked() -> usize {
    records::list("revoked/").unwrap().len()
}

/// The key-value bucket.
pub(crate) mod records {
    use super::*;

    pub(crate) fn list(prefix: &str) -> Result<Vec<Entry>, Problem> {
        RECORDS.with_borrow(|records| {
            let entries = records.iter().filter(|(key, _)| key.starts_with(prefix));
            Ok(entries
                .map(|(key, value)| Entry {
                    key: key.clone(),
                    value: value.clone(),
                    revision: 1,
                })
                .collect())
        })
    }

    pub(crate) fn put(key: &str, value: &str) -> Result<(), Problem> {
        if FAILING.get() {
            return Err(Problem::unavailable("It is away.", "a test"));
        }
        RECORDS.with_borrow_mut(|records| records.insert(key.to_owned(), value.to_owned()));
        Ok(())
    }
}

/// The accounts.
#[expect(clippy::unnecessary_wraps, reason = "the real one may be away")]
pub(crate) mod directory {
    use stoa_domain::{Email, Name};
    use stoa_kit::{Id, Role};

    use super::*;
    use crate::peers::Refused;

    pub(crate) fn create(id: Id, email: &Email, name: &Name) -> Result<Account, Refused> {
        if find_by_email(email).unwrap().is_some() {
            return Err(Refused::EmailTaken);
        }
        let account = Account {
            id: id.to_string(),
            email: email.as_str().to_owned(),
            email_verified: false,
            name: name.0.clone(),
            roles: vec![Role::Customer],
            created: 0,
            version: 1,
        };
        ACCOUNTS.with_borrow_mut(|accounts| accounts.push(account.clone()));
        Ok(account)
    }

    pub(crate) fn find(id: &str) -> Result<Option<Account>, Problem> {
        Ok(change(|account| account.id == id, |_| {}))
    }

    pub(crate) fn find_by_email(email: &Email) -> Result<Option<Account>, Problem> {
        let has = |account: &Account| Email::parse(&account.email).unwrap().is_same_as(email);
        Ok(change(has, |_| {}))
    }

    pub(crate) fn verify_email(id: &str, email: &str) -> Result<Option<Account>, Problem> {
        let is_it = |account: &Account| account.id == id && account.email == email;
        Ok(change(is_it, |account| account.email_verified = true))
    }

    pub(crate) fn change_email(id: &str, email: &str) -> Result<Option<Account>, Refused> {
        let taken = find_by_email(&Email::parse(email).unwrap()).unwrap();
        if taken.is_some_and(|account| account.id != id) {
            return Err(Refused::EmailTaken);
        }
        Ok(change(
            |account| account.id == id,
            |account| {
                email.clone_into(&mut account.email);
                account.email_verified = true;
            },
        ))
    }

    pub(crate) fn grant(id: &str, role: Role) -> Result<Option<Account>, Problem> {
        Ok(change(
            |account| account.id == id,
            |account| account.roles.push(role),
        ))
    }

    /// Deletes an account.
    pub(crate) fn delete(id: &str) {
        ACCOUNTS.with_borrow_mut(|accounts| accounts.retain(|account| account.id != id));
    }

    fn change(is_it: impl Fn(&Account) -> bool, act: impl FnOnce(&mut Account)) -> Option<Account> {
        ACCOUNTS.with_borrow_mut(|accounts| {
            let account = accounts.iter_mut().find(|account| is_it(account))?;
            act(account);
            Some(account.clone())
        })
    }
}

/// Hashes that are no work: a test about flows hashes hundreds of times.
pub(crate) mod hasher {
    use super::*;
    use crate::peers::Verdict;

    pub(crate) fn hash(password: &str) -> Result<String, Problem> {
        if FAILING.get() {
            return Err(Problem::unavailable("It is away.", "a test"));
        }
        Ok(format!("hash of {password}"))
    }

    pub(crate) fn check(password: &str, known: Option<&str>) -> Result<Verdict, Problem> {
        let right = hash(password)?;
        Ok(match known {
            Some(known) if known == right => Verdict::Right,
            Some(known) if known == format!("old {right}") => Verdict::RightButOld,
            _ => Verdict::Wrong,
        })
    }
}

/// A request that is being put together.
pub(crate) type Ask = stoa_fixtures::Ask<crate::Auth>;

/// A POST of JSON.
pub(crate) fn post(path: &str, body: &Value) -> Ask {
    Ask::new(Method::Post, path).json(body)
}

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) account: String,
    pub(crate) session: String,
    pub(crate) refresh_token: String,
}

impl Person {
    /// The person to whom these tokens were given.
    pub(crate) fn of(tokens: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let refresh_token = text(&tokens["refresh_token"]);
        let session = crate::refresh_token::RefreshToken::parse(&refresh_token).unwrap();
        Self {
            account: text(&tokens["account"]["id"]),
            session: session.session().to_string(),
            refresh_token,
        }
    }

    /// A request by this person.
    pub(crate) fn asks(&self, method: Method, path: &str) -> Ask {
        let mut ask = Ask::new(method, path);
        ask.0.principal = Principal::Account(Identity {
            account_id: self.account.clone(),
            session_id: self.session.clone(),
            roles: vec![Role::Customer],
        });
        ask
    }

    /// A POST of JSON by this person.
    pub(crate) fn posts(&self, path: &str, body: &Value) -> Ask {
        self.asks(Method::Post, path).json(body)
    }
}

/// The password of everybody here.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Signs somebody up.
pub(crate) fn sign_up(email: &str) {
    let body = json!({"email": email, "password": PASSWORD});
    assert_eq!(post("/signup", &body).status(), 202);
}

/// A request to sign in.
pub(crate) fn sign_in(email: &str, password: &str) -> Ask {
    post("/signin", &json!({"email": email, "password": password}))
}

/// Signs somebody up and in.
pub(crate) fn person(email: &str) -> Person {
    sign_up(email);
    Person::of(&sign_in(email, PASSWORD).body())
}
