//! Sessions.

use stoa_kit::sql::{Error, Row};
use stoa_kit::{Id, Problem, Statement, Timestamp};

use super::{DATABASE, id, ids, unless_too_late};
use crate::session::{ABSOLUTE, IDLE, Session};

/// How many sessions an account can have; the one that was not used for
/// longest makes room.
const PER_ACCOUNT: i64 = 100;

/// How long a session is remembered after it ended: what was revoked has to be
/// announced, and its tokens recognised.
const MEMORY: i64 = 24 * 60 * 60 * 1_000;

const COLUMNS: &str = "id, account, digest, generation, created, used, device, ip, \
     ended";

/// Which sessions of an account.
#[derive(Clone, Copy)]
pub(crate) enum Which<'a> {
    All,
    One(&'a str),
    Others(&'a str),
}

/// The session with this id, ended or not.
pub(crate) fn find(id: Id) -> Result<Option<Session>, Problem> {
    let select = Statement::new(format!("SELECT {COLUMNS} FROM sessions WHERE id = ?1")).bind(id);
    let row = DATABASE.query(&select)?.into_iter().next();
    Ok(row.map(session).transpose()?)
}

/// The sessions of an account that go on, the one used last first.
pub(crate) fn list(account: &str, now: Timestamp) -> Result<Vec<Session>, Problem> {
    let select = Statement::new(format!(
        "SELECT {COLUMNS} FROM sessions \
         WHERE account = ?1 AND ended IS NULL AND used > ?2 AND created > ?3 \
         ORDER BY used DESC, id DESC"
    ))
    .bind(account)
    .bind(now.plus(-IDLE))
    .bind(now.plus(-ABSOLUTE));
    let rows = DATABASE.query(&select)?.into_iter();
    Ok(rows.map(session).collect::<Result<_, _>>()?)
}

/// Stores a new session.
pub(crate) fn insert(session: &Session) -> Statement {
    Statement::new(
        "INSERT INTO sessions (id, account, digest, generation, created, used, device, ip) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .bind(session.id)
    .bind(session.account.as_str())
    .bind(session.digest.as_str())
    .bind(session.generation)
    .bind(session.created)
    .bind(session.used)
    .bind(session.device.as_str())
    .bind(session.ip.as_str())
    .expecting(1)
}

/// Ends what an account has too many of.
pub(crate) fn make_room(account: &str, now: Timestamp) -> Statement {
    Statement::new(
        "UPDATE sessions SET ended = ?2 WHERE id IN (SELECT id FROM sessions \
             WHERE account = ?1 AND ended IS NULL ORDER BY used DESC, id DESC \
             LIMIT 1000000 OFFSET ?3)",
    )
    .bind(account)
    .bind(now)
    .bind(PER_ACCOUNT)
}

/// Puts the next refresh token in the place of the one that was read. `false`
/// when somebody else has done so, or the session has ended.
pub(crate) fn rotate(session: &Session, digest: &str, now: Timestamp) -> Result<bool, Problem> {
    let update = Statement::new(
        "UPDATE sessions SET digest = ?3, generation = generation + 1, used = ?4 \
         WHERE id = ?1 AND digest = ?2 AND ended IS NULL",
    )
    .bind(session.id)
    .bind(session.digest.as_str())
    .bind(digest)
    .bind(now)
    .expecting(1);
    Ok(unless_too_late(0, &[update])?.is_some())
}

/// Ends sessions of an account and returns their ids.
pub(crate) fn end(account: &str, which: Which<'_>, now: Timestamp) -> Statement {
    let (condition, id) = match which {
        Which::All => ("", None),
        Which::One(id) => (" AND id = ?3", Some(id)),
        Which::Others(id) => (" AND id <> ?3", Some(id)),
    };
    let statement = Statement::new(format!(
        "UPDATE sessions SET ended = ?2 WHERE account = ?1 AND ended IS NULL{condition} \
         RETURNING id"
    ))
    .bind(account)
    .bind(now);
    match id {
        Some(id) => statement.bind(id),
        None => statement,
    }
}

/// The sessions that ended since then, of which the gateway was not told.
pub(crate) fn unannounced(since: Timestamp) -> Result<Vec<Id>, Problem> {
    let select = Statement::new(
        "SELECT id FROM sessions WHERE ended > ?1 AND announced IS NULL ORDER BY ended LIMIT 500",
    )
    .bind(since);
    let rows = DATABASE.query(&select)?.into_iter();
    Ok(rows
        .map(|mut row| id(&row.text()?))
        .collect::<Result<_, _>>()?)
}

/// Notes that the gateway was told.
pub(crate) fn announced(sessions: &[Id], now: Timestamp) -> Result<(), Problem> {
    let note = |session: &Id| {
        Statement::new("UPDATE sessions SET announced = ?2 WHERE id = ?1")
            .bind(*session)
            .bind(now)
    };
    let notes: Vec<_> = sessions.iter().map(note).collect();
    DATABASE.transact(&notes)?;
    Ok(())
}

/// Ends sessions now and returns their ids.
pub(crate) fn end_now(account: &str, which: Which<'_>, now: Timestamp) -> Result<Vec<Id>, Problem> {
    Ok(ids(DATABASE.transact(&[end(account, which, now)])?)?)
}

/// The same by a session of the account, if it goes on itself.
pub(crate) fn end_by(
    session: &str,
    account: &str,
    which: Which<'_>,
    now: Timestamp,
) -> Result<Option<Vec<Id>>, Problem> {
    let is_live =
        Statement::new("SELECT 1 FROM sessions WHERE id = ?1 AND account = ?2 AND ended IS NULL")
            .bind(session)
            .bind(account)
            .expecting(1);
    let outcomes = unless_too_late(0, &[is_live, end(account, which, now)])?;
    Ok(outcomes.map(ids).transpose()?)
}

/// Deletes what ended, or was not used any more, long ago.
pub(crate) fn delete_old(now: Timestamp) -> [Statement; 2] {
    [
        Statement::new("DELETE FROM sessions WHERE used <= ?1").bind(now.plus(-IDLE - MEMORY)),
        Statement::new("DELETE FROM sessions WHERE ended <= ?1 AND announced IS NOT NULL")
            .bind(now.plus(-MEMORY)),
    ]
}

fn session(mut row: Row) -> Result<Session, Error> {
    Ok(Session {
        id: id(&row.text()?)?,
        account: row.text()?,
        digest: row.text()?,
        generation: row.integer()?,
        created: Timestamp(row.integer()?),
        used: Timestamp(row.integer()?),
        device: row.text()?,
        ip: row.text()?,
        has_ended: row.optional_integer()?.is_some(),
    })
}
