//! Records in the service's key-value bucket, with compare-and-set.

use crate::Problem;
pub use crate::bindings::stoa::keyvalue::records::Entry;
use crate::bindings::stoa::keyvalue::records::{self, Error as StoreError};

/// Why a call did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else wrote the key; its revision now.
    #[error("the key has revision {0} by now")]
    Conflict(u64),
    /// Key or value is not acceptable.
    #[error("not acceptable: {0}")]
    Invalid(String),
    /// There was no answer from the store.
    #[error("the key-value store does not answer: {0}")]
    Unavailable(String),
}

/// The entries of these keys, `None` for one that does not exist.
pub fn get_many(keys: &[String]) -> Result<Vec<Option<Entry>>, Error> {
    flatten(records::get_many(keys))
}

/// The entries whose keys begin with `prefix`, ordered by key.
pub fn list(prefix: &str) -> Result<Vec<Entry>, Error> {
    flatten(records::list(prefix))
}

/// Writes a key if it still has the revision `expected` (0: does not exist),
/// or in any case with `None`. Returns the new revision.
pub fn put(key: &str, value: &str, expected: Option<u64>) -> Result<u64, Error> {
    flatten(records::put(key, value, expected))
}

fn flatten<T>(
    answer: Result<Result<T, StoreError>, crate::bindings::wrpc::rpc::error::Error>,
) -> Result<T, Error> {
    match answer {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(StoreError::Conflict(revision))) => Err(Error::Conflict(revision)),
        Ok(Err(StoreError::Invalid(why))) => Err(Error::Invalid(why)),
        Ok(Err(StoreError::Unavailable(why))) => Err(Error::Unavailable(why)),
        Err(error) => Err(Error::Unavailable(error.to_debug_string())),
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Conflict(_) | Error::Unavailable(_) => Self::unavailable(
                "The key-value store does not answer. Try again.",
                error.to_string(),
            ),
            Error::Invalid(_) => Self::internal(error.to_string()),
        }
    }
}
