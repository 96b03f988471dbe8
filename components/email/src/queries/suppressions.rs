//! Addresses to which no mail goes.

use stoa_domain::Email;
use stoa_kit::sql::Error;
use stoa_kit::{Problem, Statement, Timestamp};

use super::DATABASE;
use crate::suppressions::{Listing, Suppression};

/// A suppression in a list, and its number in the order of creation.
#[derive(Debug, PartialEq)]
pub(crate) struct Listed {
    pub(crate) number: i64,
    pub(crate) suppression: Suppression,
}

/// The suppressions of a page, newest first, and one more where there is a next
/// page.
pub(crate) fn list(listing: &Listing) -> Result<Vec<Listed>, Problem> {
    let select = Statement::new(
        "SELECT number, address, created, email, reason FROM suppressions WHERE number < ?2 \
         ORDER BY number DESC LIMIT ?1",
    )
    .bind(listing.limit + 1)
    .bind(listing.after.unwrap_or(i64::MAX));
    let rows = DATABASE.query(&select)?.into_iter();
    let listed = rows.map(|mut row| {
        Ok::<_, Error>(Listed {
            number: row.integer()?,
            suppression: Suppression {
                address: row.text()?,
                created: Timestamp(row.integer()?),
                email: super::id(&row.text()?)?,
                reason: row.text()?,
            },
        })
    });
    Ok(listed.collect::<Result<_, _>>()?)
}

/// Takes an address off the list. Whether it was on it.
pub(crate) fn delete(address: &Email) -> Result<bool, Problem> {
    let delete = Statement::new("DELETE FROM suppressions WHERE address_key = ?1 RETURNING number");
    Ok(!DATABASE.write(delete.bind(address.key()))?.is_empty())
}
