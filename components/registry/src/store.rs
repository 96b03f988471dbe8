//! Records in key-value, read and changed with compare-and-set.

use stoa_kit::keyvalue::{self, Entry, Error};
use stoa_kit::log;
use stoa_services::{ServiceId, ServiceRecord};

/// How often a change is tried while others change the same record. Each time
/// somebody else's change is done, and a service has up to 32 instances that
/// may all beat at once; a try on a copy that lags counts as well. A try costs
/// a round trip or two.
const TRIES: usize = 100;

/// The bucket of records, made small so that a test can be one.
pub(crate) trait Bucket {
    /// The entry of a key, which may lag behind the latest write.
    fn get(&self, key: &str) -> Result<Option<Entry>, Error>;

    /// All entries, ordered by key.
    fn list(&self) -> Result<Vec<Entry>, Error>;

    /// Writes a key if it has the revision `expected`, 0 for none.
    fn put(&self, key: &str, value: &str, expected: u64) -> Result<u64, Error>;
}

/// The bucket that the component's link names.
pub(crate) struct Linked;

impl Bucket for Linked {
    fn get(&self, key: &str) -> Result<Option<Entry>, Error> {
        let entries = keyvalue::get_many(&[key.to_owned()])?;
        Ok(entries.into_iter().next().flatten())
    }

    fn list(&self) -> Result<Vec<Entry>, Error> {
        keyvalue::list("")
    }

    fn put(&self, key: &str, value: &str, expected: u64) -> Result<u64, Error> {
        keyvalue::put(key, value, Some(expected))
    }
}

/// The record of a service, `None` where there is none.
pub(crate) fn read(bucket: &impl Bucket, id: &ServiceId) -> Result<Option<ServiceRecord>, Error> {
    Ok(bucket.get(id.as_str())?.as_ref().and_then(parse))
}

/// All records, ordered by id.
pub(crate) fn read_all(bucket: &impl Bucket) -> Result<Vec<ServiceRecord>, Error> {
    Ok(bucket.list()?.iter().filter_map(parse).collect())
}

/// Changes the record of a service: reads it, lets `edit` change it, and
/// writes it unless somebody else wrote it in between, in which case it
/// starts over. An `Err` of `edit` writes nothing and is the inner result.
///
/// Errors: the store's; [`Error::Conflict`] when others were faster each time.
pub(crate) fn change<T, E>(
    bucket: &impl Bucket,
    id: &ServiceId,
    mut edit: impl FnMut(&mut ServiceRecord) -> Result<T, E>,
) -> Result<Result<T, E>, Error> {
    // The revision that the last try found to be outdated.
    let mut outdated = None;
    let mut latest = 0;
    for _ in 0..TRIES {
        let entry = bucket.get(id.as_str())?;
        let revision = entry.as_ref().map_or(0, |entry| entry.revision);
        if outdated == Some(revision) {
            // The copy does not show the other write yet.
            continue;
        }
        let stored = entry.as_ref().and_then(parse);
        let mut record = stored.unwrap_or_else(|| ServiceRecord::new(id.clone()));
        let done = match edit(&mut record) {
            Ok(done) => done,
            Err(why) => return Ok(Err(why)),
        };
        let value = record
            .to_json()
            .map_err(|error| Error::Invalid(error.to_string()))?;
        match bucket.put(id.as_str(), &value, revision) {
            Ok(_) => return Ok(Ok(done)),
            Err(Error::Conflict(current)) => {
                outdated = Some(revision);
                latest = current;
            }
            Err(error) => return Err(error),
        }
    }
    Err(Error::Conflict(latest))
}

/// The record in an entry. What is none counts as not there, so that the next
/// beat or registration replaces it: a record is made again in seconds, and a
/// service that can never be reached again is worse.
fn parse(entry: &Entry) -> Option<ServiceRecord> {
    match ServiceRecord::from_json(&entry.value) {
        Ok(record) if record.id.as_str() == entry.key => Some(record),
        Ok(_) => {
            log::error(
                "store",
                &format!("the record at {:?} is another's", entry.key),
            );
            None
        }
        Err(error) => {
            log::error("store", &format!("no record at {:?}: {error}", entry.key));
            None
        }
    }
}

#[cfg(test)]
pub(crate) mod fake;

#[cfg(test)]
mod tests;
