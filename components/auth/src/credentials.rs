//! Whether a password is somebody's.

use stoa_kit::{Problem, Statement, Timestamp};

use crate::fields::Entered;
use crate::peers::{Account, Verdict, hasher};
use crate::queries;
use crate::throttle::{self, PASSWORDS, Rule, SIGN_INS};

/// Checks a password that somebody at `client` shows for the account. `whom`
/// is what he calls it, which is counted also where there is none.
///
/// The work is the same whether there is no account, no password or another
/// one. Returned are the statements that take the try back and renew an old
/// hash, to be run with whatever the password is shown for.
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
    let verdict = match hasher::check(password.as_str(), hash.as_deref()) {
        Ok(verdict) => verdict,
        Err(problem) => {
            // It was no wrong password.
            throttle::take_back(&rules)?;
            return Err(problem);
        }
    };
    let mut statements = good(&rules);
    match (verdict, id) {
        (Verdict::Right, Some(_)) => {}
        (Verdict::RightButOld, Some(id)) => {
            let hash = hasher::hash(password.as_str())?;
            statements.push(queries::credentials::put(id, &hash, now));
        }
        (Verdict::Wrong, _) | (_, None) => return Err(wrong()),
    }
    Ok(statements)
}

/// A good try counts for neither the address nor the account.
fn good([sign_ins, passwords]: &[Rule; 2]) -> Vec<Statement> {
    vec![
        queries::throttle::forgive(sign_ins),
        queries::throttle::clear(passwords),
    ]
}

/// 401, in the same words whatever was wrong.
fn wrong() -> Problem {
    Problem::refused_credentials(
        "invalid_credentials",
        "The email address or the password is not right.",
    )
}
