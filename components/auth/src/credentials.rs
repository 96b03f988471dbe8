//! Whether a password is somebody's.

use stoa_kit::{Problem, Statement, Timestamp};

use crate::fields::Entered;
use crate::peers::{Account, Verdict, hasher};
use crate::queries;
use crate::throttle::{self, PASSWORDS, SIGN_INS};

/// Checks a password that somebody at `client` shows for the account. `whom`
/// is what he calls it, which is counted also where there is none.
///
/// The work is the same whether there is no account, no password or another
/// one. Returned are statements to be run with whatever the password is shown
/// for: the first one finds it still there and is the guard of the others,
/// which take the try back and renew an old hash.
///
/// Errors: `invalid_credentials` (401), `too_many_requests` (429),
/// `unavailable` (503).
pub(crate) fn check(
    client: &str,
    whom: &str,
    account: Option<&Account>,
    password: &Entered,
    now: Timestamp,
) -> Result<Vec<Statement>, Problem> {
    let id = account.map(|account| account.id.as_str());
    let rules = [SIGN_INS.at(client), PASSWORDS.about(client, whom)];
    let find = queries::credentials::select(id);
    let found = throttle::count(&rules, now, [find])?.pop();
    let hash = queries::credentials::hash(found)?;
    let verdict = hasher::check(password.as_str(), hash.as_deref())
        // It was no wrong password.
        .inspect_err(|_| throttle::take_back(&rules))?;
    let (Verdict::Right | Verdict::RightButOld, Some(id), Some(hash)) = (verdict, id, hash) else {
        return Err(wrong());
    };
    let mut statements = vec![
        queries::credentials::is_still(id, &hash),
        queries::throttle::forgive(&rules[0]),
        queries::throttle::clear(&rules[1]),
    ];
    if verdict == Verdict::RightButOld {
        match hasher::hash(password.as_str()) {
            Ok(hash) => statements.push(queries::credentials::put(id, &hash, now)),
            // The next sign-in will do it.
            Err(problem) => problem.log("rehash"),
        }
    }
    Ok(statements)
}

/// 401, in the same words whatever was wrong.
pub(crate) fn wrong() -> Problem {
    Problem::refused_credentials(
        "invalid_credentials",
        "The email address or the password is not right.",
    )
}
