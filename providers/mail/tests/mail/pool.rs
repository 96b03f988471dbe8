//! Connections: how many, for how long, and how they end.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{join, join3};
use stoa_harness::patience;
use stoa_mail_provider::Config;
use stoa_mail_provider::types::Error;

use crate::peer::Peer;
use crate::shop::{Shop, config, temporary};

const PLAIN: (&str, &str) = ("tls", "none");

#[tokio::test]
async fn there_are_no_more_connections_than_the_link_says() {
    let peer = Peer::listen();
    let shop = Shop::at(&peer.url(), &[PLAIN, ("connections", "2")]);
    let script = async {
        let (mut first, mut second) = join(peer.meet(), peer.meet()).await;
        join(first.envelope(), second.envelope()).await;
        assert!(peer.accept().now_or_never().is_none());
        first.content().await;
        first.say("250 first").await;
        first.reply("RSET", "250 ok").await;
        first.accept_mail().await;
        second.content().await;
        second.say("250 second").await;
        assert!(peer.accept().now_or_never().is_none());
    };
    let mails = join3(shop.send("a"), shop.send("b"), shop.send("c"));
    let ((a, b, c), ()) = join(mails, script).await;
    for outcome in [a, b, c] {
        outcome.unwrap();
    }
}

#[tokio::test]
async fn a_mail_that_waits_too_long_for_its_turn_is_not_sent() {
    let peer = Peer::listen();
    let impatient = Config {
        // Of which it waits half for its turn.
        answer_time: patience(Duration::from_secs(3)),
        ..config()
    };
    let shop = Shop::with(impatient, &peer.url(), &[PLAIN, ("connections", "1")]);
    let script = async {
        let mut server = peer.meet().await;
        server.envelope().await;
        server
    };
    let first = async { join(shop.send("a"), shop.send("b")).await };
    let ((a, b), mut server) = join(first, script).await;
    assert!(matches!(a, Err(Error::Uncertain(_))), "{a:?}");
    assert_eq!(temporary(b), "all connections to the server are in use");
    server.content().await;
    server.say("250 ok").await;
    shop.send("a").await.unwrap();
    shop.0.close().await;
    assert_eq!(server.hear().await.as_deref(), Some("QUIT"));
}

#[tokio::test]
async fn a_connection_that_the_server_has_closed_is_replaced() {
    let peer = Peer::listen();
    let shop = Shop::at(&peer.url(), &[PLAIN]);
    for id in ["a", "b", "c"] {
        let script = async { peer.meet().await.accept_mail().await };
        let (outcome, ()) = join(shop.send(id), script).await;
        outcome.unwrap();
    }
}

#[tokio::test]
async fn the_end_waits_for_mails_under_way_and_takes_leave() {
    let peer = Peer::listen();
    let shop = Shop::at(&peer.url(), &[PLAIN]);
    let script = async {
        let mut server = peer.meet().await;
        server.envelope().await;
        let closing = shop.0.close();
        let rest = async {
            server.content().await;
            temporary(shop.send("late").await);
            server.say("250 ok").await;
            assert_eq!(server.hear().await.as_deref(), Some("QUIT"));
            server.say("221 bye").await;
        };
        join(closing, rest).await;
    };
    let (outcome, ()) = join(shop.send("a"), script).await;
    outcome.unwrap();
}

#[tokio::test]
async fn a_mail_that_does_not_end_does_not_keep_the_provider() {
    let peer = Peer::listen();
    let hasty = Config {
        drain_time: Duration::from_millis(100),
        answer_time: Duration::from_millis(100),
        ..config()
    };
    let shop = Shop::with(hasty, &peer.url(), &[PLAIN]);
    let (outcome, _server) = join(shop.send("a"), peer.meet()).await;
    assert!(matches!(outcome, Err(Error::Uncertain(_))), "{outcome:?}");
    tokio::time::timeout(patience(Duration::from_mins(1)), shop.0.close())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_link_that_is_removed_ends_its_idle_connections() {
    let peer = Peer::listen();
    let shop = Shop::at(&peer.url(), &[PLAIN]);
    let script = async {
        let mut server = peer.meet().await;
        server.accept_mail().await;
        server
    };
    let (outcome, mut server) = join(shop.send("a"), script).await;
    outcome.unwrap();
    shop.0.unlink(crate::shop::caller());
    assert_eq!(server.hear().await.as_deref(), Some("QUIT"));
    let text = temporary(shop.send("b").await);
    assert_eq!(text, "the link \"default\" of email was removed");
}
