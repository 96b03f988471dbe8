//! Who asks.

use stoa_kit::{Problem, Request};

/// The account and the session that ask.
pub(crate) struct Caller<'a> {
    pub(crate) account: &'a str,
    pub(crate) session: &'a str,
}

impl<'a> Caller<'a> {
    /// Whoever is signed in.
    ///
    /// Errors: `unauthorized` (401).
    pub(crate) fn of(request: &'a Request) -> Result<Self, Problem> {
        match request.identity() {
            Some(identity) => Ok(Self {
                account: &identity.account_id,
                session: &identity.session_id,
            }),
            None => Err(Problem::unauthorized("This needs an access token.")),
        }
    }
}
