//! What goes wrong, and which error it is.

use std::time::Duration;

use futures::future::join;
use stoa_harness::patience;
use stoa_mail_provider::Config;
use stoa_mail_provider::types::{Error, Message};

use crate::peer::Peer;
use crate::shop::{Shop, caller, config, mailbox, message, temporary};

const PLAIN: (&str, &str) = ("tls", "none");

#[tokio::test]
async fn a_receipt_has_the_servers_answer() {
    let peer = Peer::listen();
    let shop = Shop::at(&peer.url(), &[PLAIN]);
    let script = async { peer.meet().await.accept_mail().await };
    let (outcome, ()) = join(shop.send("a"), script).await;
    let receipt = outcome.unwrap();
    assert_eq!(receipt.answer, "250 2.0.0 queued");
    assert!(receipt.accepted_at > 1_700_000_000_000);
}

#[tokio::test]
async fn a_recipient_that_is_refused_is_permanent() {
    let peer = Peer::listen();
    let shop = Shop::at(&peer.url(), &[PLAIN]);
    let script = async {
        let mut server = peer.meet().await;
        server.reply("MAIL FROM:<shop@example.com>", "250 ok").await;
        let answer = "550-5.1.1 no such user\r\n550 5.1.1 here";
        server.reply("RCPT TO:<ann@example.com>", answer).await;
    };
    let (outcome, ()) = join(shop.send("a"), script).await;
    let Err(Error::Permanent(refusal)) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(refusal.code, Some(550));
    assert_eq!(refusal.status.as_deref(), Some("5.1.1"));
    assert_eq!(refusal.reason, "no such user here");
    assert!(shop.0.faults().is_empty(), "the server was reached");
}

#[tokio::test]
async fn a_message_that_is_refused_is_permanent() {
    let peer = Peer::listen();
    let shop = Shop::at(&peer.url(), &[PLAIN]);
    let script = async {
        let mut server = peer.meet().await;
        server.envelope().await;
        server.content().await;
        server.say("554 5.7.1 looks like spam").await;
    };
    let (outcome, ()) = join(shop.send("a"), script).await;
    let Err(Error::Permanent(refusal)) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        (refusal.code, refusal.status.as_deref()),
        (Some(554), Some("5.7.1"))
    );
}

#[tokio::test]
async fn a_message_refused_for_now_goes_through_later_on_the_same_connection() {
    let peer = Peer::listen();
    let shop = Shop::at(&peer.url(), &[PLAIN]);
    let first = async {
        let mut server = peer.meet().await;
        server.reply("MAIL FROM:<shop@example.com>", "250 ok").await;
        server
            .reply("RCPT TO:<ann@example.com>", "451 4.7.1 greylisted")
            .await;
        server
    };
    let (outcome, mut server) = join(shop.send("a"), first).await;
    assert_eq!(temporary(outcome), "451 4.7.1 greylisted");
    let second = async {
        server.reply("RSET", "250 ok").await;
        server.accept_mail().await;
    };
    let (outcome, ()) = join(shop.send("a"), second).await;
    outcome.unwrap();
}

#[tokio::test]
async fn a_connection_lost_after_the_end_is_uncertain() {
    let peer = Peer::listen();
    let shop = Shop::at(&peer.url(), &[PLAIN]);
    let script = async {
        let mut server = peer.meet().await;
        server.envelope().await;
        server.content().await;
    };
    let (outcome, ()) = join(shop.send("a"), script).await;
    assert!(matches!(outcome, Err(Error::Uncertain(_))), "{outcome:?}");

    let again = async { peer.meet().await.accept_mail().await };
    let (outcome, ()) = join(shop.send("a"), again).await;
    outcome.unwrap();
}

#[tokio::test]
async fn an_answer_to_the_end_that_makes_no_sense_is_uncertain() {
    for answer in ["hello?", "354 go on", "250"] {
        let peer = Peer::listen();
        let shop = Shop::at(&peer.url(), &[PLAIN]);
        let script = async {
            let mut server = peer.meet().await;
            server.envelope().await;
            server.content().await;
            server.say(answer).await;
        };
        let (outcome, ()) = join(shop.send("a"), script).await;
        match outcome {
            Err(Error::Uncertain(_)) => {}
            Ok(receipt) => assert_eq!((answer, receipt.answer.as_str()), ("250", "250")),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_server_that_closes_before_the_message_is_temporary() {
    let peer = Peer::listen();
    let shop = Shop::at(&peer.url(), &[PLAIN]);
    for answer in ["421 4.3.2 closing", "530 5.7.0 sign in first"] {
        let script = async {
            let mut server = peer.meet().await;
            server.reply("MAIL FROM:<shop@example.com>", answer).await;
        };
        let (outcome, ()) = join(shop.send("a"), script).await;
        assert_eq!(temporary(outcome), answer);
    }
    let script = async { peer.meet().await.envelope().await };
    let (outcome, ()) = join(shop.send("a"), script).await;
    temporary(outcome);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_temporary_and_left() {
    let peer = Peer::listen();
    let shop = Shop::at(&peer.url(), &[PLAIN, ("command_timeout_ms", "100")]);
    let script = async {
        let mut server = peer.meet().await;
        assert!(server.hear().await.unwrap().starts_with("MAIL"));
        assert_eq!(server.hear().await, None);
    };
    let (outcome, ()) = join(shop.send("a"), script).await;
    assert_eq!(temporary(outcome), "no answer to MAIL in time");
}

#[tokio::test]
async fn a_server_that_cannot_be_talked_to_is_a_fault_until_it_can() {
    let peer = Peer::listen();
    // So long it has for those that say something.
    let time = patience(Duration::from_secs(2)).as_millis().to_string();
    let link = [PLAIN, ("connect_timeout_ms", &*time)];
    let shop = Shop::at(&peer.url(), &link);
    assert!(
        shop.0.faults().is_empty(),
        "nothing is tried before the first message"
    );
    for banner in [
        "HTTP/1.1 400 Bad Request",
        "\0\u{1}\u{2}",
        "554 5.3.2 no mail here",
    ] {
        let script = async { peer.accept().await.say(banner).await };
        let (outcome, ()) = join(shop.send("a"), script).await;
        let text = temporary(outcome);
        assert_eq!(shop.0.faults(), [format!("link default of email: {text}")]);
    }
    let (outcome, _silent) = join(shop.send("a"), peer.accept()).await;
    assert_eq!(temporary(outcome), "no connection in time");

    let script = async { peer.meet().await.accept_mail().await };
    let (outcome, ()) = join(shop.send("a"), script).await;
    outcome.unwrap();
    assert!(shop.0.faults().is_empty());

    drop(peer);
    temporary(shop.send("b").await);
    assert_eq!(shop.0.faults().len(), 1);
}

#[tokio::test]
async fn a_greeting_that_nobody_expects_ends_one_call_only() {
    let peer = Peer::listen();
    let shop = Shop::at(&peer.url(), &[PLAIN]);
    let script = async {
        let mut server = peer.accept().await;
        server.greet("250-peer\r\n250-   \r\n250 ").await;
    };
    let (outcome, ()) = join(shop.send("a"), script).await;
    outcome.unwrap_err();
    let script = async { peer.meet().await.accept_mail().await };
    let (outcome, ()) = join(shop.send("a"), script).await;
    outcome.unwrap();
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_met_by_the_next_call() {
    let peer = Peer::listen();
    let impatient = Config {
        answer_time: patience(Duration::from_secs(2)),
        ..config()
    };
    let shop = Shop::with(impatient, &peer.url(), &[PLAIN]);
    let script = async {
        let mut server = peer.meet().await;
        server.envelope().await;
        server.content().await;
        server
    };
    let (outcome, mut server) = join(shop.send("a"), script).await;
    assert!(matches!(outcome, Err(Error::Uncertain(_))), "{outcome:?}");
    let (outcome, ()) = join(shop.send("a"), server.say("250 late")).await;
    assert_eq!(outcome.unwrap().answer, "250 late");
    assert_eq!(shop.send("a").await.unwrap().answer, "250 late");
    shop.0.close().await;
    assert_eq!(
        server.hear().await.as_deref(),
        Some("QUIT"),
        "and no second message"
    );
}

#[tokio::test]
async fn letters_beyond_ascii_need_a_server_that_knows_them() {
    let peer = Peer::listen();
    let shop = Shop::at(&peer.url(), &[PLAIN]);
    let international = || Message {
        to: mailbox("jürgen@bücher.example"),
        ..message("a")
    };
    let (outcome, _server) = join(shop.0.send(caller(), international()), peer.meet()).await;
    let Err(Error::Permanent(refusal)) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!((refusal.code, refusal.status), (None, None));

    let able = Peer::listen();
    shop.link(&able.url(), &[PLAIN]);
    let script = async {
        let mut server = able.accept().await;
        server
            .greet("250-peer\r\n250-8BITMIME\r\n250 SMTPUTF8")
            .await;
        let from = "MAIL FROM:<shop@example.com> SMTPUTF8 BODY=8BITMIME";
        server.reply(from, "250 ok").await;
        server
            .reply("RCPT TO:<jürgen@xn--bcher-kva.example>", "250 ok")
            .await;
        server.content().await;
        server.say("250 ok").await;
    };
    let (outcome, ()) = join(shop.0.send(caller(), international()), script).await;
    outcome.unwrap();
}

#[tokio::test]
async fn a_wrong_config_is_the_operators_to_put_right() {
    let shop = Shop::at("smtp://ann:hunter2@mx_1", &[]);
    let text = temporary(shop.send("a").await);
    assert_eq!(text, "the link's config is wrong: url: has no good host");
    assert_eq!(
        shop.0.faults(),
        ["link default of email: url: has no good host"]
    );
}
