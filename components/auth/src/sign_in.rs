//! `POST /signin`

use stoa_domain::Email;
use stoa_kit::{Problem, Request, Response};

use crate::fields::Entered;
use crate::peers::directory;
use crate::{credentials, peers, session};

/// Opens a session for whoever shows the password of an account.
///
/// Errors: `invalid` (422), `invalid_credentials` (401) whatever is wrong with
/// them, `too_many_requests` (429).
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    let mut form = request.form()?;
    let email: Option<Email> = form.required("email");
    let password: Option<Entered> = form.required("password");
    let (email, password) = form.complete(|| Some((email?, password?)))?;

    let now = peers::now();
    let account = directory::find_by_email(&email)?;
    let more = credentials::check(
        &request.client,
        &email.key(),
        account.as_ref(),
        &password,
        now,
    )?;
    let account = account.ok_or_else(|| Problem::internal("nobody has a password"))?;
    session::open(&account, request, now, more)?.into_response()
}
