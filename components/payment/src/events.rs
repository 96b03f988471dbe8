//! `GET /payments/{id}/events`

use serde::{Deserialize, Serialize};
use stoa_kit::page::Page;
use stoa_kit::{Problem, Request, Response, Timestamp, cursor};

use crate::caller::{Caller, parse_id};
use crate::queries::{ledger, payments};

/// An entry of the ledger as it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    pub(crate) id: String,
    pub(crate) r#type: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) refund: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) occurred: Timestamp,
}

/// A place in the list: the number of the entry there.
#[derive(Serialize, Deserialize)]
struct Cursor {
    after: i64,
}

/// Shows what moved for a payment, oldest first, to its owner and to
/// administrators.
///
/// Parameters: `limit`, `cursor`. Errors: `unauthorized` (401), `not_found`
/// (404), `invalid_query` (400).
pub(crate) fn run(request: &Request, id: &str) -> Result<Response, Problem> {
    let caller = Caller::of(request)?;
    let mut query = request.query();
    let limit = query.integer("limit", 1, 100).unwrap_or(20);
    let expected = "`next` of an answer";
    let after = query.parsed("cursor", expected, cursor::decode::<Cursor>);
    query.finish()?;
    let payment = caller.admit(payments::find(parse_id(id)?)?)?;
    let after = after.map_or(0, |cursor| cursor.after);
    let found = ledger::list(payment.id, after, limit + 1)?;
    let cursor = |(number, _): &(i64, Shown)| cursor::encode(&Cursor { after: *number });
    let page = Page::of(found, limit, cursor, |(_, entry)| entry);
    Ok(page.into_response(request)?.private())
}
