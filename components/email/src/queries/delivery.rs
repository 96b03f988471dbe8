//! Sending: who holds a mail, and what became of it.

use stoa_domain::Email;
use stoa_kit::sql::{Error, Row};
use stoa_kit::{Id, Problem, Statement, Timestamp};

use super::DATABASE;
use crate::mail::{Reason, Status};
use crate::template::Template;

/// How long a mail is held, in milliseconds; then whoever held it is taken for
/// dead. Longer than any call here may last, and shorter than the mail provider
/// remembers what it has accepted.
pub(crate) const LEASE: i64 = 60_000;

/// Which mail is to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    /// The one that is due for longest.
    Due,
    /// This one, if it is due.
    One(Id),
}

/// A mail that is held by whoever got this.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Held {
    number: i64,
    claim: Id,
    pub(crate) id: Id,
    pub(crate) template: Template,
    /// Which try this is, from 1.
    try_number: i64,
    /// How many tries are left after this one; `None`: even this one is not.
    pub(crate) tries_left: Option<i64>,
    pub(crate) account: Option<String>,
    pub(crate) recipient: Option<String>,
    pub(crate) is_suppressed: bool,
    pub(crate) token: Option<String>,
    /// JSON.
    pub(crate) data: String,
}

/// What became of a try.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// The server's answer.
    Sent(String),
    /// What went wrong, and when it is tried again.
    Failed(String, Timestamp),
    /// Why it is not tried again.
    Abandoned(Reason, String),
}

/// Whether an address is on the suppression list, as a column.
const IS_SUPPRESSED: &str =
    "(SELECT count(*) FROM suppressions WHERE address_key = emails.recipient_key)";

/// Takes up a mail, for [`LEASE`]: one statement, so nobody else takes it up as
/// well. The try is counted and noted before anything is done.
///
/// A mail that was lost in its last try is taken up too, to be abandoned.
pub(crate) fn claim(which: Which, now: Timestamp) -> Result<Option<Held>, Problem> {
    let (condition, only) = match which {
        Which::Due => (
            "number = (SELECT number FROM emails WHERE due <= ?1 ORDER BY due, number LIMIT 1)",
            None,
        ),
        Which::One(id) => ("id = ?4", Some(id)),
    };
    let (claim, until) = (Id::new(), now.plus(LEASE));
    let mut update = Statement::new(format!(
        "UPDATE emails SET status = 'sending', claim = ?2, due = ?3, updated = ?1, \
             tries = CASE WHEN tries_left > 0 THEN tries + 1 ELSE tries END, \
             tries_left = CASE WHEN tries_left > 0 THEN tries_left - 1 ELSE -1 END \
         WHERE {condition} AND due <= ?1 \
         RETURNING number, id, template, tries, tries_left, account, recipient, token, data, \
             {IS_SUPPRESSED}"
    ))
    .bind(now)
    .bind(claim)
    .bind(until);
    if let Some(id) = only {
        update = update.bind(id);
    }
    let note = Statement::new(
        "INSERT INTO tries (email, number, started) \
         SELECT id, tries, ?1 FROM emails WHERE due = ?2 AND claim = ?3 AND tries_left >= 0",
    )
    .bind(now)
    .bind(until)
    .bind(claim);
    let outcomes = DATABASE.transact(&[update, note])?;
    let rows = outcomes.into_iter().take(1).flat_map(|update| update.rows);
    let held = rows.map(Row::new).map(|row| held(row, claim)).next();
    Ok(held.transpose()?)
}

/// Notes where a mail goes that was to go to an account. Whether that is on the
/// suppression list; `None` when the mail is not held any more.
pub(crate) fn address(held: &Held, email: &Email) -> Result<Option<bool>, Problem> {
    let update = Statement::new(format!(
        "UPDATE emails SET recipient = ?3, recipient_key = ?4 \
         WHERE number = ?1 AND claim = ?2 RETURNING {IS_SUPPRESSED}"
    ))
    .bind(held.number)
    .bind(held.claim)
    .bind(email.as_str())
    .bind(email.key());
    let row = DATABASE.write(update)?.into_iter().next();
    let suppressed = row.map(|mut row| row.integer()).transpose()?;
    Ok(suppressed.map(|suppressed| suppressed != 0))
}

/// Notes what became of a mail, and lets go of it. With `suppress`, its address
/// goes onto the suppression list. `false`: it was not held any more, and
/// nothing is noted.
pub(crate) fn settle(
    held: &Held,
    outcome: &Outcome,
    suppress: bool,
    now: Timestamp,
) -> Result<bool, Problem> {
    let (status, reason, said, due) = match outcome {
        Outcome::Sent(answer) => (Status::Sent, None, answer, None),
        Outcome::Failed(why, due) => (Status::Failed, None, why, Some(*due)),
        Outcome::Abandoned(reason, why) => (Status::Abandoned, Some(reason.name()), why, None),
    };
    let update = Statement::new(
        "UPDATE emails SET status = ?3, reason = ?4, error = ?5, due = ?6, claim = NULL, \
             updated = ?7 \
         WHERE number = ?1 AND claim = ?2",
    )
    .bind(held.number)
    .bind(held.claim)
    .bind(status.name())
    .bind(reason.map(str::to_owned))
    .bind((status != Status::Sent).then(|| said.clone()))
    .bind(due)
    .bind(now)
    .expecting(1);
    let note = Statement::new(
        "UPDATE tries SET ended = ?3, outcome = ?4, detail = ?5 \
         WHERE email = ?1 AND number = ?2 AND ended IS NULL",
    )
    .bind(held.id)
    .bind(held.try_number)
    .bind(now)
    .bind(status.name())
    .bind(said.as_str());
    let mut statements = vec![update, note];
    if suppress {
        statements.push(suppression(held, said, now));
    }
    if due.is_none() {
        statements.extend(forget(held));
    }
    match DATABASE.transact(&statements) {
        Ok(_) => Ok(true),
        Err(error) if error.guard().is_some() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Puts the recipient of a mail onto the suppression list.
fn suppression(held: &Held, why: &str, now: Timestamp) -> Statement {
    Statement::new(
        "INSERT INTO suppressions (address, address_key, created, email, reason) \
         SELECT recipient, recipient_key, ?2, id, ?3 FROM emails \
         WHERE number = ?1 AND recipient IS NOT NULL \
         ON CONFLICT (address_key) DO NOTHING",
    )
    .bind(held.number)
    .bind(now)
    .bind(why)
}

/// Takes out who somebody was. After the last mail of an account that is all
/// mails before it, to that address and about that account; those that are still
/// on their way follow when they are done with.
fn forget(held: &Held) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut earlier = "number = ?1";
    if held.template == Template::AccountDeleted {
        earlier = "number IN (SELECT other.number FROM emails AS last, emails AS other \
             WHERE last.number = ?1 AND other.number <= last.number \
                 AND (other.recipient_key = last.recipient_key OR other.account = last.account))";
        statements.push(format!("UPDATE emails SET forget = 1 WHERE {earlier}"));
    }
    let done = "forget = 1 AND status IN ('sent', 'abandoned')";
    statements.push(format!(
        "UPDATE tries SET detail = NULL \
         WHERE email IN (SELECT id FROM emails WHERE {earlier} AND {done})"
    ));
    statements.push(format!(
        "UPDATE emails SET recipient = NULL, recipient_key = NULL, error = NULL, data = '{{}}' \
         WHERE {earlier} AND {done}"
    ));
    let bound = |sql| Statement::new(sql).bind(held.number);
    statements.into_iter().map(bound).collect()
}

fn held(mut row: Row, claim: Id) -> Result<Held, Error> {
    Ok(Held {
        number: row.integer()?,
        claim,
        id: super::id(&row.text()?)?,
        template: Template::parse(&row.text()?).ok_or(Error::Shape("a mail has no template"))?,
        try_number: row.integer()?,
        tries_left: Some(row.integer()?).filter(|left| *left >= 0),
        account: row.optional_text()?,
        recipient: row.optional_text()?,
        token: row.optional_text()?,
        data: row.text()?,
        is_suppressed: row.integer()? != 0,
    })
}
