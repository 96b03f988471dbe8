//! `GET /accounts`

use stoa_kit::page::Page;
use stoa_kit::{Problem, Request, Response};

use crate::account::private;
use crate::listing::Listing;
use crate::queries;

/// Lists accounts for administrators, newest first.
///
/// Parameters: `limit`, `cursor`, `email`, `role`. Errors: `unauthorized`
/// (401), `forbidden` (403), `invalid_query` (400).
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    request.require_admin()?;
    let listing = Listing::read(request)?;
    let mut found = queries::list(&listing)?;
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found
        .last()
        .filter(|_| has_more)
        .map(|last| listing.cursor(last.number));
    let data = found.into_iter().map(|listed| listed.account).collect();
    Ok(private(Page { data, next }.into_response(request)?))
}
