//! `POST /verify`

use stoa_kit::{Problem, Request, Response, Timestamp};

use crate::one_time::{Purpose, Shown, refused};
use crate::outbox::Event;
use crate::peers::{Account, directory};
use crate::queries::one_time::Found;
use crate::queries::sessions::Which;
use crate::throttle::{self, TOKENS};
use crate::{queries, revocation};

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

    let now = Timestamp::now();
    let rule = TOKENS.at(&request.client);
    throttle::check(&rule, now)?;
    let purposes = [Purpose::Verify, Purpose::Email];
    let Some(found) = queries::one_time::find(&token.0, purposes, now)? else {
        throttle::note(&rule, now)?;
        return Err(refused());
    };
    // The account first: it may be told twice, the token is used up once.
    let account = if found.purpose == Purpose::Email {
        directory::change_email(&found.account, &found.email)?
    } else {
        directory::verify_email(&found.account, &found.email)?
    };
    settle(&found, &account.ok_or_else(refused)?, now)?;
    Ok(Response::no_content())
}

/// Uses the token up, with what follows from it.
fn settle(found: &Found, account: &Account, now: Timestamp) -> Result<(), Problem> {
    let mut statements = vec![queries::one_time::consume(&found.id, now)];
    match (found.purpose, &found.password) {
        (Purpose::Verify, Some(hash)) => statements.extend([
            // Whoever signed up before has not shown that it is his address.
            queries::sessions::end(&account.id, Which::All, now),
            queries::credentials::put(&account.id, hash, now),
            queries::one_time::revoke(&account.id, Purpose::Verify, now),
            queries::outbox::record(&Event::password_changed(account), now),
        ]),
        // What was sent to the old address is no good any more.
        (Purpose::Email, _) => statements.extend([
            queries::one_time::revoke(&account.id, Purpose::Reset, now),
            queries::one_time::revoke(&account.id, Purpose::Verify, now),
        ]),
        _ => {}
    }
    let outcomes = queries::unless_too_late(0, &statements)?.ok_or_else(refused)?;
    if found.password.is_some()
        && let Some(ended) = outcomes.into_iter().nth(1)
    {
        revocation::announce(&queries::ids(ended)?, now);
    }
    Ok(())
}
