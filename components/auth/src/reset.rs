//! `POST /password/reset`

use stoa_kit::{Problem, Request, Response};

use crate::fields::Entered;
use crate::one_time::{Purpose, Shown, refused};
use crate::peers::{directory, hasher};
use crate::queries::sessions::Which;
use crate::throttle::{self, TOKENS};
use crate::{outbox, peers, queries, revocation};

/// Sets a new password by the token of a mail. All sessions end, and the
/// address is verified.
///
/// Errors: `invalid` (422; the token is not used up), `invalid_one_time_token`
/// (400), `too_many_requests` (429) after many tokens that are none.
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    let mut form = request.form()?;
    let token: Option<Shown> = form.required("token");
    let password: Option<Entered> = form.required("password");

    let now = peers::now();
    let token = token.as_ref().map_or("", |token| &token.0);
    let found = queries::one_time::find(token, [Purpose::Reset; 2], now)?;
    // Which passwords are no good depends on the address.
    let email = found.as_ref().map_or("", |found| &found.email);
    let password = password.and_then(|password| password.choose(&mut form, "password", email));
    let password = form.complete(|| password)?;
    let Some(found) = found else {
        throttle::count(&[TOKENS.at(&request.client)], now, [])?;
        return Err(refused());
    };
    let account = directory::find(&found.account)?
        .filter(|account| account.email == found.email)
        .ok_or_else(refused)?;
    let hash = hasher::hash(password.as_str())?;
    let statements = [
        queries::one_time::consume(&found.id, now),
        queries::credentials::put(&account.id, &hash, now),
        queries::one_time::revoke_all(&account.id, now),
        outbox::password_changed(&account)?.statement(now),
        queries::sessions::end(&account.id, Which::All, now),
    ];
    let outcomes = queries::unless_too_late(0, &statements)?.ok_or_else(refused)?;
    outbox::nudge();
    revocation::announce(&queries::ids(outcomes)?, now);
    // The mail has arrived; that is all it takes, and no reason to fail.
    if let Err(problem) = directory::verify_email(&found.account, &found.email) {
        problem.log(&request.id);
    }
    Ok(Response::no_content())
}
