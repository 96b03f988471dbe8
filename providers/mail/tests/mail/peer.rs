//! The other side of a connection, word by word: each test is the server.

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Peer(TcpListener);

impl Peer {
    pub(crate) fn listen() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(TcpListener::from_std(listener).unwrap())
    }

    /// Its URL; it is talked to in clear where the link says `tls: none`.
    pub(crate) fn url(&self) -> String {
        format!("smtp://{}", self.0.local_addr().unwrap())
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> Conversation {
        let (stream, _) = self.0.accept().await.unwrap();
        Conversation(BufReader::new(stream))
    }

    /// The next connection, after the greetings.
    pub(crate) async fn meet(&self) -> Conversation {
        let mut conversation = self.accept().await;
        conversation.greet("250 peer").await;
        conversation
    }
}

pub(crate) struct Conversation(BufReader<TcpStream>);

impl Conversation {
    /// Says a line.
    pub(crate) async fn say(&mut self, line: &str) {
        let line = format!("{line}\r\n");
        self.0.get_mut().write_all(line.as_bytes()).await.unwrap();
    }

    /// Hears a line; `None` when the other side has left.
    pub(crate) async fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.0.read_line(&mut line).await.unwrap_or(0);
        (length > 0).then(|| line.trim_end().to_owned())
    }

    /// Hears this line and answers it.
    pub(crate) async fn reply(&mut self, expected: &str, answer: &str) {
        assert_eq!(self.hear().await.as_deref(), Some(expected));
        self.say(answer).await;
    }

    /// Greets, and answers the other's greeting.
    pub(crate) async fn greet(&mut self, answer: &str) {
        self.say("220 peer ESMTP").await;
        self.reply("EHLO [127.0.0.1]", answer).await;
    }

    /// Takes author and recipient.
    pub(crate) async fn envelope(&mut self) {
        self.reply("MAIL FROM:<shop@example.com>", "250 ok").await;
        self.reply("RCPT TO:<ann@example.com>", "250 ok").await;
    }

    /// Takes a message to its end, and does not answer yet.
    pub(crate) async fn content(&mut self) {
        self.reply("DATA", "354 go on").await;
        while self.hear().await.unwrap() != "." {}
    }

    /// Takes a message and accepts it.
    pub(crate) async fn accept_mail(&mut self) {
        self.envelope().await;
        self.content().await;
        self.say("250 2.0.0 queued").await;
    }
}
