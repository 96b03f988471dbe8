//! `POST /password`

use stoa_kit::{Problem, Request, Response};

use crate::caller::Caller;
use crate::fields::Entered;
use crate::peers::{directory, hasher};
use crate::queries::sessions::Which;
use crate::{credentials, outbox, peers, queries, revocation};

/// Changes the password of whoever asks and shows the one he has. All other
/// sessions end.
///
/// Errors: `unauthorized` (401), `invalid` (422), `invalid_credentials` (401),
/// `too_many_requests` (429).
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    let caller = Caller::of(request)?;
    let account = directory::find(caller.account)?
        .ok_or_else(|| Problem::invalid_token("The account is not there any more."))?;
    let mut form = request.form()?;
    let current: Option<Entered> = form.required("current_password");
    let password: Option<Entered> = form.required("password");
    let password =
        password.and_then(|password| password.choose(&mut form, "password", &account.email));
    let (current, password) = form.complete(|| Some((current?, password?)))?;

    let now = peers::now();
    let mut statements =
        credentials::check(&request.client, &account.id, Some(&account), &current, now)?;
    let hash = hasher::hash(password.as_str())?;
    statements.extend([
        queries::credentials::put(&account.id, &hash, now),
        queries::one_time::revoke_all(&account.id, now),
        outbox::password_changed(&account)?.statement(now),
        queries::sessions::end(&account.id, Which::Others(caller.session), now),
    ]);
    let outcomes = queries::unless_too_late(0, &statements)?.ok_or_else(credentials::wrong)?;
    outbox::nudge();
    revocation::announce(&queries::ids(outcomes)?, now);
    Ok(Response::no_content())
}
