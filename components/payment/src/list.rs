//! `GET /payments`

use serde_json::value::to_value;
use stoa_kit::page::Page;
use stoa_kit::{Problem, Request, Response};

use crate::caller::Caller;
use crate::listing::Listing;
use crate::payment::private;
use crate::queries::payments as queries;

/// Lists payments, newest first: one's own, and all for administrators.
///
/// Parameters: `limit`, `cursor`, `status`, `reference`. Errors: `unauthorized`
/// (401), `invalid_query` (400).
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    let caller = Caller::of(request)?;
    let listing = Listing::read(request, &caller)?;
    let mut found = queries::list(&listing)?;
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found
        .last()
        .filter(|_| has_more)
        .map(|last| listing.cursor(last.number));
    let data = found.iter().map(|listed| to_value(listed.payment.view()));
    let data = data
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Problem::internal(format!("a payment is not JSON: {error}")))?;
    Ok(private(Page { data, next }.into_response(request)?))
}
