//! `GET /emails`

use stoa_kit::page::Page;
use stoa_kit::{Problem, Request, Response};

use crate::listing::Listing;
use crate::queries::mails;

/// Lists mails, newest first.
///
/// Parameters: `limit`, `cursor`, `status`, `recipient`, `template`. Errors:
/// `unauthorized` (401), `forbidden` (403), `invalid_query` (400).
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    request.require_admin()?;
    let listing = Listing::read(request)?;
    let mut found = mails::list(&listing)?;
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found
        .last()
        .filter(|_| has_more)
        .map(|last| listing.cursor(last.number));
    let data = found.into_iter().map(|listed| listed.mail).collect();
    Ok(private(Page { data, next }.into_response(request)?))
}

/// Says that nobody may keep an answer: each is about somebody.
pub(crate) fn private(response: Response) -> Response {
    response.header("cache-control", "private, no-store")
}
