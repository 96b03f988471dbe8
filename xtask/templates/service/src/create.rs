//! `POST /new-service`

use stoa_kit::{Id, Problem, Request, Response, Timestamp};

use crate::entry::Draft;
use crate::{caller, queries};

/// Creates an entry. Its author is the account that asks, whatever the body
/// says.
///
/// Errors: `unauthorized` (401), `invalid` (422, one entry per field).
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    let author = caller::account(request)?;
    let draft = Draft::read(request.json()?)?;
    let entry = queries::insert(Id::new(), author, &draft, Timestamp::now())?;
    let location = format!("/new-service/{}", entry.id);
    let response = Response::created(&location, &entry)?.etag(entry.version);
    Ok(response.private())
}
