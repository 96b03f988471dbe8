//! `POST /signup`

use serde_json::json;
use stoa_domain::{Email, Name};
use stoa_kit::{Id, Problem, Request, Response, Statement, Timestamp};

use crate::fields::Entered;
use crate::mail::{self, Mail};
use crate::one_time::Purpose;
use crate::peers::{Account, Refused, directory, hasher};
use crate::queries::{self, DATABASE};
use crate::throttle::{self, SIGN_UPS};
use crate::{outbox, peers};

/// How often an address is tried that is taken, and then not there.
const ATTEMPTS: usize = 3;

/// Makes an account with a password, and asks for a mail to its address.
///
/// Whoever asks learns nothing about an address that has an account already:
/// the answer is the same, after nearly the same work, and the mail tells the
/// owner.
/// As long as nobody has shown that mail arrives there, each sign-up has its
/// own password, and the one whose mail is confirmed is the account's.
///
/// Errors: `invalid` (422, one entry per field), `too_many_requests` (429).
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    let mut form = request.form()?;
    let email: Option<Email> = form.required("email");
    let name = form.or("name", Name::default());
    let password: Option<Entered> = form.required("password");
    let address = email.as_ref().map_or("", Email::as_str);
    let password = password.and_then(|password| password.choose(&mut form, "password", address));
    let (email, name, password) = form.complete(|| Some((email?, name?, password?)))?;

    let now = peers::now();
    throttle::count(&[SIGN_UPS.at(&request.client)], now, [])?;
    let hash = hasher::hash(password.as_str())?;
    let (account, is_new) = account(&email, &name)?;
    if is_new {
        let credential = queries::credentials::put(&account.id, &hash, now);
        confirm(&account, None, vec![credential], now)?;
    } else if account.email_verified {
        let kind = "account.signup_repeated";
        let mail = Mail::to_owner(kind, Purpose::Reset, Some(&account));
        DATABASE.transact(&mail::request(&mail, now)?)?;
    } else {
        confirm(&account, Some(&hash), Vec::new(), now)?;
    }
    outbox::nudge();
    Response::accepted(&json!({"email": email}))
}

/// The account with this address, and whether it was made just now.
fn account(email: &Email, name: &Name) -> Result<(Account, bool), Problem> {
    for _ in 0..ATTEMPTS {
        match directory::create(Id::new(), email, name) {
            Ok(account) => return Ok((account, true)),
            Err(Refused::EmailTaken) => {}
            Err(Refused::Problem(problem)) => return Err(problem),
        }
        if let Some(account) = directory::find_by_email(email)? {
            return Ok((account, false));
        }
    }
    Err(Problem::unavailable(
        "The accounts are being changed. Try again.",
        "an address was taken and not there, several times",
    ))
}

/// Asks for a mail that, once it is confirmed, makes `password` the account's.
fn confirm(
    account: &Account,
    password: Option<&str>,
    mut statements: Vec<Statement>,
    now: Timestamp,
) -> Result<(), Problem> {
    let mail = Mail {
        password,
        ..Mail::to_owner("email.verify_requested", Purpose::Verify, Some(account))
    };
    statements.extend(mail::request(&mail, now)?);
    DATABASE.transact(&statements)?;
    Ok(())
}
