//! One-time tokens.

use stoa_kit::sql::Row;
use stoa_kit::{Id, Problem, Statement, Timestamp};

use super::DATABASE;
use crate::one_time::{DELIVERY, LIFE, PER_HOUR, Purpose};

/// A token that is still good.
pub(crate) struct Found {
    pub(crate) id: String,
    pub(crate) purpose: Purpose,
    pub(crate) account: String,
    pub(crate) email: String,
    /// The hash that becomes the account's password.
    pub(crate) password: Option<String>,
}

/// A token to be stored.
pub(crate) struct New<'a> {
    pub(crate) id: Id,
    pub(crate) digest: &'a str,
    pub(crate) purpose: Purpose,
    /// `None` stores nothing: there is no such account.
    pub(crate) account: Option<&'a str>,
    pub(crate) email: &'a str,
    pub(crate) password: Option<&'a str>,
}

const HOUR: i64 = 60 * 60 * 1_000;

/// Stores a token, unless the account had [`PER_HOUR`] of them in the last hour.
pub(crate) fn insert(new: &New<'_>, now: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO one_time_tokens \
             (id, digest, purpose, account, email, password, created, expires) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 \
         WHERE ?4 <> '' AND ?10 > (SELECT count(*) FROM one_time_tokens \
             WHERE account = ?4 AND purpose = ?3 AND created > ?9)",
    )
    .bind(new.id)
    .bind(new.digest)
    .bind(new.purpose.name())
    .bind(new.account.unwrap_or_default())
    .bind(new.email)
    .bind(new.password.map(str::to_owned))
    .bind(now)
    .bind(now.plus(LIFE))
    .bind(now.plus(-HOUR))
    .bind(PER_HOUR)
}

/// The token with this digest, if it is still good for one of the purposes.
pub(crate) fn find(
    digest: &str,
    purposes: [Purpose; 2],
    now: Timestamp,
) -> Result<Option<Found>, Problem> {
    let [one, other] = purposes.map(Purpose::name);
    let select = Statement::new(
        "SELECT id, purpose, account, email, password FROM one_time_tokens \
         WHERE digest = ?1 AND used IS NULL AND expires > ?2 AND purpose IN (?3, ?4)",
    )
    .bind(digest)
    .bind(now)
    .bind(one)
    .bind(other);
    let row = DATABASE.query(&select)?.into_iter().next();
    let read = |mut row: Row| {
        Ok::<_, Problem>(Found {
            id: row.text()?,
            purpose: Purpose::stored(&row.text()?)
                .ok_or_else(|| Problem::internal("a token has no purpose"))?,
            account: row.text()?,
            email: row.text()?,
            password: row.optional_text()?,
        })
    };
    row.map(read).transpose()
}

/// Uses the token up, if it is still good.
pub(crate) fn consume(id: &str, now: Timestamp) -> Statement {
    Statement::new(
        "UPDATE one_time_tokens SET used = ?2, password = NULL \
         WHERE id = ?1 AND used IS NULL AND expires > ?2",
    )
    .bind(id)
    .bind(now)
    .expecting(1)
}

/// Makes the tokens of an account for a purpose useless.
pub(crate) fn revoke(account: &str, purpose: Purpose, now: Timestamp) -> Statement {
    let purpose = purpose.name();
    Statement::new(
        "UPDATE one_time_tokens SET used = ?2, password = NULL \
         WHERE account = ?1 AND used IS NULL AND purpose = ?3",
    )
    .bind(account)
    .bind(now)
    .bind(purpose)
}

/// Makes all tokens of an account useless: whoever asked for them may be
/// somebody else than who has the account now.
pub(crate) fn revoke_all(account: &str, now: Timestamp) -> Statement {
    Statement::new(
        "UPDATE one_time_tokens SET used = ?2, password = NULL \
         WHERE account = ?1 AND used IS NULL",
    )
    .bind(account)
    .bind(now)
}

/// Gives the token its full life from now on, for a mail. Whether there is
/// such a token.
pub(crate) fn take(id: Id, now: Timestamp) -> Result<bool, Problem> {
    let update = Statement::new(
        "UPDATE one_time_tokens SET expires = ?2 \
         WHERE id = ?1 AND used IS NULL AND created > ?3 RETURNING id",
    )
    .bind(id)
    .bind(now.plus(LIFE))
    .bind(now.plus(-DELIVERY));
    Ok(!DATABASE.write(update)?.is_empty())
}

/// Deletes the tokens of an account.
pub(crate) fn delete_all(account: &str) -> Statement {
    Statement::new("DELETE FROM one_time_tokens WHERE account = ?1").bind(account)
}

/// Deletes the tokens that no mail can carry any more.
pub(crate) fn delete_old(now: Timestamp) -> Statement {
    Statement::new("DELETE FROM one_time_tokens WHERE created <= ?1")
        .bind(now.plus(-DELIVERY - LIFE))
}
