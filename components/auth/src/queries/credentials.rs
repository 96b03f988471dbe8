//! Passwords.

use stoa_kit::sql::Outcome;
use stoa_kit::sql::Row;
use stoa_kit::{Problem, Statement, Timestamp};

use super::DATABASE;

/// Finds the hash of an account's password. `None`, for an account that is not
/// there, finds nothing.
pub(crate) fn select(account: Option<&str>) -> Statement {
    Statement::new("SELECT hash FROM credentials WHERE account = ?1")
        .bind(account.unwrap_or_default())
}

/// What [`select`] found.
pub(crate) fn hash(found: Option<Outcome>) -> Result<Option<String>, Problem> {
    let rows = found.into_iter().flat_map(|found| found.rows);
    let mut rows = rows.map(Row::new);
    Ok(rows.next().map(|mut row| row.text()).transpose()?)
}

/// Finds the password that was checked, if it is still the account's.
pub(crate) fn is_still(account: &str, hash: &str) -> Statement {
    Statement::new("SELECT 1 FROM credentials WHERE account = ?1 AND hash = ?2")
        .bind(account)
        .bind(hash)
        .expecting(1)
}

/// Whether an account has a password.
pub(crate) fn has(account: &str) -> Result<bool, Problem> {
    Ok(!DATABASE.query(&select(Some(account)))?.is_empty())
}

/// Gives an account a password, in place of the one it had.
pub(crate) fn put(account: &str, hash: &str, now: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO credentials (account, hash, changed) VALUES (?1, ?2, ?3) \
         ON CONFLICT (account) DO UPDATE SET hash = excluded.hash, changed = excluded.changed",
    )
    .bind(account)
    .bind(hash)
    .bind(now)
    .expecting(1)
}

/// Takes the password from an account.
pub(crate) fn delete(account: &str) -> Statement {
    Statement::new("DELETE FROM credentials WHERE account = ?1").bind(account)
}
