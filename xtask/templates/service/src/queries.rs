//! All SQL of the service.
//!
//! Each function is one call to the database, which is one transaction. Text
//! is put together from fixed fragments only; values are always bound.

use stoa_kit::sql::{Error, Row};
use stoa_kit::{Id, Problem, Statement, Timestamp};

use crate::entry::{Draft, Entry};
use crate::fields::{Text, Title};
use crate::listing::Listing;
#[cfg(test)]
use crate::memory::DATABASE;
#[cfg(not(test))]
use crate::schema::SCHEMA as DATABASE;

/// The columns of an entry, in the order in which [`entry`] takes them.
const COLUMNS: &str = "id, version, created, updated, author, title, text";

/// An entry in a list, and its number in the order of creation.
#[derive(Debug, PartialEq)]
pub(crate) struct Listed {
    pub(crate) number: i64,
    pub(crate) entry: Entry,
}

/// The entry with this id.
pub(crate) fn find(id: Id) -> Result<Option<Entry>, Problem> {
    let select = format!("SELECT {COLUMNS} FROM new_service WHERE id = ?1");
    let rows = DATABASE.query(&Statement::new(select).bind(id))?;
    let row = rows.into_iter().next();
    Ok(row.map(|mut row| entry(&mut row)).transpose()?)
}

/// Stores a new entry.
pub(crate) fn insert(
    id: Id,
    author: &str,
    draft: &Draft,
    now: Timestamp,
) -> Result<Entry, Problem> {
    let insert = Statement::new(format!(
        "INSERT INTO new_service (id, version, created, updated, author, title, text) \
         VALUES (?1, 1, ?2, ?2, ?3, ?4, ?5) \
         RETURNING {COLUMNS}"
    ))
    .bind(id)
    .bind(now)
    .bind(author)
    .bind(draft.title.0.as_str())
    .bind(draft.text.0.as_str());
    let rows = DATABASE.write(insert.expecting(1))?;
    let row = rows.into_iter().next();
    let mut row = row.ok_or(Error::Shape("the new entry was not returned"))?;
    Ok(entry(&mut row)?)
}

/// The entries of a page, and one more where there is a next page.
pub(crate) fn list(listing: &Listing) -> Result<Vec<Listed>, Problem> {
    let rows = DATABASE.query(&select_page(listing))?.into_iter();
    Ok(rows.map(listed).collect::<Result<_, _>>()?)
}

/// The statement for a page.
pub(crate) fn select_page(listing: &Listing) -> Statement {
    let mut statement = Statement::new("").bind(listing.limit + 1);
    let mut conditions = Vec::new();
    if let Some(author) = &listing.author {
        statement = statement.bind(author.as_str());
        conditions.push(format!("author = ?{}", statement.params.len()));
    }
    if let Some(after) = listing.after {
        statement = statement.bind(after);
        conditions.push(format!("number < ?{}", statement.params.len()));
    }
    let conditions = match conditions.join(" AND ") {
        none if none.is_empty() => none,
        some => format!("WHERE {some} "),
    };
    statement.sql = format!(
        "SELECT number, {COLUMNS} FROM new_service {conditions}ORDER BY number DESC LIMIT ?1"
    );
    statement
}

fn listed(mut row: Row) -> Result<Listed, Error> {
    Ok(Listed {
        number: row.integer()?,
        entry: entry(&mut row)?,
    })
}

fn entry(row: &mut Row) -> Result<Entry, Error> {
    let id = Id::parse(&row.text()?, "entry").map_err(|_| Error::Shape("id is no UUID"))?;
    let version = row.integer()?;
    let created = Timestamp(row.integer()?);
    let updated = Timestamp(row.integer()?);
    Ok(Entry {
        id,
        author: row.text()?,
        title: Title(row.text()?),
        text: Text(row.text()?),
        created,
        updated,
        version,
    })
}
