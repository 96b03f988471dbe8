//! `POST /emails/{id}/retry`

use stoa_kit::{Problem, Request, Response};

use crate::mail::{not_found, parse_id};
use crate::peers;
use crate::queries::mails::{self, Retried};

/// Lets a mail that has failed or was abandoned be tried anew. The next tick
/// sends it.
///
/// Errors: `unauthorized` (401), `forbidden` (403), `not_found` (404);
/// `not_failed`, `suppressed`, `no_recipient` (409).
pub(crate) fn run(request: &Request, id: &str) -> Result<Response, Problem> {
    request.require_admin()?;
    match mails::retry(parse_id(id)?, peers::now())?.ok_or_else(not_found)? {
        Retried::Queued(mail) => Ok(Response::accepted(&mail)?.private()),
        Retried::NotFailed => Err(Problem::conflict(
            "not_failed",
            "Only a mail that has failed or was abandoned can be tried again.",
        )),
        Retried::Suppressed => Err(Problem::conflict(
            "suppressed",
            "The address is on the suppression list. Take it off first.",
        )),
        Retried::NoRecipient => Err(Problem::conflict(
            "no_recipient",
            "There is no address any more to send it to.",
        )),
    }
}
