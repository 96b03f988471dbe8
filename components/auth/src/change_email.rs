//! `POST /email`

use serde_json::json;
use stoa_domain::Email;
use stoa_kit::{Problem, Request, Response};

use crate::caller::Caller;
use crate::fields::Entered;
use crate::mail::{self, Mail};
use crate::one_time::Purpose;
use crate::peers::directory;
use crate::throttle::{self, MAILS};
use crate::{credentials, outbox, peers, queries};

/// Asks for a mail to another address, which becomes the account's when the
/// mail is confirmed. Whether another account has it is not told before.
///
/// Errors: `unauthorized` (401), `invalid` (422), `invalid_credentials` (401),
/// `too_many_requests` (429).
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    let caller = Caller::of(request)?;
    let mut form = request.form()?;
    let email: Option<Email> = form.required("email");
    let current: Option<Entered> = form.required("current_password");
    let (email, current) = form.complete(|| Some((email?, current?)))?;

    let now = peers::now();
    let account = directory::find(caller.account)?
        .ok_or_else(|| Problem::invalid_token("The account is not there any more."))?;
    throttle::count(&[MAILS.at(&request.client)], now, [])?;
    let mut statements =
        credentials::check(&request.client, &account.id, Some(&account), &current, now)?;
    let mail = Mail {
        email: email.as_str(),
        ..Mail::to_owner("email.change_requested", Purpose::Email, Some(&account))
    };
    statements.extend(mail::request(&mail, now)?);
    queries::unless_too_late(0, &statements)?.ok_or_else(credentials::wrong)?;
    outbox::nudge();
    Response::accepted(&json!({"email": email}))
}
