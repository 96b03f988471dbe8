//! Mails as administrators see them.

use stoa_kit::sql::{Error, Row};
use stoa_kit::{Id, Problem, Statement, Timestamp};

use super::DATABASE;
use crate::backoff::TRIES;
use crate::listing::Listing;
use crate::mail::{Mail, Status, Stored, Try};
use crate::template::Template;

/// The columns of a mail, in the order in which [`mail`] takes them.
const COLUMNS: &str = "id, template, status, reason, error, recipient, account, event, tries, due, \
     created, updated";

/// How many mails the mailbox shows.
const IN_MAILBOX: i64 = 50;

/// A mail in a list, and its number in the order of creation.
#[derive(Debug, PartialEq)]
pub(crate) struct Listed {
    pub(crate) number: i64,
    pub(crate) mail: Mail,
}

/// What became of the wish to try a mail again.
#[derive(Debug, PartialEq)]
pub(crate) enum Retried {
    Queued(Mail),
    /// It is neither failed nor abandoned.
    NotFailed,
    /// Its address is on the suppression list.
    Suppressed,
    /// It has no address any more, or never had.
    NoRecipient,
}

/// The mails of a page, and one more where there is a next page.
pub(crate) fn list(listing: &Listing) -> Result<Vec<Listed>, Problem> {
    let rows = DATABASE.query(&select_page(listing))?.into_iter();
    let listed = rows.map(|mut row| {
        Ok::<_, Error>(Listed {
            number: row.integer()?,
            mail: mail(&mut row)?,
        })
    });
    Ok(listed.collect::<Result<_, _>>()?)
}

/// The statement for a page.
pub(crate) fn select_page(listing: &Listing) -> Statement {
    let mut statement = Statement::new("").bind(listing.limit + 1);
    let mut conditions = vec!["1 = 1".to_owned()];
    let mut narrow = |condition: &str, value: stoa_kit::sql::Value| {
        statement = statement.clone().bind(value);
        conditions.push(format!("{condition} ?{}", statement.params.len()));
    };
    if let Some(recipient) = &listing.recipient {
        narrow("recipient_key =", recipient.key().into());
    }
    if let Some(status) = listing.status {
        narrow("status =", status.name().into());
    }
    if let Some(template) = listing.template {
        narrow("template =", template.name().into());
    }
    if let Some(after) = listing.after {
        narrow("number <", after.into());
    }
    let conditions = conditions.join(" AND ");
    statement.sql = format!(
        "SELECT number, {COLUMNS} FROM emails WHERE {conditions} ORDER BY number DESC LIMIT ?1"
    );
    statement
}

/// The mail with this id, and its tries.
pub(crate) fn find(id: Id) -> Result<Option<(Stored, Vec<Try>)>, Problem> {
    let select = Statement::new(format!(
        "SELECT {COLUMNS}, token, data FROM emails WHERE id = ?1"
    ));
    let Some(mut row) = DATABASE.query(&select.bind(id))?.into_iter().next() else {
        return Ok(None);
    };
    let select = Statement::new(
        "SELECT started, ended, outcome, detail FROM tries WHERE email = ?1 ORDER BY number",
    );
    let tries = DATABASE.query(&select.bind(id))?.into_iter().map(a_try);
    Ok(Some((stored(&mut row)?, tries.collect::<Result<_, _>>()?)))
}

/// The last mails whose recipient is known, newest first.
pub(crate) fn last() -> Result<Vec<Stored>, Problem> {
    let select = Statement::new(format!(
        "SELECT {COLUMNS}, token, data FROM emails WHERE recipient IS NOT NULL \
         ORDER BY number DESC LIMIT ?1"
    ));
    let rows = DATABASE.query(&select.bind(IN_MAILBOX))?.into_iter();
    let stored = rows.map(|mut row| stored(&mut row));
    Ok(stored.collect::<Result<_, _>>()?)
}

/// Lets a mail be tried anew, as often as a new one. `None`: there is none with
/// this id.
pub(crate) fn retry(id: Id, now: Timestamp) -> Result<Option<Retried>, Problem> {
    const SUPPRESSIONS: &str =
        "(SELECT count(*) FROM suppressions WHERE address_key = emails.recipient_key)";
    const HAS_RECIPIENT: &str = "forget = 0 AND (recipient IS NOT NULL OR account IS NOT NULL)";
    let update = Statement::new(format!(
        "UPDATE emails SET status = 'queued', reason = NULL, error = NULL, due = ?2, updated = ?2, \
             tries_left = ?3 \
         WHERE id = ?1 AND status IN ('failed', 'abandoned') AND {HAS_RECIPIENT} \
             AND {SUPPRESSIONS} = 0 \
         RETURNING {COLUMNS}"
    ))
    .bind(id)
    .bind(now)
    .bind(TRIES);
    let why = Statement::new(format!(
        "SELECT CASE WHEN status IN ('failed', 'abandoned') THEN 1 ELSE 0 END, {SUPPRESSIONS} \
         FROM emails WHERE id = ?1"
    ))
    .bind(id);
    let mut outcomes = DATABASE.transact(&[update, why])?.into_iter();
    let mut row = || outcomes.next()?.rows.into_iter().next().map(Row::new);
    let (queued, why) = (row(), row());
    if let Some(mut row) = queued {
        return Ok(Some(Retried::Queued(mail(&mut row)?)));
    }
    let Some(mut why) = why else {
        return Ok(None);
    };
    Ok(Some(match (why.integer()? != 0, why.integer()? != 0) {
        (false, _) => Retried::NotFailed,
        (true, true) => Retried::Suppressed,
        (true, false) => Retried::NoRecipient,
    }))
}

fn mail(row: &mut Row) -> Result<Mail, Error> {
    Ok(Mail {
        id: super::id(&row.text()?)?,
        template: Template::parse(&row.text()?).ok_or(Error::Shape("a mail has no template"))?,
        status: Status::parse(&row.text()?).ok_or(Error::Shape("a mail has no status"))?,
        reason: row.optional_text()?,
        error: row.optional_text()?,
        recipient: row.optional_text()?,
        account: row.optional_text()?,
        event: row.text()?,
        tries: row.integer()?,
        next_try: row.optional_integer()?.map(Timestamp),
        created: Timestamp(row.integer()?),
        updated: Timestamp(row.integer()?),
    })
}

fn stored(row: &mut Row) -> Result<Stored, Error> {
    Ok(Stored {
        mail: mail(row)?,
        token: row.optional_text()?,
        data: serde_json::from_str(&row.text()?)
            .map_err(|_| Error::Shape("a mail's data is no JSON"))?,
    })
}

fn a_try(mut row: Row) -> Result<Try, Error> {
    Ok(Try {
        started: Timestamp(row.integer()?),
        ended: row.optional_integer()?.map(Timestamp),
        outcome: row.optional_text()?,
        detail: row.optional_text()?,
    })
}
