//! `stoa:keyvalue/records`: values that are strings, and compare-and-set.

use wasmcloud_provider_sdk::Context;

use crate::bindings::exports::stoa::keyvalue::records::{self, Entry, Error};
use crate::key::Invalid;
use crate::{KeyValueProvider, NoBucket, bucket};

type Result<T> = std::result::Result<T, Error>;

impl records::Handler<Option<Context>> for KeyValueProvider {
    async fn get_many(
        &self,
        context: Option<Context>,
        keys: Vec<String>,
    ) -> anyhow::Result<Result<Vec<Option<Entry>>>> {
        Ok(get_many(self, context.as_ref(), keys).await)
    }

    async fn list(
        &self,
        context: Option<Context>,
        prefix: String,
    ) -> anyhow::Result<Result<Vec<Entry>>> {
        Ok(list(self, context.as_ref(), &prefix).await)
    }

    async fn put(
        &self,
        context: Option<Context>,
        key: String,
        value: String,
        expected: Option<u64>,
    ) -> anyhow::Result<Result<u64>> {
        Ok(put(self, context.as_ref(), key, value, expected).await)
    }
}

async fn get_many(
    provider: &KeyValueProvider,
    context: Option<&Context>,
    keys: Vec<String>,
) -> Result<Vec<Option<Entry>>> {
    let found = provider.call(context).await?.get_many(keys).await?;
    let text = |entry: Option<bucket::Entry>| entry.map(Entry::try_from).transpose();
    found.into_iter().map(text).collect()
}

async fn list(
    provider: &KeyValueProvider,
    context: Option<&Context>,
    prefix: &str,
) -> Result<Vec<Entry>> {
    let found = provider.call(context).await?.list(prefix).await?;
    found.into_iter().map(Entry::try_from).collect()
}

async fn put(
    provider: &KeyValueProvider,
    context: Option<&Context>,
    key: String,
    value: String,
    expected: Option<u64>,
) -> Result<u64> {
    let call = provider.call(context).await?;
    let key = call.own_key(key)?;
    Ok(call.own().put(&key, value.into(), expected).await?)
}

impl TryFrom<bucket::Entry> for Entry {
    type Error = Error;

    /// Values written through `wasi:keyvalue` need not be text.
    fn try_from(entry: bucket::Entry) -> Result<Self> {
        let Ok(value) = String::from_utf8(entry.value.into()) else {
            return Err(Error::Invalid(format!("{} is not UTF-8", entry.key)));
        };
        Ok(Self {
            key: entry.key,
            value,
            revision: entry.revision,
        })
    }
}

impl From<Invalid> for Error {
    fn from(Invalid(problem): Invalid) -> Self {
        Self::Invalid(problem)
    }
}

impl From<NoBucket> for Error {
    fn from(reason: NoBucket) -> Self {
        Self::Unavailable(reason.to_string())
    }
}

impl From<bucket::Error> for Error {
    fn from(error: bucket::Error) -> Self {
        match error {
            bucket::Error::Conflict(revision) => Self::Conflict(revision),
            bucket::Error::Invalid(problem) => Self::Invalid(problem),
            bucket::Error::Unavailable(problem) => Self::Unavailable(problem),
        }
    }
}
