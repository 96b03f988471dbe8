//! `GET /payments`

use stoa_kit::page::Page;
use stoa_kit::{Problem, Request, Response};

use crate::caller::Caller;
use crate::listing::Listing;
use crate::queries::payments::{self as queries, Listed};

/// Lists payments, newest first: one's own, and all for administrators.
///
/// Parameters: `limit`, `cursor`, `status`, `reference`. Errors: `unauthorized`
/// (401), `invalid_query` (400).
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    let caller = Caller::of(request)?;
    let listing = Listing::read(request, &caller)?;
    let found = queries::list(&listing)?;
    let cursor = |last: &&Listed| listing.cursor(last.number);
    let page = Page::of(found.iter().collect(), listing.limit, cursor, |listed| {
        listed.payment.view()
    });
    Ok(page.into_response(request)?.private())
}
