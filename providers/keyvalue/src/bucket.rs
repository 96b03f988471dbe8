//! A bucket: reads from the local copy, writes to the broker and then to the
//! copy.

use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::error;

use crate::backend::{self, Backend, Missing, Record};
use crate::copy::LocalCopy;
use crate::follower::{Shared, follow, ttl_mismatch};
use crate::key::{self, Invalid, Key};

/// How long a read waits for the first snapshot.
const FIRST_SNAPSHOT: Duration = Duration::from_secs(2);
/// An increment gives up after this many lost races, or this long.
const INCREMENT_ATTEMPTS: u32 = 100;
const INCREMENT_TIME: Duration = Duration::from_secs(5);
/// Keys on one page of [`Bucket::keys`].
const PAGE: usize = 1000;

/// Why a bucket did not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key has this revision, another than the one expected.
    #[error("conflict: the key has revision {0}")]
    Conflict(u64),
    /// The key or the value is not acceptable, or not what it has to be.
    #[error("{0}")]
    Invalid(String),
    /// The broker does not answer. A write may have happened or not.
    #[error("{0}")]
    Unavailable(String),
}

impl From<Invalid> for Error {
    fn from(Invalid(problem): Invalid) -> Self {
        Self::Invalid(problem)
    }
}

/// An entry of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: Bytes,
    /// Its revision.
    pub revision: u64,
}

/// A bucket and the task that follows it, which ends with it.
pub struct Bucket<B> {
    shared: Arc<Shared<B>>,
    follower: JoinHandle<()>,
}

impl<B: Backend> Bucket<B> {
    /// Begins to follow the bucket.
    pub fn new(name: String, backend: B, missing: Missing) -> Self {
        let shared = Arc::new(Shared::new(name, backend, missing));
        let follower = tokio::spawn(follow(Arc::clone(&shared)));
        Self { shared, follower }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// From here on the bucket is created where it does not exist, with this
    /// TTL. To a bucket that exists nothing happens.
    pub fn create_if_missing(&self, ttl: Option<Duration>) {
        self.shared.status.send_modify(|status| {
            status.missing = Missing::Create { ttl };
            status.absent = false;
        });
        if let Some(mismatch) = self.mismatch(ttl) {
            error!(bucket = self.shared.name, mismatch, "wrong bucket");
        }
    }

    /// What is wrong with the bucket, if anything is.
    pub fn trouble(&self) -> Option<String> {
        let status = self.shared.status.borrow();
        let stale = status.stale.as_ref()?;
        Some(format!("bucket {}: {stale}", self.shared.name))
    }

    /// How the bucket differs from one that keeps its entries this long.
    /// Nothing is known of a bucket in trouble.
    pub fn mismatch(&self, ttl: Option<Duration>) -> Option<String> {
        if self.trouble().is_some() {
            return None;
        }
        let mismatch = ttl_mismatch(ttl, self.shared.copy().ttl())?;
        Some(format!("bucket {}: {mismatch}", self.shared.name))
    }

    /// The entry of a key.
    pub async fn get(&self, key: &Key) -> Result<Option<Entry>, Error> {
        let entries = self.get_many(std::slice::from_ref(key)).await?;
        Ok(entries.into_iter().next().flatten())
    }

    /// The entries of these keys, in their order, as of one moment.
    pub async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, Error> {
        let copy = self.synced().await?;
        let entry = |key: &Key| {
            let record = copy.record(key)?;
            Some(Entry {
                key: key.as_str().to_owned(),
                value: record.value.clone()?,
                revision: record.revision,
            })
        };
        Ok(keys.iter().map(entry).collect())
    }

    /// The entries whose keys begin with `prefix`, ordered by key.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Entry>, Error> {
        let copy = self.synced().await?;
        let entry = |(key, value, revision): (&str, &Bytes, u64)| Entry {
            key: key.to_owned(),
            value: value.clone(),
            revision,
        };
        let wanted = copy.entries().filter(|(key, ..)| key.starts_with(prefix));
        Ok(wanted.map(entry).collect())
    }

    /// A page of keys, ordered, and where the next page begins. A key that
    /// comes or goes in between shifts the pages by one.
    pub async fn keys(&self, cursor: u64) -> Result<(Vec<String>, Option<u64>), Error> {
        let copy = self.synced().await?;
        let skip = usize::try_from(cursor).unwrap_or(usize::MAX);
        let mut rest = copy.entries().skip(skip).map(|(key, _, _)| key.to_owned());
        let keys: Vec<_> = rest.by_ref().take(PAGE).collect();
        let next = rest.next().map(|_| cursor + keys.len() as u64);
        Ok((keys, next))
    }

    /// Writes a value and returns its revision. With `expected` only if the
    /// key has that revision, 0 meaning that it does not exist.
    pub async fn put(&self, key: &Key, value: Bytes, expected: Option<u64>) -> Result<u64, Error> {
        let value = key::fitting(value)?;
        match self.write(key, Some(value.clone()), expected).await {
            Err(backend::Error::WrongRevision) => {}
            Err(backend::Error::Unavailable(problem)) => return Err(Error::Unavailable(problem)),
            Ok(revision) => return Ok(revision),
        }
        let current = match self.last(key).await? {
            // The broker has a revision for a deleted key, our callers do not.
            Some(Record {
                value: None,
                revision,
            }) if expected == Some(0) => match self.write(key, Some(value), Some(revision)).await {
                Err(backend::Error::WrongRevision) => self.last(key).await?,
                Err(backend::Error::Unavailable(problem)) => {
                    return Err(Error::Unavailable(problem));
                }
                Ok(revision) => return Ok(revision),
            },
            current => current,
        };
        Err(Error::Conflict(revision_of_value(current.as_ref())))
    }

    /// Deletes a key, whether it exists or not.
    pub async fn delete(&self, key: &Key) -> Result<(), Error> {
        match self.write(key, None, None).await {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::Unavailable(error.to_string())),
        }
    }

    /// Adds to the number at a key, which is decimal text, and returns the
    /// sum. A key that does not exist counts from 0.
    pub async fn increment(&self, key: &Key, delta: u64) -> Result<u64, Error> {
        let started = Instant::now();
        let mut record = self.synced().await?.record(key).cloned();
        for attempt in 0..INCREMENT_ATTEMPTS {
            let sum = number(record.as_ref())?
                .checked_add(delta)
                .ok_or_else(|| Error::Invalid("the sum does not fit into 64 bits".to_owned()))?;
            let revision = record.map_or(0, |record| record.revision);
            match self
                .write(key, Some(sum.to_string().into()), Some(revision))
                .await
            {
                Ok(_) => return Ok(sum),
                Err(backend::Error::Unavailable(problem)) => {
                    return Err(Error::Unavailable(problem));
                }
                Err(backend::Error::WrongRevision) if started.elapsed() > INCREMENT_TIME => break,
                Err(backend::Error::WrongRevision) => {}
            }
            // The first race may be lost to a copy that lags behind; after
            // that, somebody else is at it: let them get ahead.
            if attempt > 0 {
                let most = 1 << attempt.min(6);
                tokio::time::sleep(Duration::from_millis(fastrand::u64(..=most))).await;
            }
            record = self.last(key).await?;
        }
        Err(Error::Unavailable("too many callers at once".to_owned()))
    }

    /// Writes, and lets the next read see it.
    async fn write(
        &self,
        key: &Key,
        value: Option<Bytes>,
        expected: Option<u64>,
    ) -> Result<u64, backend::Error> {
        let backend = &self.shared.backend;
        let snapshot = self.shared.copy().snapshot();
        let revision = backend.write(key, value.clone(), expected).await?;
        let record = Record { value, revision };
        self.shared.copy().written(key, record, snapshot);
        Ok(revision)
    }

    async fn last(&self, key: &Key) -> Result<Option<Record>, Error> {
        let last = self.shared.backend.last(key).await;
        last.map_err(|error| Error::Unavailable(error.to_string()))
    }

    /// The copy, as soon as it knows the bucket. It then answers for ever,
    /// also while the broker is away. A bucket that somebody else has to
    /// create is not waited for.
    async fn synced(&self) -> Result<MutexGuard<'_, LocalCopy>, Error> {
        let mut status = self.shared.status.subscribe();
        let known = status.wait_for(|status| status.synced || status.absent);
        if !matches!(
            tokio::time::timeout(FIRST_SNAPSHOT, known).await,
            Ok(Ok(status)) if status.synced
        ) {
            let trouble = self.trouble();
            return Err(Error::Unavailable(
                trouble.unwrap_or_else(|| "the bucket is being read".to_owned()),
            ));
        }
        Ok(self.shared.copy())
    }
}

impl<B> Drop for Bucket<B> {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

fn revision_of_value(record: Option<&Record>) -> u64 {
    record
        .filter(|record| record.value.is_some())
        .map_or(0, |record| record.revision)
}

fn number(record: Option<&Record>) -> Result<u64, Error> {
    let Some(value) = record.and_then(|record| record.value.as_ref()) else {
        return Ok(0);
    };
    std::str::from_utf8(value)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Error::Invalid("the value is not a number".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(value: &'static [u8]) -> Record {
        let value = Some(Bytes::from_static(value));
        Record { value, revision: 1 }
    }

    #[test]
    fn a_number_is_decimal_text_and_nothing_is_zero() {
        assert_eq!(number(None).unwrap(), 0);
        assert_eq!(number(Some(&record(b"42"))).unwrap(), 42);
        for value in [&b""[..], b"-1", b"4.2", b"many", b"\xff"] {
            assert!(number(Some(&record(value))).is_err(), "{value:?}");
        }
    }
}
