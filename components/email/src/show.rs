//! `GET /emails/{id}`

use stoa_kit::{Problem, Request, Response};

use crate::mail::{Stored, Whole, not_found, parse_id};
use crate::queries::mails;
use crate::{peers, render};

/// Stands where the link with the token would be.
const WITHHELD: &str = "[link withheld]";

/// Shows a mail, its tries, and what it says: without its link, for whoever has
/// that could be taken for the recipient.
///
/// Errors: `unauthorized` (401), `forbidden` (403), `not_found` (404).
pub(crate) fn run(request: &Request, id: &str) -> Result<Response, Problem> {
    request.require_admin()?;
    let (stored, history) = mails::find(parse_id(id)?)?.ok_or_else(not_found)?;
    let Stored { mail, data, .. } = stored;
    let link = mail.template.target().map(|_| WITHHELD);
    let letter = peers::settings()
        .and_then(|settings| render::letter(mail.template, &data, link, &settings))
        .ok();
    let (subject, text) = letter.map(|letter| (letter.subject, letter.text)).unzip();
    let whole = Whole {
        mail,
        history,
        subject,
        text,
    };
    Ok(Response::json(&whole)?.private())
}
