//! What happens before a connection is encrypted, where anybody may be the
//! other side.

use std::time::Duration;

use futures::future::join;
use stoa_harness::patience;

use crate::peer::Peer;
use crate::shop::{Shop, temporary};

#[tokio::test]
async fn a_server_without_starttls_gets_no_mail() {
    let peer = Peer::listen();
    let shop = Shop::at(&peer.url().replace("://", "://ann:hunter2@"), &[]);
    let script = async {
        let mut server = peer.accept().await;
        server.greet("250-peer\r\n250 AUTH PLAIN LOGIN").await;
        assert_eq!(server.hear().await, None);
    };
    let (outcome, ()) = join(shop.send("a"), script).await;
    assert!(temporary(outcome).contains("STARTTLS is not supported"));
}

#[tokio::test]
async fn a_server_that_refuses_starttls_gets_no_mail() {
    let peer = Peer::listen();
    let shop = Shop::at(&peer.url(), &[]);
    let script = async {
        let mut server = peer.accept().await;
        server.greet("250-peer\r\n250 STARTTLS").await;
        server.reply("STARTTLS", "501 5.5.4 not today").await;
        server.reply("QUIT", "221 bye").await;
        assert_eq!(server.hear().await, None);
    };
    let (outcome, ()) = join(shop.send("a"), script).await;
    assert_eq!(temporary(outcome), "no connection: 501 5.5.4 not today");
}

#[tokio::test]
async fn answers_that_were_given_in_clear_do_not_count_as_encrypted() {
    let peer = Peer::listen();
    let time = patience(Duration::from_secs(30)).as_millis().to_string();
    let shop = Shop::at(&peer.url(), &[("connect_timeout_ms", &time)]);
    let script = async {
        let mut server = peer.accept().await;
        server.greet("250-peer\r\n250 STARTTLS").await;
        let injected = "220 go on\r\n250-evil\r\n250 AUTH PLAIN";
        server.reply("STARTTLS", injected).await;
    };
    let (outcome, ()) = join(shop.send("a"), script).await;
    let text = temporary(outcome);
    assert!(
        text.contains("corrupt message"),
        "the handshake failed on them: {text}"
    );
}
