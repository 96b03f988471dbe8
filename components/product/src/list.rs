//! `GET /products`

use stoa_kit::page::Page;
use stoa_kit::{Problem, Request, Response};

use crate::listing::Listing;
use crate::product::cacheable;
use crate::queries;

/// Lists products, newest first unless asked otherwise; administrators see
/// drafts too.
///
/// Parameters: `limit`, `cursor`, `sort`, `status`, `min_price`, `max_price`,
/// `currency`, `q`. Errors: `invalid_query` (400), and 401 or 403 when someone
/// else asks for drafts.
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    let mut listing = Listing::read(request)?;
    let mut found = queries::list(&mut listing)?;
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found
        .last()
        .filter(|_| has_more)
        .map(|last| listing.cursor(last.position.clone()));
    let data = found.into_iter().map(|listed| listed.product).collect();
    let response = Page { data, next }.into_response(request)?;
    Ok(cacheable(request, response))
}

#[cfg(test)]
mod tests;
