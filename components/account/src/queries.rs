//! All SQL of the service.
//!
//! Each function is one call to the database, which is one transaction. Text
//! is put together from fixed fragments only; values are always bound.

use stoa_domain::{Email, Name};
use stoa_kit::sql::{Error, Row};
use stoa_kit::{Id, Problem, Role, Statement, Timestamp};
use stoa_outbox::Event;

use crate::account::{Account, Draft};
use crate::fields::{Roles, Verified};
use crate::listing::Listing;
#[cfg(test)]
pub(crate) use crate::memory::DATABASE;
use crate::outbox;
#[cfg(not(test))]
pub(crate) use crate::schema::SCHEMA as DATABASE;

/// The columns of an account, in the order in which [`account`] takes them.
const COLUMNS: &str = "id, version, created, updated, email, email_verified, customer, admin, \
     name, metadata";

/// An account in a list, and its number in the order of creation.
#[derive(Debug, PartialEq)]
pub(crate) struct Listed {
    pub(crate) number: i64,
    pub(crate) account: Account,
}

/// The account with this id.
pub(crate) fn find(id: Id) -> Result<Option<Account>, Problem> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM accounts WHERE id = ?1 AND deleted IS NULL"
    ));
    first(DATABASE.query(&statement.bind(id))?)
}

/// The account with this address.
pub(crate) fn find_by_email(email: &Email) -> Result<Option<Account>, Problem> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM accounts WHERE email_key = ?1"
    ));
    first(DATABASE.query(&statement.bind(email.key()))?)
}

/// Stores a new account. Nothing is read before: the index on addresses
/// decides which of two is the first.
///
/// Errors: see [`refused`]; an id that is taken violates `accounts.id`.
pub(crate) fn insert(id: Id, draft: &Draft, now: Timestamp) -> Result<Account, Error> {
    let insert = Statement::new(format!(
        "INSERT INTO accounts (id, version, created, updated, email, email_key, email_verified, \
             customer, admin, name, metadata) \
         VALUES (?1, 1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
         RETURNING {COLUMNS}"
    ))
    .bind(id)
    .bind(now);
    let insert = bind_content(insert, draft)?.expecting(1);
    let event = outbox::created(id, draft).statement(now);
    let outcomes = DATABASE.transact(&[insert, event])?;
    outbox::nudge();
    let rows = outcomes.into_iter().take(1).flat_map(|write| write.rows);
    only(rows.map(Row::new).collect())
}

/// Writes over the version of an account that was read; `None` if that is not
/// the one that is there.
///
/// Errors: `email_taken`, `last_admin` (409).
pub(crate) fn replace(
    before: &Account,
    draft: &Draft,
    now: Timestamp,
) -> Result<Option<Account>, Problem> {
    let update = Statement::new(format!(
        "UPDATE accounts SET version = version + 1, updated = ?2, email = ?3, email_key = ?4, \
             email_verified = ?5, customer = ?6, admin = ?7, name = ?8, metadata = ?9 \
         WHERE id = ?1 AND deleted IS NULL AND version = ?10 \
         RETURNING {COLUMNS}"
    ))
    .bind(before.id)
    .bind(now);
    let update = bind_content(update, draft)?.bind(before.version);
    let resigns = before.roles.has(Role::Admin) && !draft.roles.has(Role::Admin);
    let rows = change(update, resigns, &outbox::updated(before, draft), now)?;
    rows.map(only).transpose().map_err(Problem::from)
}

/// Deletes the version of an account that was read: the row stays, without
/// what says who it was. `None` if that is not the version that is there.
///
/// Errors: `last_admin` (409).
pub(crate) fn delete(before: &Account, now: Timestamp) -> Result<Option<()>, Problem> {
    let delete = Statement::new(
        "UPDATE accounts SET version = version + 1, updated = ?2, deleted = ?2, email = NULL, \
             email_key = NULL, email_verified = 0, customer = 0, admin = 0, name = NULL, \
             metadata = NULL \
         WHERE id = ?1 AND deleted IS NULL AND version = ?3",
    )
    .bind(before.id)
    .bind(now)
    .bind(before.version);
    let resigns = before.roles.has(Role::Admin);
    let rows = change(delete, resigns, &outbox::deleted(before), now)?;
    Ok(rows.map(|_| ()))
}

/// The accounts of a page, and one more where there is a next page.
pub(crate) fn list(listing: &Listing) -> Result<Vec<Listed>, Problem> {
    let rows = DATABASE.query(&select_page(listing))?.into_iter();
    Ok(rows.map(listed).collect::<Result<_, _>>()?)
}

/// The statement for a page. Roles are in the text, not bound, so that the
/// index of administrators is used.
pub(crate) fn select_page(listing: &Listing) -> Statement {
    let mut statement = Statement::new("").bind(listing.limit + 1);
    let mut conditions = vec!["deleted IS NULL".to_owned()];
    match listing.role {
        None => {}
        Some(Role::Customer) => conditions.push("customer = 1".to_owned()),
        Some(Role::Admin) => conditions.push("admin = 1".to_owned()),
    }
    if let Some(email) = &listing.email {
        statement = statement.bind(email.key());
        conditions.push(format!("email_key = ?{}", statement.params.len()));
    }
    if let Some(after) = listing.after {
        statement = statement.bind(after);
        conditions.push(format!("number < ?{}", statement.params.len()));
    }
    let conditions = conditions.join(" AND ");
    statement.sql = format!(
        "SELECT number, {COLUMNS} FROM accounts WHERE {conditions} \
         ORDER BY number DESC LIMIT ?1"
    );
    statement
}

/// Says what was violated, where that is a matter of the request.
///
/// Errors: `email_taken` (409).
pub(crate) fn refused(error: Error) -> Problem {
    match error.violated().map(|violation| violation.name.as_str()) {
        Some("accounts.email_key") => {
            Problem::conflict_at("email_taken", "/email", "Another account has this address.")
        }
        _ => error.into(),
    }
}

/// Writes one account and what happened, unless the account has changed since
/// it was read (`None`) or no administrator would be left. Returns the rows of
/// the write.
fn change(
    write: Statement,
    resigns: bool,
    event: &Event,
    now: Timestamp,
) -> Result<Option<Vec<Row>>, Problem> {
    const WRITE: u32 = 0;
    let mut statements = vec![write.expecting(1), event.statement(now)];
    if resigns {
        let left = Statement::new("SELECT 1 FROM accounts WHERE admin = 1 LIMIT 1");
        statements.push(left.expecting(1));
    }
    match DATABASE.transact(&statements) {
        Ok(outcomes) => {
            outbox::nudge();
            let rows = outcomes.into_iter().take(1).flat_map(|write| write.rows);
            Ok(Some(rows.map(Row::new).collect()))
        }
        Err(error) => match error.guard().map(|guard| guard.statement) {
            Some(WRITE) => Ok(None),
            Some(_) => Err(Problem::conflict(
                "last_admin",
                "This is the last administrator. Make another one first.",
            )),
            None => Err(refused(error)),
        },
    }
}

/// Binds `?3` to `?9`: what an insert and an update have in common.
fn bind_content(statement: Statement, draft: &Draft) -> Result<Statement, Error> {
    let metadata =
        serde_json::to_string(&draft.metadata).map_err(|_| Error::Shape("metadata is no JSON"))?;
    Ok(statement
        .bind(draft.email.as_str())
        .bind(draft.email.key())
        .bind(i64::from(draft.email_verified.0))
        .bind(i64::from(draft.roles.has(Role::Customer)))
        .bind(i64::from(draft.roles.has(Role::Admin)))
        .bind(draft.name.0.as_str())
        .bind(metadata))
}

fn first(rows: Vec<Row>) -> Result<Option<Account>, Problem> {
    let row = rows.into_iter().next();
    Ok(row.map(|mut row| account(&mut row)).transpose()?)
}

/// The account that a write returned.
fn only(rows: Vec<Row>) -> Result<Account, Error> {
    let mut row = rows
        .into_iter()
        .next()
        .ok_or(Error::Shape("a written account was not returned"))?;
    account(&mut row)
}

fn listed(mut row: Row) -> Result<Listed, Error> {
    Ok(Listed {
        number: row.integer()?,
        account: account(&mut row)?,
    })
}

fn account(row: &mut Row) -> Result<Account, Error> {
    let id = Id::parse(&row.text()?, "account").map_err(|_| Error::Shape("id is no UUID"))?;
    let version = row.integer()?;
    let created = Timestamp(row.integer()?);
    let updated = Timestamp(row.integer()?);
    let email = Email::stored(row.text()?);
    let email_verified = Verified(row.integer()? != 0);
    let customer = (row.integer()? != 0).then_some(Role::Customer);
    let admin = (row.integer()? != 0).then_some(Role::Admin);
    let roles: Vec<_> = customer.into_iter().chain(admin).collect();
    let roles = Roles::new(&roles).ok_or(Error::Shape("an account has no role"))?;
    let name = Name(row.text()?);
    let metadata = serde_json::from_str(&row.text()?)
        .map_err(|_| Error::Shape("metadata is not the JSON it should be"))?;
    Ok(Account {
        id,
        email,
        email_verified,
        name,
        roles,
        metadata,
        created,
        updated,
        version,
    })
}

#[cfg(test)]
mod tests;
