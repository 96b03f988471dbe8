//! All SQL of keys. Each function makes a statement; [`crate::run`] sends them.

use stoa_kit::bindings::stoa::http::types::Header;
use stoa_kit::sql::{Error, Outcome, Row};
use stoa_kit::{Id, Problem, Response, Statement, Timestamp};

use crate::key::Key;
use crate::{KEPT, LEASE, Origin};

/// The headers that are said again, beside those of every answer.
const KEPT_HEADERS: [&str; 4] = ["content-type", "cache-control", "etag", "location"];

/// What became of a claim.
pub(crate) enum Found {
    /// The key is taken for this request.
    Ours(Claimed),
    /// It was answered before.
    Answered(Response),
    /// Somebody is at it.
    Running,
    /// The key is that of another request.
    Another,
}

/// A key that is taken.
pub(crate) struct Claimed {
    pub(crate) origin: Origin,
    /// Whether nobody has tried before.
    pub(crate) is_first: bool,
    lease: Timestamp,
}

/// Takes a key that is new, forgotten, or free again for the same request.
pub(crate) fn claim(key: &Key, id: Id, now: Timestamp) -> Statement {
    let forgotten = "idempotency_keys.created <= ?6";
    Statement::new(format!(
        "INSERT INTO idempotency_keys (name, id, fingerprint, created, lease) \
         VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (name) DO UPDATE SET \
             id = CASE WHEN {forgotten} THEN ?2 ELSE idempotency_keys.id END, \
             fingerprint = ?3, \
             created = CASE WHEN {forgotten} THEN ?4 ELSE idempotency_keys.created END, \
             lease = ?5, status = NULL, headers = NULL, body = NULL \
         WHERE {forgotten} OR (idempotency_keys.status IS NULL \
             AND idempotency_keys.lease <= ?4 AND idempotency_keys.fingerprint = ?3) \
         RETURNING id"
    ))
    .bind(key.name.as_str())
    .bind(id)
    .bind(key.fingerprint.as_str())
    .bind(now)
    .bind(now.plus(LEASE))
    .bind(now.plus(-KEPT))
}

/// The key as it is after a claim.
pub(crate) fn find(key: &Key) -> Statement {
    Statement::new(
        "SELECT id, fingerprint, created, status, headers, body FROM idempotency_keys \
         WHERE name = ?1",
    )
    .bind(key.name.as_str())
    .expecting(1)
}

/// Reads the outcomes of [`claim`] and [`find`].
pub(crate) fn found(outcomes: Vec<Outcome>, key: &Key, now: Timestamp) -> Result<Found, Error> {
    let mut outcomes = outcomes.into_iter();
    let claimed = outcomes.next().is_some_and(|claim| claim.changed > 0);
    let row = outcomes.next().and_then(|mut found| found.rows.pop());
    let mut row = row
        .map(Row::new)
        .ok_or(Error::Shape("a key is not there"))?;
    let id = Id::parse(&row.text()?, "key").map_err(|_| Error::Shape("an id is no UUID"))?;
    let fingerprint = row.text()?;
    let created = Timestamp(row.integer()?);
    if claimed {
        return Ok(Found::Ours(Claimed {
            origin: Origin(id),
            is_first: created == now,
            lease: now.plus(LEASE),
        }));
    }
    if fingerprint != key.fingerprint {
        return Ok(Found::Another);
    }
    let Some(status) = row.optional_integer()? else {
        return Ok(Found::Running);
    };
    let status = u16::try_from(status).map_err(|_| Error::Shape("a status is none"))?;
    let headers: Vec<Header> =
        serde_json::from_str(&row.text()?).map_err(|_| Error::Shape("headers are no JSON"))?;
    Ok(Found::Answered(Response {
        status,
        headers,
        body: row.text()?,
    }))
}

/// Stores the answer, unless somebody else has taken the key over.
pub(crate) fn freeze(
    key: &Key,
    claimed: &Claimed,
    response: &Response,
) -> Result<Statement, Problem> {
    let headers: Vec<_> = response
        .headers
        .iter()
        .filter(|header| KEPT_HEADERS.contains(&header.name.as_str()))
        .collect();
    let headers = serde_json::to_string(&headers)
        .map_err(|error| Problem::internal(format!("headers are not JSON: {error}")))?;
    let update = "UPDATE idempotency_keys SET status = ?4, headers = ?5, body = ?6";
    Ok(held(update, key, claimed)
        .bind(i64::from(response.status))
        .bind(headers)
        .bind(response.body.as_str()))
}

/// Gives a key back to the same request.
pub(crate) fn release(key: &Key, claimed: &Claimed) -> Statement {
    held("UPDATE idempotency_keys SET lease = 0", key, claimed)
}

/// Gives a key back to whatever request: nothing was done under it.
pub(crate) fn forget(key: &Key, claimed: &Claimed) -> Statement {
    held("DELETE FROM idempotency_keys", key, claimed)
}

/// Deletes the keys that are forgotten: for the service's housekeeping.
pub fn delete_old(now: Timestamp) -> Statement {
    Statement::new("DELETE FROM idempotency_keys WHERE created <= ?1").bind(now.plus(-KEPT))
}

fn held(change: &str, key: &Key, claimed: &Claimed) -> Statement {
    Statement::new(format!(
        "{change} WHERE name = ?1 AND id = ?2 AND lease = ?3 AND status IS NULL"
    ))
    .bind(key.name.as_str())
    .bind(claimed.origin.0)
    .bind(claimed.lease)
}
