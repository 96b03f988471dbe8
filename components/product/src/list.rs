//! `GET /products`

use stoa_kit::page::Page;
use stoa_kit::{Problem, Request, Response};

use crate::listing::Listing;
use crate::product::cacheable;
use crate::queries::{self, Listed};

/// Lists products, newest first unless asked otherwise; administrators see
/// drafts too.
///
/// Parameters: `limit`, `cursor`, `sort`, `status`, `min_price`, `max_price`,
/// `currency`, `q`. Errors: `invalid_query` (400), and 401 or 403 when someone
/// else asks for drafts.
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    let mut listing = Listing::read(request)?;
    let found = queries::list(&mut listing)?;
    let cursor = |last: &Listed| listing.cursor(last.position.clone());
    let page = Page::of(found, listing.limit, cursor, |listed| listed.product);
    let response = page.into_response(request)?;
    Ok(cacheable(request, response))
}

#[cfg(test)]
mod tests;
