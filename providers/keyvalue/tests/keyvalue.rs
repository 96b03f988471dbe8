//! The provider against a real NATS server.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that meets something else has failed"
)]

mod lattice;
mod nats;
mod reads;

use bytes::Bytes;
use futures::future::join_all;
use stoa_keyvalue_provider::bindings::exports::stoa::keyvalue::records::{
    Entry, Error, Handler as Records,
};
use stoa_keyvalue_provider::bindings::exports::wrpc::keyvalue::store::Error as StoreError;
use stoa_keyvalue_provider::bindings::exports::wrpc::keyvalue::{atomics, batch, store};
use wasmcloud_provider_sdk::{HealthCheckRequest, Provider as _};

use lattice::{Lattice, answered, caller, eventually};
use nats::Nats;

async fn put(lattice: &Lattice, key: &str, value: &str, expected: Option<u64>) -> Outcome<u64> {
    put_as(lattice, "shop", key, value, expected).await
}

async fn put_as(
    lattice: &Lattice,
    source: &str,
    key: &str,
    value: &str,
    expected: Option<u64>,
) -> Outcome<u64> {
    let (key, value) = (key.to_owned(), value.to_owned());
    Records::put(
        &lattice.provider,
        Some(caller(source)),
        key,
        value,
        expected,
    )
    .await
    .unwrap()
}

async fn entry(lattice: &Lattice, key: &str) -> Outcome<Option<Entry>> {
    entry_as(lattice, "shop", key).await
}

async fn entry_as(lattice: &Lattice, source: &str, key: &str) -> Outcome<Option<Entry>> {
    let keys = vec![key.to_owned()];
    let found = Records::get_many(&lattice.provider, Some(caller(source)), keys)
        .await
        .unwrap();
    found.map(|mut entries| entries.remove(0))
}

async fn value(lattice: &Lattice, key: &str) -> Option<String> {
    entry(lattice, key).await.unwrap().map(|entry| entry.value)
}

async fn delete(lattice: &Lattice, key: &str) {
    store::Handler::delete(
        &lattice.provider,
        Some(caller("shop")),
        String::new(),
        key.to_owned(),
    )
    .await
    .unwrap()
    .unwrap();
}

async fn health(lattice: &Lattice) -> Result<(), String> {
    let request = HealthCheckRequest {};
    let response = lattice.provider.health_request(&request).await.unwrap();
    match response.message {
        None => Ok(()),
        Some(message) => Err(message),
    }
}

type Outcome<T> = Result<T, Error>;

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_read_at_once_and_so_is_a_delete() {
    let nats = Nats::start().await;
    let lattice = Lattice::with_bucket(&nats, &[]).await;
    for round in 0..100 {
        let written = round.to_string();
        let revision = put(&lattice, "k", &written, None).await.unwrap();
        let read = entry(&lattice, "k").await.unwrap().unwrap();
        assert_eq!((read.value, read.revision), (written, revision));
        if round % 10 == 0 {
            delete(&lattice, "k").await;
            assert_eq!(value(&lattice, "k").await, None);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_providers_on_one_bucket_see_each_others_writes() {
    let nats = Nats::start().await;
    let one = Lattice::with_bucket(&nats, &[]).await;
    let two = Lattice::with_bucket(&nats, &[]).await;
    assert_eq!(value(&two, "k").await, None);
    put(&one, "k", "from one", None).await.unwrap();
    eventually(async || value(&two, "k").await.as_deref() == Some("from one")).await;
    put(&two, "k", "from two", None).await.unwrap();
    eventually(async || value(&one, "k").await.as_deref() == Some("from two")).await;
    delete(&one, "k").await;
    eventually(async || value(&two, "k").await.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_provider_reads_what_was_there_before() {
    let nats = Nats::start().await;
    let old = Lattice::with_bucket(&nats, &[]).await;
    for n in 0..50 {
        put(&old, &format!("k.{n:02}"), "v", None).await.unwrap();
    }
    delete(&old, "k.00").await;
    let new = Lattice::start(&nats).await;
    new.link("shop", &[]).await;
    for (prefix, numbers) in [("", 1..50), ("k.1", 10..20), ("k.9", 0..0)] {
        // What is answered first has all of it.
        let entries = answered(async || {
            let entries = Records::list(&new.provider, Some(caller("shop")), prefix.to_owned());
            entries.await.unwrap()
        })
        .await;
        let keys: Vec<_> = entries.into_iter().map(|entry| entry.key).collect();
        let expected: Vec<_> = numbers.map(|n| format!("k.{n:02}")).collect();
        assert_eq!(keys, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn expected_revisions_decide_who_may_write() {
    let nats = Nats::start().await;
    let lattice = Lattice::with_bucket(&nats, &[]).await;
    let conflict = |outcome: Outcome<u64>| match outcome {
        Err(Error::Conflict(revision)) => revision,
        other => panic!("no conflict: {other:?}"),
    };
    let first = put(&lattice, "k", "1", Some(0)).await.unwrap();
    assert_eq!(conflict(put(&lattice, "k", "2", Some(0)).await), first);
    let second = put(&lattice, "k", "2", Some(first)).await.unwrap();
    assert_eq!(conflict(put(&lattice, "k", "3", Some(first)).await), second);
    delete(&lattice, "k").await;
    assert_eq!(conflict(put(&lattice, "k", "3", Some(second)).await), 0);
    assert_eq!(conflict(put(&lattice, "new", "1", Some(second)).await), 0);
    put(&lattice, "k", "again", Some(0)).await.unwrap();
    assert_eq!(value(&lattice, "k").await.as_deref(), Some("again"));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_writers_that_compare_and_set_lose_nothing() {
    let nats = Nats::start().await;
    let one = Lattice::with_bucket(&nats, &[]).await;
    let two = Lattice::with_bucket(&nats, &[]).await;
    let append = async |lattice: &Lattice, writer: usize| {
        loop {
            let (list, revision) = match entry(lattice, "list").await.unwrap() {
                Some(entry) => (entry.value, entry.revision),
                None => (String::new(), 0),
            };
            match put(lattice, "list", &format!("{list}{writer} "), Some(revision)).await {
                Ok(_) => return,
                Err(Error::Conflict(_)) => tokio::task::yield_now().await,
                Err(other) => panic!("{other:?}"),
            }
        }
    };
    join_all((0..50).map(|writer| append([&one, &two][writer % 2], writer))).await;
    let complete = async |lattice: &Lattice| {
        let list = value(lattice, "list").await.unwrap_or_default();
        let mut writers: Vec<usize> = list
            .split_whitespace()
            .map(|writer| writer.parse().unwrap())
            .collect();
        writers.sort_unstable();
        writers == (0..50).collect::<Vec<_>>()
    };
    eventually(async || complete(&one).await && complete(&two).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_increments_add_up_to_fifty() {
    let nats = Nats::start().await;
    let one = Lattice::with_bucket(&nats, &[]).await;
    let two = Lattice::with_bucket(&nats, &[]).await;
    let increment = async |lattice: &Lattice, delta: u64| loop {
        let key = "counter".to_owned();
        let incremented = atomics::Handler::increment(
            &lattice.provider,
            Some(caller("shop")),
            String::new(),
            key,
            delta,
        )
        .await
        .unwrap();
        // It has given up, and nothing was written.
        let is_late = |why: &str| why.contains("too many callers at once");
        match incremented {
            Err(StoreError::Other(why)) if is_late(&why) => {}
            incremented => break incremented,
        }
    };
    let sums = join_all((0..50).map(|n| increment([&one, &two][n % 2], 1))).await;
    let mut sums: Vec<_> = sums.into_iter().map(Result::unwrap).collect();
    sums.sort_unstable();
    assert_eq!(sums, (1..=50).collect::<Vec<_>>());

    delete(&one, "counter").await;
    assert_eq!(increment(&one, 7).await.unwrap(), 7);
    let overflow = increment(&one, u64::MAX).await;
    assert!(matches!(overflow, Err(StoreError::Other(_))));
    put(&one, "counter", "many", None).await.unwrap();
    let no_number = increment(&one, 1).await;
    assert!(matches!(no_number, Err(StoreError::Other(_))));
    assert_eq!(value(&one, "counter").await.as_deref(), Some("many"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_disappears_when_its_ttl_is_over() {
    let nats = Nats::start().await;
    let link = [("bucket", "leases"), ("ttl", "3")];
    let writer = Lattice::with_bucket(&nats, &link).await;
    let reader = Lattice::with_bucket(&nats, &link).await;
    // Again and again: one may be over before the reader has looked.
    eventually(async || {
        put(&writer, "lease", "product", None).await.unwrap();
        value(&reader, "lease").await.is_some()
    })
    .await;
    eventually(async || value(&writer, "lease").await.is_none()).await;
    eventually(async || value(&reader, "lease").await.is_none()).await;
    // The broker forgets it as well, so that it can be made anew.
    eventually(async || put(&writer, "lease", "again", Some(0)).await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_with_another_ttl_is_kept_and_reported() {
    let nats = Nats::start().await;
    let first = Lattice::with_bucket(&nats, &[("bucket", "leases")]).await;
    put(&first, "k", "v", None).await.unwrap();
    eventually(async || health(&first).await.is_ok()).await;
    let second = Lattice::with_bucket(&nats, &[("bucket", "leases"), ("ttl", "5")]).await;
    assert_eq!(value(&second, "k").await.as_deref(), Some("v"));
    let trouble = health(&second).await.unwrap_err();
    assert!(trouble.contains("leases"), "{trouble}");
    assert!(trouble.contains("5 s"), "{trouble}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_the_copy_answers_and_then_it_recovers() {
    let mut nats = Nats::start().await;
    let lattice = Lattice::with_bucket(&nats, &[]).await;
    put(&lattice, "k", "before", None).await.unwrap();
    eventually(async || health(&lattice).await.is_ok()).await;

    nats.stop();
    eventually(async || health(&lattice).await.is_err()).await;
    assert_eq!(value(&lattice, "k").await.as_deref(), Some("before"));
    let refused = put(&lattice, "k", "during", None).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");

    nats.restart().await;
    eventually(async || health(&lattice).await.is_ok()).await;
    assert_eq!(value(&lattice, "k").await.as_deref(), Some("before"));
    put(&lattice, "k", "after", None).await.unwrap();
    assert_eq!(value(&lattice, "k").await.as_deref(), Some("after"));

    // And the watch lives: it sees what somebody else writes.
    let other = Lattice::with_bucket(&nats, &[]).await;
    put(&other, "k", "other", None).await.unwrap();
    eventually(async || value(&lattice, "k").await.as_deref() == Some("other")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_was_deleted_is_made_anew() {
    let nats = Nats::start().await;
    let lattice = Lattice::with_bucket(&nats, &[]).await;
    for _ in 0..5 {
        put(&lattice, "k", "old", None).await.unwrap();
    }
    let jetstream = async_nats::jetstream::new(nats.client().await);
    jetstream.delete_key_value("stoa").await.unwrap();
    // The server notices by the missing heartbeats of the watch.
    eventually(async || put(&lattice, "k", "new", Some(0)).await.is_ok()).await;
    assert_eq!(value(&lattice, "k").await.as_deref(), Some("new"));
}

#[tokio::test(flavor = "multi_thread")]
async fn links_have_their_own_bucket_and_reach_no_other() {
    let nats = Nats::start().await;
    let lattice = Lattice::start(&nats).await;
    for source in ["one", "two"] {
        lattice.link(source, &[("bucket", source)]).await;
        lattice.opened(source).await;
    }
    put_as(&lattice, "one", "k", "v", None).await.unwrap();
    assert!(entry_as(&lattice, "two", "k").await.unwrap().is_none());

    let exists = async |identifier: &str| {
        let (identifier, key) = (identifier.to_owned(), "k".to_owned());
        store::Handler::exists(&lattice.provider, Some(caller("one")), identifier, key)
            .await
            .unwrap()
    };
    for own in ["", "default", "one"] {
        assert!(matches!(exists(own).await, Ok(true)), "{own}");
    }
    let other = exists("two").await;
    assert!(matches!(other, Err(StoreError::NoSuchStore)), "{other:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_link_or_a_wrong_one_is_refused() {
    let nats = Nats::start().await;
    let lattice = Lattice::start(&nats).await;
    lattice.link("wrong", &[("bucket", "no bucket")]).await;
    for source in ["stranger", "wrong"] {
        let refused = entry_as(&lattice, source, "k").await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    }
    assert!(health(&lattice).await.unwrap_err().contains("bucket"));
    let identifier = "default".to_owned();
    let refused = store::Handler::list_keys(
        &lattice.provider,
        Some(caller("stranger")),
        identifier,
        None,
    )
    .await
    .unwrap();
    assert!(
        matches!(refused, Err(StoreError::AccessDenied)),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_values_that_are_not_acceptable_are_refused() {
    let nats = Nats::start().await;
    let lattice = Lattice::with_bucket(&nats, &[]).await;
    for key in ["", ".k", "k.", "a..b", "k *", ">"] {
        let written = put(&lattice, key, "v", None).await;
        assert!(
            matches!(written, Err(Error::Invalid(_))),
            "{key}: {written:?}"
        );
        let read = entry(&lattice, key).await;
        assert!(matches!(read, Err(Error::Invalid(_))), "{key}: {read:?}");
    }
    let large = put(&lattice, "k", &"x".repeat(512 * 1024 + 1), None).await;
    assert!(matches!(large, Err(Error::Invalid(_))));
    put(&lattice, "k", &"x".repeat(512 * 1024), None)
        .await
        .unwrap();

    let bytes = vec![("k".to_owned(), Bytes::from_static(b"\xff"))];
    batch::Handler::set_many(
        &lattice.provider,
        Some(caller("shop")),
        String::new(),
        bytes,
    )
    .await
    .unwrap()
    .unwrap();
    let read = entry(&lattice, "k").await;
    assert!(matches!(read, Err(Error::Invalid(_))), "{read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_come_in_ordered_pages_and_batches_in_the_order_asked_for() {
    let nats = Nats::start().await;
    let lattice = Lattice::with_bucket(&nats, &[]).await;
    let provider = &lattice.provider;
    let bucket = || "default".to_owned();
    let keys: Vec<_> = (0..1500).map(|n| format!("k{n:04}")).collect();
    for half in keys.chunks(750) {
        let values = half.iter().rev();
        let values = values.map(|key| (key.clone(), Bytes::from(key.clone())));
        batch::Handler::set_many(provider, Some(caller("shop")), bucket(), values.collect())
            .await
            .unwrap()
            .unwrap();
    }

    let mut found = Vec::new();
    let mut cursor = None;
    for page in [1000, 500] {
        let keys = store::Handler::list_keys(provider, Some(caller("shop")), bucket(), cursor)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(keys.keys.len(), page);
        cursor = keys.cursor;
        found.extend(keys.keys);
    }
    assert_eq!(cursor, None);
    assert_eq!(found, keys);

    let asked = vec!["k0009".to_owned(), "missing".to_owned(), "k0001".to_owned()];
    let read = batch::Handler::get_many(provider, Some(caller("shop")), bucket(), asked)
        .await
        .unwrap()
        .unwrap();
    let read: Vec<_> = read
        .into_iter()
        .map(|pair| pair.map(|(key, _)| key))
        .collect();
    assert_eq!(
        read,
        [Some("k0009".to_owned()), None, Some("k0001".to_owned())]
    );

    let gone = keys[..1000].to_vec();
    batch::Handler::delete_many(provider, Some(caller("shop")), bucket(), gone)
        .await
        .unwrap()
        .unwrap();
    let left = store::Handler::list_keys(provider, Some(caller("shop")), bucket(), None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(left.keys, keys[1000..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wire_carries_the_inner_result_only() {
    use lattice::wire::stoa::keyvalue::records;
    use lattice::wire::stoa::keyvalue::types::Error;

    let nats = Nats::start().await;
    let lattice = Lattice::with_bucket(&nats, &[]).await;
    let (wrpc, _serving) = lattice.serve().await;
    let revision = records::put(&wrpc, None, "k", "v", Some(0))
        .await
        .unwrap()
        .unwrap();
    let again = records::put(&wrpc, None, "k", "v", Some(0)).await.unwrap();
    assert!(matches!(again, Err(Error::Conflict(current)) if current == revision));
    let keys = ["k", "missing"];
    let found = records::get_many(&wrpc, None, &keys)
        .await
        .unwrap()
        .unwrap();
    let found: Vec<_> = found
        .into_iter()
        .map(|entry| entry.map(|entry| (entry.key, entry.value, entry.revision)))
        .collect();
    assert_eq!(
        found,
        [Some(("k".to_owned(), "v".to_owned(), revision)), None]
    );
}
