//! Who asks for an account.

use stoa_kit::{Id, Problem, Request};

use crate::account::{not_found, parse_id};

/// What the caller is to the account he asks for: the owner, an administrator,
/// or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) is_owner: bool,
    pub(crate) is_admin: bool,
}

/// The id in a path, for the owner of the account and for administrators. For
/// others nothing tells whether there is such an account.
///
/// Errors: `unauthorized` (401), `not_found` (404).
pub(crate) fn admit(request: &Request, id: &str) -> Result<(Id, Caller), Problem> {
    let identity = request
        .identity()
        .ok_or_else(|| Problem::unauthorized("This needs an access token."))?;
    let id = parse_id(id)?;
    let caller = Caller {
        is_owner: identity.account_id == id.to_string(),
        is_admin: request.is_admin(),
    };
    if caller.is_owner || caller.is_admin {
        Ok((id, caller))
    } else {
        Err(not_found())
    }
}
