//! `/emails/suppressions`: addresses that a server has refused for good, to
//! which no mail goes.

use serde::Serialize;
use stoa_domain::Email;
use stoa_kit::page::Page;
use stoa_kit::{Id, Problem, Request, Response, Timestamp, cursor};

use crate::queries::suppressions::{self as queries, Listed};

/// An address on the list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Suppression {
    pub(crate) address: String,
    /// The mail that was refused.
    pub(crate) email: Id,
    /// The server's answer.
    pub(crate) reason: String,
    pub(crate) created: Timestamp,
}

/// The query of the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listing {
    pub(crate) limit: i64,
    /// The number behind which the page begins.
    pub(crate) after: Option<i64>,
}

/// Lists the addresses, the last one first.
///
/// Parameters: `limit`, `cursor`. Errors: `unauthorized` (401), `forbidden`
/// (403), `invalid_query` (400).
pub(crate) fn list(request: &Request) -> Result<Response, Problem> {
    request.require_admin()?;
    let mut query = request.query();
    let limit = query.integer("limit", 1, 100).unwrap_or(20);
    let after = query.parsed("cursor", "`next` of an answer", cursor::decode::<i64>);
    query.finish()?;
    let found = queries::list(&Listing { limit, after })?;
    let cursor = |last: &Listed| cursor::encode(&last.number);
    let page = Page::of(found, limit, cursor, |listed| listed.suppression);
    Ok(page.into_response(request)?.private())
}

/// Takes an address off the list, in whatever case it is written.
///
/// Errors: `unauthorized` (401), `forbidden` (403), `not_found` (404).
pub(crate) fn delete(request: &Request, address: &str) -> Result<Response, Problem> {
    request.require_admin()?;
    let not_found = || Problem::not_found("This address is not on the suppression list.");
    let address = Email::parse(address).map_err(|_| not_found())?;
    if queries::delete(&address)? {
        Ok(Response::no_content())
    } else {
        Err(not_found())
    }
}
