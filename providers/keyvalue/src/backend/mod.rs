//! The broker behind a bucket, as far as [`Bucket`](crate::bucket::Bucket)
//! sees it: revisioned writes, and a watch that begins with what is there.

mod jetstream;

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;

pub use jetstream::JetStream;

use crate::key::Key;

/// The last thing written to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The value, `None` where the last write was a delete.
    pub value: Option<Bytes>,
    /// Grows with every write in the bucket.
    pub revision: u64,
}

/// A record that the watch has seen.
pub struct Change {
    /// Its key.
    pub key: String,
    /// What was written.
    pub record: Record,
    /// How long ago it was written.
    pub age: Duration,
    /// Nothing that was there when the watch began is still to come.
    pub current: bool,
}

/// What is done about a bucket that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is waited for: who may write to it creates it.
    Await,
    /// It is created, with entries that live this long, or for ever.
    Create {
        /// How long the bucket is to keep an entry.
        ttl: Option<Duration>,
    },
}

/// A watch on a whole bucket: the last record of each key in the order of
/// their revisions, then every change. It ends when the connection does.
pub struct Watch {
    /// How long the bucket keeps an entry.
    pub ttl: Option<Duration>,
    /// There was nothing when the watch began.
    pub empty: bool,
    /// The changes.
    pub changes: BoxStream<'static, Result<Change, Error>>,
}

/// Why the broker did not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key's last revision is not the one expected. Nothing was written.
    #[error("the key has another revision")]
    WrongRevision,
    /// No answer in time, or not a useful one. A write may have happened.
    #[error("{0}")]
    Unavailable(String),
}

/// A bucket in a broker. Every call is bounded in time.
pub trait Backend: Send + Sync + 'static {
    /// Writes a value, or a delete (`None`), and returns its revision. With
    /// `expected` only if that is the key's last revision, deletes included;
    /// 0 means that the broker knows nothing of the key.
    fn write(
        &self,
        key: &Key,
        value: Option<Bytes>,
        expected: Option<u64>,
    ) -> impl Future<Output = Result<u64, Error>> + Send;

    /// The last record of a key.
    fn last(&self, key: &Key) -> impl Future<Output = Result<Option<Record>, Error>> + Send;

    /// Opens the bucket and watches it. `None` where it does not exist and is
    /// not to be created.
    fn watch(&self, missing: Missing) -> impl Future<Output = Result<Option<Watch>, Error>> + Send;
}
