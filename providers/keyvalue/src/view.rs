//! What one link reaches: its own bucket, to read and to write, and others, to
//! read. To whoever reads them, the entries of the others are
//! `<bucket>/<key>`; such a key is never one of the own bucket.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::Backend;
use crate::bucket::{Bucket, Entry, Error};
use crate::key::{Invalid, Key, at_most_max_keys};

/// The buckets of a link.
pub struct View<B> {
    own: Arc<Bucket<B>>,
    /// How long the link says that its own bucket keeps an entry.
    ttl: Option<Duration>,
    others: BTreeMap<String, Arc<Bucket<B>>>,
}

impl<B: Backend> View<B> {
    /// The link's own bucket, with the TTL that the link states, and others.
    pub fn new(own: Arc<Bucket<B>>, ttl: Option<Duration>, others: Vec<Arc<Bucket<B>>>) -> Self {
        let named = |bucket: Arc<Bucket<B>>| (bucket.name().to_owned(), bucket);
        Self {
            own,
            ttl,
            others: others.into_iter().map(named).collect(),
        }
    }

    /// The bucket that the link may write to.
    pub fn own(&self) -> &Bucket<B> {
        &self.own
    }

    /// The bucket of this name, if the link reaches it.
    pub fn bucket(&self, name: &str) -> Option<Arc<Bucket<B>>> {
        let bucket = if self.own.name() == name {
            &self.own
        } else {
            self.others.get(name)?
        };
        Some(Arc::clone(bucket))
    }

    /// A key of the own bucket.
    pub fn own_key(&self, key: String) -> Result<Key, Invalid> {
        match self.place(&key) {
            (None, _) => Key::parse(key),
            (Some(other), _) => Err(Invalid(format!(
                "the entries of bucket {} are read by `records` only, and not written",
                other.name()
            ))),
        }
    }

    /// Keys of the own bucket, as many as a call may name.
    pub fn own_keys(&self, keys: Vec<String>) -> Result<Vec<Key>, Invalid> {
        at_most_max_keys(keys.len())?;
        keys.into_iter().map(|key| self.own_key(key)).collect()
    }

    /// The entries of these keys, in their order; those of one bucket as of
    /// one moment. No bucket is asked that no key names.
    pub async fn get_many(&self, keys: Vec<String>) -> Result<Vec<Option<Entry>>, Error> {
        at_most_max_keys(keys.len())?;
        let mut places = BTreeMap::<_, (&Bucket<B>, Vec<usize>, Vec<Key>)>::new();
        for (position, text) in keys.iter().enumerate() {
            let (other, key) = self.place(text);
            let prefix = &text[..text.len() - key.len()];
            let bucket = other.unwrap_or(&self.own);
            let place = places.entry(prefix).or_insert((bucket, vec![], vec![]));
            place.1.push(position);
            place.2.push(Key::parse(key.to_owned())?);
        }
        let mut entries = vec![None; keys.len()];
        for (prefix, (bucket, positions, keys)) in places {
            let found = bucket.get_many(&keys).await?;
            for (position, entry) in positions.into_iter().zip(found) {
                entries[position] = entry.map(|entry| entry.under(prefix));
            }
        }
        Ok(entries)
    }

    /// The entries whose keys begin with `prefix`, ordered by key. They are
    /// all of one bucket.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Entry>, Error> {
        let (other, rest) = self.place(prefix);
        let found = other.unwrap_or(&self.own).list(rest).await?;
        let bucket = &prefix[..prefix.len() - rest.len()];
        Ok(found.into_iter().map(|entry| entry.under(bucket)).collect())
    }

    /// What is wrong with the buckets.
    pub fn troubles(&self) -> Vec<String> {
        let own = self.own.trouble().or_else(|| self.own.mismatch(self.ttl));
        let others = self.others.values().filter_map(|other| other.trouble());
        own.into_iter().chain(others).collect()
    }

    /// Where a key leads, or the beginning of one: to another bucket, or to
    /// the own one, and what it is there.
    fn place<'a>(&self, key: &'a str) -> (Option<&Bucket<B>>, &'a str) {
        key.split_once('/')
            .and_then(|(name, rest)| Some((Some(&**self.others.get(name)?), rest)))
            .unwrap_or((None, key))
    }
}

impl Entry {
    fn under(self, prefix: &str) -> Self {
        Self {
            key: format!("{prefix}{}", self.key),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::{StreamExt as _, stream};

    use super::*;
    use crate::backend::{self, Change, Missing, Record, Watch};

    /// A bucket that has these keys, each its own value, or that nobody has
    /// created.
    struct Fixed(Option<Vec<&'static str>>);

    impl Backend for Fixed {
        async fn write(
            &self,
            _: &Key,
            _: Option<Bytes>,
            _: Option<u64>,
        ) -> Result<u64, backend::Error> {
            Err(backend::Error::WrongRevision)
        }

        async fn last(&self, _: &Key) -> Result<Option<Record>, backend::Error> {
            Ok(None)
        }

        async fn watch(&self, missing: Missing) -> Result<Option<Watch>, backend::Error> {
            let keys = match (&self.0, missing) {
                (Some(keys), _) => keys.clone(),
                (None, Missing::Await) => return Ok(None),
                (None, Missing::Create { .. }) => vec![],
            };
            let last = keys.len();
            let changes = (1..).zip(keys).map(move |(revision, key)| {
                Ok(Change {
                    key: key.to_owned(),
                    record: Record {
                        value: Some(Bytes::from_static(key.as_bytes())),
                        revision,
                    },
                    age: Duration::ZERO,
                    current: revision == last as u64,
                })
            });
            Ok(Some(Watch {
                ttl: None,
                empty: last == 0,
                changes: stream::iter(changes.collect::<Vec<_>>())
                    .chain(stream::pending())
                    .boxed(),
            }))
        }
    }

    fn bucket(name: &str, keys: Option<&[&'static str]>) -> Arc<Bucket<Fixed>> {
        let backend = Fixed(keys.map(<[_]>::to_vec));
        Arc::new(Bucket::new(name.to_owned(), backend, Missing::Await))
    }

    fn view(auth: Option<&[&'static str]>) -> View<Fixed> {
        let own = bucket("services", Some(&["author", "product"]));
        View::new(own, None, vec![bucket("auth", auth)])
    }

    async fn get(view: &View<Fixed>, keys: &[&str]) -> Result<Vec<Option<String>>, Error> {
        let keys = keys.iter().map(|&key| key.to_owned()).collect();
        let found = view.get_many(keys).await?;
        Ok(found.into_iter().map(|e| e.map(|e| e.key)).collect())
    }

    #[tokio::test]
    async fn one_call_reads_of_several_buckets_in_the_order_asked_for() {
        let view = view(Some(&["key/a", "product", "revoked/b"]));
        let keys = ["auth/key/a", "product", "auth/revoked/x", "key/a", "author"];
        let found = get(&view, &keys).await.unwrap();
        let found: Vec<_> = found.iter().map(Option::as_deref).collect();
        let expected = [
            Some("auth/key/a"),
            Some("product"),
            None,
            None,
            Some("author"),
        ];
        assert_eq!(found, expected);
        let entry = view.get_many(vec!["auth/product".into()]).await.unwrap();
        assert_eq!(&entry[0].as_ref().unwrap().value[..], b"product");
    }

    #[tokio::test]
    async fn a_list_is_of_the_bucket_that_its_prefix_names() {
        let view = view(Some(&["key/a", "key/b", "revoked/b"]));
        for (prefix, keys) in [
            ("auth/key/", &["auth/key/a", "auth/key/b"][..]),
            ("auth/", &["auth/key/a", "auth/key/b", "auth/revoked/b"]),
            ("auth", &["author"]),
            ("", &["author", "product"]),
            ("services/", &[]),
        ] {
            let found = view.list(prefix).await.unwrap();
            let found: Vec<_> = found.iter().map(|entry| &*entry.key).collect();
            assert_eq!(found, keys, "{prefix}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_that_is_not_there_is_missed_by_whom_reads_of_it_only() {
        let view = view(None);
        assert_eq!(get(&view, &["product"]).await.unwrap().len(), 1);
        assert_eq!(view.list("auth").await.unwrap().len(), 1);
        let refused = get(&view, &["product", "auth/key/a"]).await.unwrap_err();
        let expected = "bucket auth: does not exist yet; a link that may write to it creates it";
        assert_eq!(refused.to_string(), expected);
        assert!(matches!(refused, Error::Unavailable(_)));
        assert!(view.list("auth/key/").await.is_err());
        assert_eq!(view.troubles(), [expected]);

        let auth = view.bucket("auth").unwrap();
        auth.create_if_missing(None);
        assert_eq!(get(&view, &["auth/key/a"]).await.unwrap(), [None]);
        assert_eq!(view.troubles(), [""; 0]);
    }

    #[tokio::test]
    async fn a_key_to_write_is_one_of_the_own_bucket() {
        let view = view(Some(&[]));
        for key in ["product", "authors/a", "Auth/a", "services/a", "auth"] {
            assert_eq!(view.own_key(key.to_owned()).unwrap().as_str(), key);
        }
        for key in ["auth/key/a", "auth/a", "auth/"] {
            assert!(view.own_key(key.to_owned()).is_err(), "{key}");
        }
    }

    #[tokio::test]
    async fn one_bad_key_spoils_the_list_and_so_does_one_too_many() {
        let view = view(Some(&[]));
        for bad in [&["product", ""][..], &["auth/"], &["auth/a*"], &["a"; 1001]] {
            let refused = get(&view, bad).await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
            let keys = bad.iter().map(|&key| key.to_owned()).collect();
            assert!(view.own_keys(keys).is_err());
        }
        assert_eq!(get(&view, &["a"; 1000]).await.unwrap().len(), 1000);
    }
}
