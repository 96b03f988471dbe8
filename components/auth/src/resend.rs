//! `POST /verify/resend`

use stoa_kit::{Problem, Request, Response};

use crate::caller::Caller;
use crate::mail::{self, Mail};
use crate::one_time::Purpose;
use crate::peers::directory;
use crate::throttle::{self, MAILS};
use crate::{outbox, peers};

/// Asks for the mail that verifies the address of whoever asks once more. For
/// one that is verified, and after some in an hour, it does nothing.
///
/// Errors: `unauthorized` (401), `too_many_requests` (429).
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    let caller = Caller::of(request)?;
    let now = peers::now();
    let account = directory::find(caller.account)?.filter(|account| !account.email_verified);
    let mail = Mail::to_owner("email.verify_requested", Purpose::Verify, account.as_ref());
    let rules = [MAILS.at(&request.client)];
    throttle::count(&rules, now, mail::request(&mail, now)?)?;
    outbox::nudge();
    Ok(Response::empty(202))
}
