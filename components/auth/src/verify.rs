//! `POST /verify`

use stoa_kit::{Problem, Request, Response, Timestamp};

use crate::one_time::{Purpose, Shown, refused};
use crate::peers::directory;
use crate::queries::one_time::Found;
use crate::queries::sessions::Which;
use crate::throttle::{self, TOKENS};
use crate::{outbox, peers, queries, revocation};

/// Takes the token of a mail: mail to that address arrives. It is the
/// account's from now on, if it was not, and so is the password of the sign-up
/// that asked for the mail.
///
/// Errors: `invalid` (422), `invalid_one_time_token` (400), `email_taken`
/// (409), `too_many_requests` (429) after many tokens that are none.
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    let mut form = request.form()?;
    let token: Option<Shown> = form.required("token");
    let token = form.complete(|| token)?;

    let now = peers::now();
    let purposes = [Purpose::Verify, Purpose::Email];
    let Some(found) = queries::one_time::find(&token.0, purposes, now)? else {
        throttle::count(&[TOKENS.at(&request.client)], now, [])?;
        return Err(refused());
    };
    match (found.purpose, &found.password) {
        (Purpose::Email, _) => change(&found, now)?,
        (_, Some(hash)) => confirm(&found, hash, &request.id, now)?,
        (_, None) => verify(&found, now)?,
    }
    Ok(Response::no_content())
}

/// Another address for the account. The token is used up first: if it was
/// revoked at this moment, nothing must happen.
fn change(found: &Found, now: Timestamp) -> Result<(), Problem> {
    let statements = [
        queries::one_time::consume(&found.id, now),
        // What was sent to the old address is no good any more.
        queries::one_time::revoke_all(&found.account, now),
    ];
    queries::unless_too_late(0, &statements)?.ok_or_else(refused)?;
    directory::change_email(&found.account, &found.email)?.ok_or_else(refused)?;
    Ok(())
}

/// A sign-up for an address that had an account of which nobody had shown that
/// it is his: its password takes the place of the other, whose sessions end.
fn confirm(found: &Found, hash: &str, request: &str, now: Timestamp) -> Result<(), Problem> {
    let account = directory::find(&found.account)?
        .filter(|account| account.email == found.email)
        .ok_or_else(refused)?;
    let statements = [
        queries::one_time::consume(&found.id, now),
        queries::credentials::put(&account.id, hash, now),
        queries::one_time::revoke_all(&account.id, now),
        outbox::password_changed(&account)?.statement(now),
        queries::sessions::end(&account.id, Which::All, now),
    ];
    let outcomes = queries::unless_too_late(0, &statements)?.ok_or_else(refused)?;
    outbox::nudge();
    revocation::announce(&queries::ids(outcomes)?, now);
    // The password is set; that the mail has arrived can be shown once more.
    if let Err(problem) = directory::verify_email(&found.account, &found.email) {
        problem.log(request);
    }
    Ok(())
}

/// The address of the account, and nothing else. It may be noted twice, so the
/// token is used up last.
fn verify(found: &Found, now: Timestamp) -> Result<(), Problem> {
    directory::verify_email(&found.account, &found.email)?.ok_or_else(refused)?;
    let statements = [
        queries::one_time::consume(&found.id, now),
        queries::one_time::revoke(&found.account, Purpose::Verify, now),
    ];
    queries::unless_too_late(0, &statements)?.ok_or_else(refused)?;
    Ok(())
}
