//! Deleting what is old.

use stoa_kit::{Problem, Statement, Timestamp};

use super::DATABASE;
use crate::mail::Status;

/// How many mails are deleted at a time.
pub(crate) const MOST: i64 = 200;

const DAY: i64 = 24 * 60 * 60 * 1_000;

/// How long a mail is kept after it was done with, in milliseconds: longer where
/// somebody may want to know why it did not arrive.
const KEPT: [(Status, i64); 2] = [(Status::Sent, 30 * DAY), (Status::Abandoned, 90 * DAY)];

/// Deletes old mails and their tries.
pub(crate) fn delete_old(now: Timestamp) -> Result<(), Problem> {
    let statements: Vec<_> = KEPT
        .into_iter()
        .flat_map(|(status, kept)| delete(status, now.plus(-kept)))
        .collect();
    DATABASE.transact(&statements)?;
    Ok(())
}

/// The statements that delete those with a status that they have since before.
pub(crate) fn delete(status: Status, before: Timestamp) -> [Statement; 2] {
    let old = "SELECT id FROM emails WHERE status = ?1 AND updated < ?2 ORDER BY updated LIMIT ?3";
    [
        format!("DELETE FROM tries WHERE email IN ({old})"),
        format!("DELETE FROM emails WHERE id IN ({old})"),
    ]
    .map(|sql| {
        Statement::new(sql)
            .bind(status.name())
            .bind(before)
            .bind(MOST)
    })
}
