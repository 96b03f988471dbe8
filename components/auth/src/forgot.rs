//! `POST /password/forgot`

use serde_json::json;
use stoa_domain::Email;
use stoa_kit::{Problem, Request, Response};

use crate::mail::{self, Mail};
use crate::one_time::Purpose;
use crate::peers::directory;
use crate::throttle::{self, MAILS};
use crate::{outbox, peers};

/// Asks for a mail by which a new password can be set. Whether there is such an
/// account, nobody is told: answer and work are the same.
///
/// Errors: `invalid` (422), `too_many_requests` (429).
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    let mut form = request.form()?;
    let email: Option<Email> = form.required("email");
    let email = form.complete(|| email)?;

    let now = peers::now();
    let account = directory::find_by_email(&email)?;
    let mail = Mail::to_owner("password.reset_requested", Purpose::Reset, account.as_ref());
    let rules = [MAILS.at(&request.client)];
    throttle::count(&rules, now, mail::request(&mail, now)?)?;
    outbox::nudge();
    Response::accepted(&json!({"email": email}))
}
