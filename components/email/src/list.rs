//! `GET /emails`

use stoa_kit::page::Page;
use stoa_kit::{Problem, Request, Response};

use crate::listing::Listing;
use crate::queries::mails::{self, Listed};

/// Lists mails, newest first.
///
/// Parameters: `limit`, `cursor`, `status`, `recipient`, `template`. Errors:
/// `unauthorized` (401), `forbidden` (403), `invalid_query` (400).
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    request.require_admin()?;
    let listing = Listing::read(request)?;
    let cursor = |last: &Listed| listing.cursor(last.number);
    let page = Page::of(mails::list(&listing)?, listing.limit, cursor, |listed| {
        listed.mail
    });
    Ok(page.into_response(request)?.private())
}
