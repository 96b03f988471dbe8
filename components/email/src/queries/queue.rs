//! Storing mails that are wanted.

use stoa_kit::{Id, Problem, Statement, Timestamp};

use super::DATABASE;
use crate::backoff::TRIES;
use crate::event::{Unreadable, Wanted};
use crate::mail::Reason;
use crate::template::Template;

/// How many mails that anybody can trigger one recipient gets in an hour.
pub(crate) const PER_HOUR: i64 = 10;

const HOUR: i64 = 60 * 60 * 1_000;

/// Stores a mail, once for an event. The id of what is to be sent: `None` for an
/// event that was here before, and for a mail too many, which is stored as
/// abandoned.
pub(crate) fn insert(event: &str, wanted: &Wanted, now: Timestamp) -> Result<Option<Id>, Problem> {
    let insert = Statement::new(format!(
        "INSERT INTO emails (id, event, template, status, reason, error, created, updated, due, \
             tries, tries_left, account, recipient, recipient_key, forget, token, data) \
         SELECT ?1, ?2, ?3, \
             CASE WHEN recent.mails < ?12 THEN 'queued' ELSE 'abandoned' END, \
             CASE WHEN recent.mails < ?12 THEN NULL ELSE '{too_many}' END, \
             CASE WHEN recent.mails < ?12 THEN NULL ELSE '{explained}' END, \
             ?4, ?4, \
             CASE WHEN recent.mails < ?12 THEN ?4 ELSE NULL END, \
             0, ?5, ?6, ?7, ?8, 0, ?9, ?10 \
         FROM (SELECT count(*) AS mails FROM emails \
             WHERE recipient_key = ?8 AND created > ?11 AND template IN ({open}) \
                 AND (reason IS NULL OR reason <> '{too_many}')) AS recent \
         WHERE 1 = 1 \
         ON CONFLICT (event, template) DO NOTHING \
         RETURNING id, CASE status WHEN 'queued' THEN 1 ELSE 0 END",
        too_many = Reason::TooMany.name(),
        explained = Reason::TooMany.explain(),
        open = open_to_anybody(),
    ))
    .bind(Id::new())
    .bind(event)
    .bind(wanted.template.name())
    .bind(now)
    .bind(TRIES)
    .bind(wanted.account.clone())
    .bind(
        wanted
            .recipient
            .as_ref()
            .map(|email| email.as_str().to_owned()),
    )
    .bind(wanted.recipient.as_ref().map(stoa_domain::Email::key))
    .bind(wanted.token.clone())
    .bind(wanted.data.to_string())
    .bind(now.plus(-HOUR))
    .bind(if wanted.template.is_open_to_anybody() {
        PER_HOUR
    } else {
        i64::MAX
    });
    let Some(mut row) = DATABASE.write(insert)?.into_iter().next() else {
        return Ok(None);
    };
    let id = super::id(&row.text()?)?;
    Ok((row.integer()? != 0).then_some(id))
}

/// Keeps an event that cannot be read as an abandoned mail, once.
pub(crate) fn insert_unreadable(
    event: &str,
    unreadable: &Unreadable,
    now: Timestamp,
) -> Result<(), Problem> {
    let insert = Statement::new(
        "INSERT INTO emails (id, event, template, status, reason, error, created, updated, tries, \
             tries_left, forget, data) \
         VALUES (?1, ?2, ?3, 'abandoned', ?4, ?5, ?6, ?6, 0, 0, 0, '{}') \
         ON CONFLICT (event, template) DO NOTHING",
    )
    .bind(Id::new())
    .bind(event)
    .bind(unreadable.template.name())
    .bind(Reason::Unreadable.name())
    .bind(unreadable.why.as_str())
    .bind(now);
    DATABASE.write(insert)?;
    Ok(())
}

/// The templates that anybody can trigger, as SQL.
fn open_to_anybody() -> String {
    let open = Template::ALL
        .into_iter()
        .filter(|template| template.is_open_to_anybody());
    let names: Vec<_> = open
        .map(|template| format!("'{}'", template.name()))
        .collect();
    names.join(", ")
}
