//! `GET /accounts`

use stoa_kit::page::Page;
use stoa_kit::{Problem, Request, Response};

use crate::listing::Listing;
use crate::queries::{self, Listed};

/// Lists accounts for administrators, newest first.
///
/// Parameters: `limit`, `cursor`, `email`, `role`. Errors: `unauthorized`
/// (401), `forbidden` (403), `invalid_query` (400).
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    request.require_admin()?;
    let listing = Listing::read(request)?;
    let cursor = |last: &Listed| listing.cursor(last.number);
    let page = Page::of(queries::list(&listing)?, listing.limit, cursor, |listed| {
        listed.account
    });
    Ok(page.into_response(request)?.private())
}
