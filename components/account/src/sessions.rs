//! The sessions of accounts, which the auth service keeps.
//!
//! It is told after the fact, and as well as can be: a change that is made
//! stays made. What a lost call costs is bounded, since auth asks for the
//! account again before it signs a token, and a token lives ten minutes.

use stoa_kit::Id;

#[cfg(test)]
use crate::fixtures::auth;
#[cfg(not(test))]
use host as auth;

/// Ends the sessions of somebody who may do less than before.
pub(crate) fn end_all(account: Id) {
    auth::end_all(&account.to_string());
}

/// Forgets how a deleted account could sign in.
pub(crate) fn forget(account: Id) {
    auth::forget(&account.to_string());
}

#[cfg(not(test))]
mod host {
    use stoa_kit::log;

    use crate::bindings::stoa::auth::sessions::{self, Error, RpcError};

    pub(super) fn end_all(account: &str) {
        settle(account, sessions::end_all(account));
    }

    pub(super) fn forget(account: &str) {
        settle(account, sessions::forget(account));
    }

    fn settle(account: &str, outcome: Result<Result<(), Error>, RpcError>) {
        let cause = match outcome {
            Ok(Ok(())) => return,
            Ok(Err(error)) => format!("{error:?}"),
            Err(error) => error.to_debug_string(),
        };
        log::error("sessions", &format!("of {account} may go on: {cause}"));
    }
}
