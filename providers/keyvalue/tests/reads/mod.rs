//! A link that reads of buckets which are somebody else's.

use stoa_keyvalue_provider::bindings::exports::stoa::keyvalue::records::{
    Entry, Error, Handler as Records,
};
use stoa_keyvalue_provider::bindings::exports::wrpc::keyvalue::{batch, store};

use crate::lattice::{Lattice, caller, eventually};
use crate::nats::Nats;
use crate::{Outcome, health, put_as};

const OWNER: &[(&str, &str)] = &[("bucket", "auth"), ("ttl", "900")];
const READER: &[(&str, &str)] = &[("bucket", "services"), ("reads", "auth")];

async fn read(lattice: &Lattice, keys: &[&str]) -> Outcome<Vec<Option<Entry>>> {
    let keys = keys.iter().map(|&key| key.to_owned()).collect();
    Records::get_many(&lattice.provider, Some(caller("gateway")), keys)
        .await
        .unwrap()
}

async fn list(lattice: &Lattice, prefix: &str) -> Vec<String> {
    Records::list(
        &lattice.provider,
        Some(caller("gateway")),
        prefix.to_owned(),
    )
    .await
    .unwrap()
    .unwrap()
    .into_iter()
    .map(|entry| entry.key)
    .collect()
}

/// The values of `product` and `auth/key/a`, as far as they can be read.
async fn values(lattice: &Lattice) -> [Option<String>; 2] {
    let found = read(lattice, &["product", "auth/key/a"]).await;
    let found = found.unwrap_or_else(|_| vec![None, None]);
    let mut values = found.into_iter().map(|entry| entry.map(|e| e.value));
    [values.next().flatten(), values.next().flatten()]
}

async fn jetstream(nats: &Nats) -> async_nats::jetstream::Context {
    async_nats::jetstream::new(nats.client().await)
}

fn both() -> [Option<String>; 2] {
    [Some("here".to_owned()), Some("key".to_owned())]
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_reads_of_two_buckets_whichever_link_came_first() {
    for reader_first in [true, false] {
        let nats = Nats::start().await;
        let lattice = Lattice::start(&nats).await;
        if reader_first {
            lattice.link("gateway", READER).await;
            lattice.link("auth", OWNER).await;
        } else {
            lattice.link("auth", OWNER).await;
            lattice.link("gateway", READER).await;
        }
        eventually(async || read(&lattice, &["product", "auth/key/a"]).await.is_ok()).await;
        // One copy: what the owner has written, the reader reads at once.
        for round in 0..20 {
            let written = round.to_string();
            put_as(&lattice, "auth", "key/a", &written, None)
                .await
                .unwrap();
            let found = read(&lattice, &["product", "auth/key/a"]).await.unwrap();
            let entry = found[1].as_ref().unwrap();
            assert_eq!((&*entry.key, &*entry.value), ("auth/key/a", &*written));
            assert!(found[0].is_none());
        }
        assert_eq!(list(&lattice, "auth/key/").await, ["auth/key/a"]);
        assert_eq!(list(&lattice, "").await, [""; 0]);
        eventually(async || health(&lattice).await.is_ok()).await;
        let stream = jetstream(&nats).await.get_stream("KV_auth").await.unwrap();
        assert_eq!(stream.cached_info().config.max_age.as_secs(), 900);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_to_read_is_waited_for_and_not_created() {
    let nats = Nats::start().await;
    let lattice = Lattice::start(&nats).await;
    lattice.link("gateway", READER).await;
    lattice.opened("gateway").await;
    put_as(&lattice, "gateway", "product", "here", None)
        .await
        .unwrap();
    let unavailable = async || match read(&lattice, &["product", "auth/key/a"]).await {
        Err(Error::Unavailable(why)) => why.contains("bucket auth: does not exist"),
        other => panic!("{other:?}"),
    };
    eventually(unavailable).await;
    let trouble = health(&lattice).await.unwrap_err();
    assert!(trouble.contains("bucket auth"), "{trouble}");
    assert!(read(&lattice, &["product"]).await.unwrap()[0].is_some());
    assert!(jetstream(&nats).await.get_stream("KV_auth").await.is_err());

    // It comes to be elsewhere, and goes, and comes again.
    for _ in 0..2 {
        let elsewhere = Lattice::start(&nats).await;
        elsewhere.link("auth", OWNER).await;
        elsewhere.opened("auth").await;
        put_as(&elsewhere, "auth", "key/a", "key", None)
            .await
            .unwrap();
        eventually(async || values(&lattice).await == both()).await;
        eventually(async || health(&lattice).await.is_ok()).await;
        drop(elsewhere);
        let jetstream = jetstream(&nats).await;
        jetstream.delete_key_value("auth").await.unwrap();
        eventually(async || read(&lattice, &["auth/key/a"]).await.is_err()).await;
    }
    assert!(read(&lattice, &["product"]).await.unwrap()[0].is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_to_a_bucket_that_is_only_read() {
    let nats = Nats::start().await;
    let lattice = Lattice::start(&nats).await;
    lattice.link("auth", OWNER).await;
    lattice.link("gateway", READER).await;
    for source in ["auth", "gateway"] {
        lattice.opened(source).await;
    }
    put_as(&lattice, "auth", "key/a", "key", None)
        .await
        .unwrap();
    for expected in [None, Some(0), Some(1)] {
        let written = put_as(&lattice, "gateway", "auth/key/a", "forged", expected).await;
        assert!(matches!(written, Err(Error::Invalid(_))), "{written:?}");
    }
    let provider = &lattice.provider;
    let gateway = || (Some(caller("gateway")), String::new());
    let (context, bucket) = gateway();
    let pairs = vec![("auth/key/a".to_owned(), "forged".into())];
    let set = batch::Handler::set_many(provider, context, bucket, pairs).await;
    assert!(set.unwrap().is_err());
    let (context, bucket) = gateway();
    let deleted = store::Handler::delete(provider, context, bucket, "auth/key/a".to_owned()).await;
    assert!(deleted.unwrap().is_err());
    let (context, _) = gateway();
    let other = store::Handler::exists(provider, context, "auth".to_owned(), "key/a".to_owned());
    assert!(other.await.unwrap().is_err());
    assert_eq!(values(&lattice).await[1].as_deref(), Some("key"));

    // And who does not say `reads` does not read.
    lattice.link("shop", &[("bucket", "services")]).await;
    lattice.opened("shop").await;
    let keys = vec!["auth/key/a".to_owned()];
    let found = Records::get_many(provider, Some(caller("shop")), keys).await;
    assert!(found.unwrap().unwrap()[0].is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_stays_when_the_owners_link_goes_and_the_broker_comes_back() {
    let mut nats = Nats::start().await;
    let lattice = Lattice::start(&nats).await;
    lattice.link("auth", OWNER).await;
    lattice.link("gateway", READER).await;
    for source in ["auth", "gateway"] {
        lattice.opened(source).await;
    }
    put_as(&lattice, "auth", "key/a", "key", None)
        .await
        .unwrap();
    put_as(&lattice, "gateway", "product", "here", None)
        .await
        .unwrap();
    lattice.unlink("auth").await;
    assert_eq!(values(&lattice).await, both());
    nats.stop();
    eventually(async || health(&lattice).await.is_err()).await;
    assert_eq!(values(&lattice).await, both());
    nats.restart().await;
    eventually(async || health(&lattice).await.is_ok()).await;
    assert_eq!(values(&lattice).await, both());
}
