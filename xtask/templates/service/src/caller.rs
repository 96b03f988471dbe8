//! Who asks.

use stoa_kit::{Problem, Request};

/// The account that asks. The gateway lets nobody through who is not signed in;
/// a service does not rely on it.
///
/// Errors: `unauthorized` (401).
pub(crate) fn account(request: &Request) -> Result<&str, Problem> {
    request
        .identity()
        .map(|identity| identity.account_id.as_str())
        .ok_or_else(|| Problem::unauthorized("This needs an access token."))
}
