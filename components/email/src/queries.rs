//! All SQL of the service, by what it is for.
//!
//! Each function is one call to the database, which is one transaction. Text is
//! put together from fixed fragments only; values are always bound.

pub(crate) mod delivery;
pub(crate) mod housekeeping;
pub(crate) mod mails;
pub(crate) mod queue;
pub(crate) mod suppressions;

#[cfg(test)]
pub(crate) use crate::memory::DATABASE;
#[cfg(not(test))]
pub(crate) use crate::schema::SCHEMA as DATABASE;

use stoa_kit::Id;
use stoa_kit::sql::Error;

fn id(text: &str) -> Result<Id, Error> {
    Id::parse(text, "row").map_err(|_| Error::Shape("an id is no UUID"))
}

#[cfg(test)]
mod tests;
