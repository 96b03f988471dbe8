//! Changing an account: what all writes but the first have in common.
//!
//! What may be written depends on what is there, so it is read first, and only
//! the version that was read is written over.

use stoa_kit::request::Condition;
use stoa_kit::{Id, Problem, Timestamp};

use crate::account::{Account, Draft};
use crate::{queries, sessions};

/// How often a change is tried when somebody else was faster. Each time one
/// gets through, so this many may come at once and none is refused.
const ATTEMPTS: usize = 32;

/// Makes what `draft` says of the account, unless the condition names another
/// version. What changes nothing is not written. `None`: there is no such
/// account. Who loses a role is signed out, for his tokens say that he has it.
///
/// Errors: those of `draft`, `version_mismatch` (412), `email_taken`,
/// `last_admin` (409), `unavailable` (503) when others were faster every time.
pub(crate) fn to(
    id: Id,
    condition: Condition,
    draft: impl Fn(&Account) -> Result<Draft, Problem>,
) -> Result<Option<Account>, Problem> {
    on_current(id, condition, |account| {
        let draft = draft(account)?;
        if draft == Draft::of(account) {
            return Ok(Some(account.clone()));
        }
        let written = queries::replace(account, &draft, Timestamp::now())?;
        if written.is_some() && !account.roles.are_all_in(draft.roles) {
            sessions::end_all(account.id);
        }
        Ok(written)
    })
}

/// Does something to the account as it is now. `act` returns `None` when that
/// is no longer how it is, and is called again with what it has become.
pub(crate) fn on_current<T>(
    id: Id,
    condition: Condition,
    act: impl Fn(&Account) -> Result<Option<T>, Problem>,
) -> Result<Option<T>, Problem> {
    for _ in 0..ATTEMPTS {
        let Some(account) = queries::find(id)? else {
            return Ok(None);
        };
        if condition != Condition::Any && condition != Condition::Version(account.version) {
            return Err(Problem::version_mismatch());
        }
        if let Some(done) = act(&account)? {
            return Ok(Some(done));
        }
    }
    Err(Problem::unavailable(
        "Others are changing this account all the time. Try again.",
        format!("lost the race for {id} {ATTEMPTS} times"),
    ))
}
