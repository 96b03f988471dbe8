//! Signing keys, and the service's own secret.

use stoa_kit::sql::{Error, Row};
use stoa_kit::{Problem, Statement, Timestamp};
use stoa_tokens::SigningKey;

use super::DATABASE;
use crate::keys::{Key, Signer};
use crate::secret::Secret;

/// The name of the one secret.
const TOKENS: &str = "tokens";

/// Finds what signs at this time.
fn select(now: Timestamp) -> Statement {
    Statement::new(
        "SELECT seed, (SELECT value FROM secrets WHERE name = ?2) FROM signing_keys \
         WHERE signs_from <= ?1 ORDER BY signs_from DESC LIMIT 1",
    )
    .bind(now)
    .bind(TOKENS)
}

/// What signs at this time; `None` when there is nothing yet.
pub(crate) fn signer(now: Timestamp) -> Result<Option<Signer>, Problem> {
    let row = DATABASE.query(&select(now))?.into_iter().next();
    Ok(row.map(|mut row| read_signer(&mut row)).transpose()?)
}

fn read_signer(row: &mut Row) -> Result<Signer, Error> {
    Ok(Signer {
        key: seed(row)?,
        secret: Secret::stored(&row.text()?).ok_or(Error::Shape("the secret is none"))?,
    })
}

/// All keys, the newest first.
pub(crate) fn list() -> Result<Vec<Key>, Problem> {
    let select = Statement::new(
        "SELECT seed, signs_from, signs_until FROM signing_keys \
         ORDER BY signs_from DESC, kid",
    );
    let read = |mut row: Row| {
        Ok(Key {
            pair: seed(&mut row)?,
            signs_from: Timestamp(row.integer()?),
            signs_until: row.optional_integer()?.map(Timestamp),
        })
    };
    let keys = DATABASE.query(&select)?.into_iter().map(read);
    Ok(keys.collect::<Result<_, Error>>()?)
}

/// Stores the first key and the secret, unless they are there. It signs from
/// ever: no clock is too slow for it.
pub(crate) fn found(key: &SigningKey, secret: &Secret) -> Result<(), Problem> {
    let first = Statement::new(
        "INSERT INTO signing_keys (kid, seed, signs_from) SELECT ?1, ?2, 0 \
         WHERE NOT EXISTS (SELECT 1 FROM signing_keys)",
    );
    let secret = Statement::new(
        "INSERT INTO secrets (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING",
    )
    .bind(TOKENS)
    .bind(secret.to_text().as_str());
    DATABASE.transact(&[bind(first, key), secret])?;
    Ok(())
}

/// Stores another key, which takes over at `signs_from`.
pub(crate) fn rotate(key: &SigningKey, signs_from: Timestamp) -> Result<(), Problem> {
    let end = Statement::new("UPDATE signing_keys SET signs_until = ?1 WHERE signs_until IS NULL")
        .bind(signs_from);
    let insert =
        Statement::new("INSERT INTO signing_keys (kid, seed, signs_from) VALUES (?1, ?2, ?3)");
    DATABASE.transact(&[end, bind(insert, key).bind(signs_from)])?;
    Ok(())
}

/// Deletes the keys that signed nothing since then.
pub(crate) fn delete(signed_until: Timestamp) -> Statement {
    Statement::new("DELETE FROM signing_keys WHERE signs_until <= ?1").bind(signed_until)
}

/// Binds `?1` and `?2`.
fn bind(statement: Statement, key: &SigningKey) -> Statement {
    statement
        .bind(key.verifying_key().kid().as_str())
        .bind(key.to_text().as_str())
}

fn seed(row: &mut Row) -> Result<SigningKey, Error> {
    SigningKey::from_text(&row.text()?).map_err(|_| Error::Shape("a signing key is none"))
}
