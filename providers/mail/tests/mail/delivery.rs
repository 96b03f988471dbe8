//! Mail that arrives, at a server that others have written.

use futures::future::{join, join_all};
use mail_parser::MessageParser;
use stoa_mail_provider::types::Message;

use crate::aiosmtpd::{Identity, Server};
use crate::shop::{Shop, mailbox, message, temporary};

const LOGIN: [&str; 2] = ["--login", "ann@example.com:p:/@é"];
const CREDENTIALS: &str = "ann%40example.com:p%3A%2F%40%C3%A9";

/// A shop that trusts this identity.
fn shop(scheme: &str, server: &Server, identity: &Identity) -> Shop {
    let url = format!("{scheme}://{CREDENTIALS}@localhost:{}", server.port);
    let certificate = identity.certificate();
    Shop::at(&url, &[("ca_file", certificate.to_str().unwrap())])
}

#[tokio::test]
async fn mail_arrives_encrypted_and_signed_in() {
    let identity = Identity::new();
    for (how, scheme) in [
        ("starttls", "smtp"),
        ("starttls", "smtp+starttls"),
        ("tls", "smtps"),
    ] {
        for without in ["LOGIN", "PLAIN"] {
            let options = [LOGIN[0], LOGIN[1], "--without", without];
            let mut server = Server::encrypted(how, &identity, &options).await;
            let shop = shop(scheme, &server, &identity);
            let receipt = shop.send("order-7").await.unwrap();
            assert_eq!(receipt.answer, "250 2.0.0 queued");
            let mail = server.mail().await;
            assert_eq!(mail.get("encrypted"), true);
            assert_eq!(mail.get("user"), "ann@example.com");
            assert_eq!(mail.get("from"), "shop@example.com");
            assert_eq!(mail.get("to"), &serde_json::json!(["ann@example.com"]));
        }
    }
}

#[tokio::test]
async fn a_password_that_is_refused_is_a_fault_and_not_told() {
    let identity = Identity::new();
    let login = ["--login", "ann@example.com:another"];
    let server = Server::encrypted("starttls", &identity, &login).await;
    let shop = shop("smtp", &server, &identity);
    let text = temporary(shop.send("a").await);
    assert!(text.starts_with("not signed in: 535 5.7.8"), "{text}");
    let faults = shop.0.faults().join(" ");
    assert!(
        faults.contains("535") && !faults.contains("p:/@é"),
        "{faults}"
    );
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (identity, other) = (Identity::new(), Identity::new());
    for (how, scheme) in [("starttls", "smtp"), ("tls", "smtps")] {
        let server = Server::encrypted(how, &identity, &[]).await;
        let url = format!("{scheme}://localhost:{}", server.port);
        let theirs = other.certificate();
        for link in [&[][..], &[("ca_file", theirs.to_str().unwrap())]] {
            let text = temporary(Shop::at(&url, link).send("a").await);
            assert!(text.contains("invalid peer certificate"), "{text}");
        }
        let ours = identity.certificate();
        let by_ip = url.replace("localhost", "127.0.0.1");
        let link = [("ca_file", ours.to_str().unwrap())];
        let text = temporary(Shop::at(&by_ip, &link).send("a").await);
        assert!(text.contains("not valid for name"), "{text}");
    }
}

#[tokio::test]
async fn what_is_sent_is_what_arrives() {
    let mut server = Server::plain(&[]).await;
    let url = format!("smtp://127.0.0.1:{}", server.port);
    let shop = Shop::at(&url, &[("tls", "none"), ("hello", "shop.example.com")]);
    let text = ".\n..\n.hidden\nFrom me\n\nGrüße 🦀\n".to_owned();
    let sent = Message {
        subject: "Ihre Bestellung: Größe 🦀".to_owned(),
        html: Some("<p>Grüße</p>".to_owned()),
        reply_to: Some(mailbox("help@example.com")),
        text: text.clone(),
        ..message("order-7")
    };
    shop.deliver(sent).await;
    let mail = server.mail().await;
    assert_eq!(mail.get("hello"), "shop.example.com");
    let read = MessageParser::default().parse(mail.content()).unwrap();
    assert_eq!(read.subject(), Some("Ihre Bestellung: Größe 🦀"));
    assert_eq!(read.message_id(), Some("order-7@example.com"));
    let body = read.body_text(0).unwrap();
    assert_eq!(body.trim_end(), text.replace('\n', "\r\n").trim_end());
    assert_eq!(read.body_html(0).unwrap(), "<p>Grüße</p>");
}

#[tokio::test]
async fn the_largest_message_arrives() {
    let mut server = Server::plain(&[]).await;
    let url = format!("smtp://127.0.0.1:{}", server.port);
    let shop = Shop::at(&url, &[("tls", "none")]);
    let text = "é".repeat(128 << 10);
    let large = Message {
        html: Some(text.clone()),
        text: text.clone(),
        ..message("large")
    };
    // The server answers when it has printed the mail.
    let (_, mail) = join(shop.deliver(large), server.mail()).await;
    let read = MessageParser::default().parse(mail.content()).unwrap();
    assert_eq!(read.body_text(0).unwrap(), text);
}

#[tokio::test]
async fn an_international_address_arrives() {
    let mut server = Server::plain(&[]).await;
    let url = format!("smtp://127.0.0.1:{}", server.port);
    let shop = Shop::at(&url, &[("tls", "none")]);
    let to = mailbox("用户@bücher.example");
    shop.deliver(Message { to, ..message("a") }).await;
    let mail = server.mail().await;
    assert_eq!(
        mail.get("to"),
        &serde_json::json!(["用户@xn--bcher-kva.example"])
    );
    let options = mail.get("options").to_string();
    assert!(
        options.contains("SMTPUTF8") && options.contains("BODY=8BITMIME"),
        "{options}"
    );
}

#[tokio::test]
async fn many_mails_share_few_connections() {
    let mut server = Server::plain(&[]).await;
    let url = format!("smtp://127.0.0.1:{}", server.port);
    let shop = Shop::at(&url, &[("tls", "none"), ("connections", "3")]);
    let outcomes = join_all((0..60).map(|n| {
        let shop = shop.clone();
        async move { shop.send(&format!("order-{}", n % 30)).await.unwrap() }
    }));
    outcomes.await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..30 {
        let mail = server.mail().await;
        let read = MessageParser::default().parse(mail.content()).unwrap();
        assert!(
            seen.insert(read.message_id().unwrap().to_owned()),
            "sent twice"
        );
    }
    shop.0.close().await;
}
