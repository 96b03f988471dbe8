//! `wasi:keyvalue@0.2.0-draft`, which the host maps to `wrpc:keyvalue`: the
//! bucket a component has opened comes along with every call as the name it
//! gave to `open`.

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use wasmcloud_provider_sdk::Context;

use crate::bindings::exports::wrpc::keyvalue::store::{Error, KeyResponse};
use crate::bindings::exports::wrpc::keyvalue::{atomics, batch, store};
use crate::key::{self, Invalid};
use crate::{Call, KeyValueProvider, NoBucket, bucket};

type Result<T> = std::result::Result<T, Error>;

/// Writes of one batch that are under way at the same time.
const AT_ONCE: usize = 16;

impl KeyValueProvider {
    /// The caller's own bucket, if it is the one that the caller has opened.
    /// No name reaches any other, and no key does.
    async fn opened(&self, context: Option<&Context>, identifier: &str) -> Result<Call> {
        let call = self.call(context).await?;
        let own = ["", "default", call.own().name()].contains(&identifier);
        own.then_some(call).ok_or(Error::NoSuchStore)
    }
}

impl store::Handler<Option<Context>> for KeyValueProvider {
    async fn get(
        &self,
        context: Option<Context>,
        bucket: String,
        key: String,
    ) -> anyhow::Result<Result<Option<Bytes>>> {
        Ok(get(self, context.as_ref(), &bucket, key).await)
    }

    async fn set(
        &self,
        context: Option<Context>,
        bucket: String,
        key: String,
        value: Bytes,
    ) -> anyhow::Result<Result<()>> {
        Ok(set_many(self, context.as_ref(), &bucket, vec![(key, value)]).await)
    }

    async fn delete(
        &self,
        context: Option<Context>,
        bucket: String,
        key: String,
    ) -> anyhow::Result<Result<()>> {
        Ok(delete_many(self, context.as_ref(), &bucket, vec![key]).await)
    }

    async fn exists(
        &self,
        context: Option<Context>,
        bucket: String,
        key: String,
    ) -> anyhow::Result<Result<bool>> {
        let value = get(self, context.as_ref(), &bucket, key).await;
        Ok(value.map(|value| value.is_some()))
    }

    async fn list_keys(
        &self,
        context: Option<Context>,
        bucket: String,
        cursor: Option<u64>,
    ) -> anyhow::Result<Result<KeyResponse>> {
        Ok(list_keys(self, context.as_ref(), &bucket, cursor).await)
    }
}

impl atomics::Handler<Option<Context>> for KeyValueProvider {
    async fn increment(
        &self,
        context: Option<Context>,
        bucket: String,
        key: String,
        delta: u64,
    ) -> anyhow::Result<Result<u64>> {
        Ok(increment(self, context.as_ref(), &bucket, key, delta).await)
    }
}

impl batch::Handler<Option<Context>> for KeyValueProvider {
    async fn get_many(
        &self,
        context: Option<Context>,
        bucket: String,
        keys: Vec<String>,
    ) -> anyhow::Result<Result<Vec<Option<(String, Bytes)>>>> {
        Ok(get_many(self, context.as_ref(), &bucket, keys).await)
    }

    async fn set_many(
        &self,
        context: Option<Context>,
        bucket: String,
        key_values: Vec<(String, Bytes)>,
    ) -> anyhow::Result<Result<()>> {
        Ok(set_many(self, context.as_ref(), &bucket, key_values).await)
    }

    async fn delete_many(
        &self,
        context: Option<Context>,
        bucket: String,
        keys: Vec<String>,
    ) -> anyhow::Result<Result<()>> {
        Ok(delete_many(self, context.as_ref(), &bucket, keys).await)
    }
}

async fn get(
    provider: &KeyValueProvider,
    context: Option<&Context>,
    bucket: &str,
    key: String,
) -> Result<Option<Bytes>> {
    let call = provider.opened(context, bucket).await?;
    let entry = call.own().get(&call.own_key(key)?).await?;
    Ok(entry.map(|entry| entry.value))
}

async fn get_many(
    provider: &KeyValueProvider,
    context: Option<&Context>,
    bucket: &str,
    keys: Vec<String>,
) -> Result<Vec<Option<(String, Bytes)>>> {
    let call = provider.opened(context, bucket).await?;
    let found = call.own().get_many(&call.own_keys(keys)?).await?;
    let pair = |entry: Option<bucket::Entry>| entry.map(|entry| (entry.key, entry.value));
    Ok(found.into_iter().map(pair).collect())
}

async fn list_keys(
    provider: &KeyValueProvider,
    context: Option<&Context>,
    bucket: &str,
    cursor: Option<u64>,
) -> Result<KeyResponse> {
    let call = provider.opened(context, bucket).await?;
    let (keys, cursor) = call.own().keys(cursor.unwrap_or(0)).await?;
    Ok(KeyResponse { keys, cursor })
}

async fn set_many(
    provider: &KeyValueProvider,
    context: Option<&Context>,
    bucket: &str,
    key_values: Vec<(String, Bytes)>,
) -> Result<()> {
    let call = provider.opened(context, bucket).await?;
    key::at_most_max_keys(key_values.len())?;
    let mut parsed = Vec::with_capacity(key_values.len());
    for (key, value) in key_values {
        parsed.push((call.own_key(key)?, key::fitting(value)?));
    }
    let call = &call;
    stream::iter(parsed)
        .map(|(key, value)| async move { call.own().put(&key, value, None).await })
        .buffer_unordered(AT_ONCE)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    Ok(())
}

async fn delete_many(
    provider: &KeyValueProvider,
    context: Option<&Context>,
    bucket: &str,
    keys: Vec<String>,
) -> Result<()> {
    let call = provider.opened(context, bucket).await?;
    let call = &call;
    stream::iter(call.own_keys(keys)?)
        .map(|key| async move { call.own().delete(&key).await })
        .buffer_unordered(AT_ONCE)
        .try_for_each(|()| async { Ok(()) })
        .await?;
    Ok(())
}

async fn increment(
    provider: &KeyValueProvider,
    context: Option<&Context>,
    bucket: &str,
    key: String,
    delta: u64,
) -> Result<u64> {
    let call = provider.opened(context, bucket).await?;
    Ok(call.own().increment(&call.own_key(key)?, delta).await?)
}

impl From<Invalid> for Error {
    fn from(Invalid(problem): Invalid) -> Self {
        Self::Other(problem)
    }
}

impl From<NoBucket> for Error {
    fn from(reason: NoBucket) -> Self {
        match reason {
            NoBucket::Unlinked => Self::AccessDenied,
            NoBucket::Misconfigured(_) => Self::Other(reason.to_string()),
        }
    }
}

impl From<bucket::Error> for Error {
    fn from(error: bucket::Error) -> Self {
        Self::Other(error.to_string())
    }
}
