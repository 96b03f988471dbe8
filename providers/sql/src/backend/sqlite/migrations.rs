//! Migrations: each is applied once, in a transaction of its own together with
//! its row in the ledger, which also keeps the checksum of its text.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, params};
use sha2::{Digest as _, Sha256};

use super::errors;
use super::session::Session;
use crate::types::{Dialect, Error, Migration};

/// The table of what was applied. Callers cannot change it.
pub(super) const LEDGER: &str = "stoa_migrations";

/// A migration with the script for SQLite chosen.
pub(super) struct Step {
    version: u32,
    name: String,
    script: String,
    checksum: String,
}

/// Checks the migrations of a call by themselves: consecutive, and each with a
/// script that SQLite takes.
pub(super) fn plan(migrations: Vec<Migration>) -> Result<Vec<Step>, Error> {
    let steps = migrations
        .into_iter()
        .map(Step::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    if steps.first().is_some_and(|first| first.version == 0) {
        return Err(changed("versions start at 1".to_owned()));
    }
    for pair in steps.windows(2) {
        let (before, after) = (pair[0].version, pair[1].version);
        if before.checked_add(1) != Some(after) {
            return Err(changed(format!("version {after} follows {before}")));
        }
    }
    Ok(steps)
}

/// The version of the last migration applied, 0 for none.
pub(super) fn version(session: &Session) -> Result<u32, Error> {
    let ledger = read_ledger(session.own()).map_err(errors::own)?;
    Ok(last(&ledger))
}

/// Applies the steps that are missing, each within `time`, and returns the
/// version reached.
pub(super) fn apply(session: &Session, steps: &[Step], time: Duration) -> Result<u32, Error> {
    // All are checked before the first is applied. Others may migrate at the
    // same time, so each step looks again, under the write lock.
    let ledger = read_ledger(session.own()).map_err(errors::own)?;
    let missing = check(&ledger, steps)?;
    for step in missing {
        session.set_deadline(Instant::now() + time);
        apply_step(session, step)?;
    }
    version(session)
}

fn apply_step(session: &Session, step: &Step) -> Result<(), Error> {
    let transaction = session.begin()?;
    let ledger = read_ledger(session.own()).map_err(errors::own)?;
    if check(&ledger, std::slice::from_ref(step))?.is_empty() {
        return Ok(());
    }
    session
        .watched(|connection| connection.execute_batch(&step.script))
        .map_err(|error| failed(step, errors::own(error)))?;
    record(session.own(), step).map_err(errors::own)?;
    transaction.commit().map_err(errors::own)?;
    tracing::info!(
        version = step.version,
        name = step.name,
        "migration applied"
    );
    Ok(())
}

/// Compares the steps with what was applied and returns the missing ones.
fn check<'a>(ledger: &BTreeMap<u32, String>, steps: &'a [Step]) -> Result<&'a [Step], Error> {
    let applied = last(ledger);
    let known = steps.partition_point(|step| step.version <= applied);
    for step in &steps[..known] {
        if ledger.get(&step.version) != Some(&step.checksum) {
            let Step { version, name, .. } = step;
            return Err(changed(format!(
                "migration {version} ({name}) has another text than the one applied"
            )));
        }
    }
    match &steps[known..] {
        [next, ..] if next.version != applied + 1 => Err(changed(format!(
            "version {} follows {applied}, the last one applied",
            next.version
        ))),
        missing => Ok(missing),
    }
}

fn last(ledger: &BTreeMap<u32, String>) -> u32 {
    ledger.last_key_value().map_or(0, |(version, _)| *version)
}

/// Versions and checksums of what was applied.
fn read_ledger(connection: &Connection) -> rusqlite::Result<BTreeMap<u32, String>> {
    // Asks the file: what the connection knows of the schema may be older than
    // what another process did.
    let exists = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?1)";
    if !connection.query_row(exists, [LEDGER], |row| row.get(0))? {
        return Ok(BTreeMap::new());
    }
    connection
        .prepare("SELECT version, checksum FROM stoa_migrations")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn record(connection: &Connection, step: &Step) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS stoa_migrations (
            version    INTEGER PRIMARY KEY,
            name       TEXT NOT NULL,
            checksum   TEXT NOT NULL, -- SHA-256 of the script, in hex
            applied_at INTEGER NOT NULL -- Unix time in milliseconds
        ) STRICT",
    )?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    connection
        .execute(
            "INSERT INTO stoa_migrations VALUES (?1, ?2, ?3, ?4)",
            params![step.version, step.name, step.checksum, now],
        )
        .map(drop)
}

fn changed(reason: String) -> Error {
    Error::MigrationChanged(reason)
}

/// Says which migration a caller's mistake is in.
fn failed(step: &Step, error: Error) -> Error {
    let at = |reason| format!("migration {} ({}): {reason}", step.version, step.name);
    match error {
        Error::Invalid(reason) => Error::Invalid(at(reason)),
        Error::Constraint(violation) => Error::Invalid(at(format!(
            "{:?} constraint failed: {}",
            violation.kind, violation.name
        ))),
        other => other,
    }
}

impl TryFrom<Migration> for Step {
    type Error = Error;

    fn try_from(migration: Migration) -> Result<Self, Error> {
        let Migration {
            version,
            name,
            mut scripts,
        } = migration;
        let chosen = [Dialect::Sqlite, Dialect::Portable]
            .into_iter()
            .find_map(|dialect| scripts.iter().position(|script| script.dialect == dialect));
        let Some(chosen) = chosen else {
            return Err(Error::Invalid(format!(
                "migration {version} ({name}) has no script for SQLite"
            )));
        };
        let script = scripts.swap_remove(chosen).sql;
        // SQLite would end the script there and ignore the rest.
        if script.contains('\0') {
            return Err(Error::Invalid(format!(
                "migration {version} ({name}) contains a NUL"
            )));
        }
        Ok(Self {
            version,
            name,
            checksum: format!("{:x}", Sha256::digest(&script)),
            script,
        })
    }
}
