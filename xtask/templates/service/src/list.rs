//! `GET /new-service`

use stoa_kit::page::Page;
use stoa_kit::{Problem, Request, Response};

use crate::caller;
use crate::listing::Listing;
use crate::queries::{self, Listed};

/// Lists entries for whoever is signed in, newest first.
///
/// Parameters: `limit`, `cursor`, `author`. Errors: `unauthorized` (401),
/// `invalid_query` (400).
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    caller::account(request)?;
    let listing = Listing::read(request)?;
    let cursor = |last: &Listed| listing.cursor(last.number);
    let page = Page::of(queries::list(&listing)?, listing.limit, cursor, |listed| {
        listed.entry
    });
    Ok(page.into_response(request)?.private())
}
