//! `POST /accounts`

use stoa_kit::{Id, Problem, Request, Response, Timestamp};

use crate::account::Draft;
use crate::queries;

/// Creates an account, for administrators: people sign up at the
/// authentication service, which uses the directory.
///
/// Errors: `unauthorized` (401), `forbidden` (403), `invalid` (422, one entry
/// per field), `email_taken` (409).
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    request.require_admin()?;
    let draft = Draft::read(request.json()?)?;
    let account = queries::insert(Id::new(), &draft, Timestamp::now()).map_err(queries::refused)?;
    let location = format!("/accounts/{}", account.id);
    let response = Response::created(&location, &account)?.etag(account.version);
    Ok(response.private())
}
