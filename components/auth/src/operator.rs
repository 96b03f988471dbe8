//! What whoever runs the lattice does (see `wit/stoa-auth/operator.wit`).

use stoa_domain::{Email, Name};
use stoa_kit::{Id, Problem, Role, Timestamp};
use stoa_passwords::Password;

use crate::bindings::exports::stoa::auth::operator::{Done, Guest, Key};
use crate::peers::{Account, Refused, directory, hasher};
use crate::queries::sessions::Which;
use crate::queries::{self, DATABASE};
use crate::{keys, peers, revocation, session};

/// What the sessions of operators' tokens are called.
const DEVICE: &str = "stoa admin token";

impl Guest for crate::Auth {
    fn create_admin(email: String, name: String, password: String) -> Result<Done, String> {
        create_admin(&email, name, &password, peers::now())
    }

    fn access_token(email: String) -> Result<String, String> {
        access_token(&email, peers::now())
    }

    fn signing_keys(rotate: bool) -> Result<Vec<Key>, String> {
        signing_keys(rotate, peers::now()).map_err(|problem| said(&problem))
    }
}

pub(crate) fn create_admin(
    email: &str,
    name: String,
    password: &str,
    now: Timestamp,
) -> Result<Done, String> {
    let email = address(email)?;
    let name = Name::parse(name).map_err(|reason| format!("the name {reason}"))?;
    Password::chosen(password, email.as_str())
        .map_err(|refusal| format!("the password {refusal}"))?;
    make_admin(&email, &name, password, now).map_err(|problem| said(&problem))
}

fn make_admin(email: &Email, name: &Name, password: &str, now: Timestamp) -> Result<Done, Problem> {
    let hash = hasher::hash(password)?;
    let found = match directory::find_by_email(email)? {
        None => match directory::create(Id::new(), email, name) {
            Err(Refused::EmailTaken) => directory::find_by_email(email)?,
            created => Some(created?),
        },
        found => found,
    };
    let account =
        found.ok_or_else(|| Problem::unavailable("The accounts are being changed.", "gone"))?;
    let id = &account.id;
    let done = if account.email_verified && queries::credentials::has(id)? {
        Done::Promoted
    } else {
        // Nobody has shown yet that the account is his: it is the operator's,
        // and whoever signed up with the address has no part in it.
        let outcomes = DATABASE.transact(&[
            queries::credentials::put(id, &hash, now),
            queries::one_time::revoke_all(id, now),
            queries::sessions::end(id, Which::All, now),
        ])?;
        revocation::announce(&queries::ids(outcomes)?, now);
        Done::Created
    };
    // In this order: until the address is verified, all of it may be done again.
    directory::grant(id, Role::Admin)?;
    directory::verify_email(id, &account.email)?;
    Ok(done)
}

pub(crate) fn access_token(email: &str, now: Timestamp) -> Result<String, String> {
    let found = directory::find_by_email(&address(email)?).map_err(|problem| said(&problem))?;
    let is_admin = |account: &Account| account.roles.contains(&Role::Admin);
    let account = found.filter(is_admin).ok_or_else(|| {
        format!("{email} is no administrator: `stoa admin create --email {email}` makes one")
    })?;
    let opened = session::open_on(&account, DEVICE, "", now, Vec::new());
    let tokens = opened.map_err(|problem| said(&problem))?;
    tokens
        .map(|tokens| tokens.access_token)
        .ok_or_else(|| "the session was not stored".to_owned())
}

fn signing_keys(rotate: bool, now: Timestamp) -> Result<Vec<Key>, Problem> {
    if rotate {
        keys::rotate(now)?;
    }
    keys::signer(now)?;
    let shown = |key: keys::Key| Key {
        id: key.pair.verifying_key().kid().to_string(),
        signs_from: key.signs_from.0,
        signs_until: key.signs_until.map(|until| until.0),
    };
    Ok(keys::list()?.into_iter().map(shown).collect())
}

fn address(text: &str) -> Result<Email, String> {
    Email::parse(text).map_err(|(_, reason)| format!("the address {reason}"))
}

fn said(problem: &Problem) -> String {
    problem.log("operator");
    problem.detail().to_owned()
}
