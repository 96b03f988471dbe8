//! One connection to a server, and the commands that send a message on it
//! (RFC 5321, section 3.3). Each has a time of its own, and how far they got
//! says what an error means.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lettre::transport::smtp::authentication::DEFAULT_MECHANISMS;
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt, Rset};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::{Response, Severity};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::failure::{self, Failure};
use super::lines::Lines;
use crate::attempts::Outcome;
use crate::backend::now_ms;
use crate::config::{Security, Server};
use crate::mail::Mail;
use crate::types::{Error, Receipt, Refusal};

/// How long a server gets for its good-bye.
const LEAVE: Duration = Duration::from_secs(1);

pub(super) struct Session {
    connection: AsyncSmtpConnection,
    server: Arc<Server>,
    /// Whether it is unknown what the server would answer to.
    broken: bool,
}

impl Session {
    /// Connects, encrypts and signs in. `Err` says why it does not work:
    /// nothing that a message could be blamed for.
    pub(super) async fn open(server: &Arc<Server>) -> Result<Self, String> {
        let connection = timeout(server.connect_time, connect(server)).await;
        let connection = connection.map_err(|_| "no connection in time".to_owned())?;
        let mut connection = connection.map_err(|failure| format!("no connection: {failure}"))?;
        if let Some(login) = &server.login {
            let signed_in = connection.auth(DEFAULT_MECHANISMS, login);
            let signed_in = timeout(server.command_time, signed_in).await;
            let signed_in = signed_in.map_err(|_| "no answer to AUTH in time".to_owned())?;
            signed_in.map_err(|error| format!("not signed in: {}", Failure::from(error)))?;
        }
        Ok(Self {
            connection,
            server: Arc::clone(server),
            broken: false,
        })
    }

    /// Whether the connection is still there, ready for another message.
    pub(super) async fn reset(&mut self) -> bool {
        self.command(Rset, Severity::PositiveCompletion)
            .await
            .is_ok()
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Takes leave of the server.
    pub(super) async fn quit(mut self) {
        // Whether it says good-bye makes no difference.
        timeout(LEAVE, self.connection.quit()).await.ok();
    }

    /// Sends a message.
    pub(super) async fn send(&mut self, mail: &Mail, message: &[u8]) -> Outcome {
        let international = mail.is_international();
        let info = self.connection.server_info();
        if international && !info.supports_feature(Extension::SmtpUtfEight) {
            return Err(Error::Permanent(Refusal {
                code: None,
                status: None,
                reason: "the server takes no addresses with other letters than ASCII".to_owned(),
            }));
        }
        let mut parameters = Vec::new();
        if international {
            parameters.push(MailParameter::SmtpUtfEight);
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let from = MailFrom::new(Some(mail.from.address.path()), parameters);
        let to = Rcpt::new(mail.to.address.path(), Vec::new());
        let before = |failure: Failure| failure.before_the_end();
        self.command(from, Severity::PositiveCompletion)
            .await
            .map_err(before)?;
        self.command(to, Severity::PositiveCompletion)
            .await
            .map_err(before)?;
        self.command(Data, Severity::PositiveIntermediate)
            .await
            .map_err(before)?;
        self.content(message).await
    }

    /// Sends the message's text. From the moment its end is on the way the
    /// server may have it.
    async fn content(&mut self, message: &[u8]) -> Outcome {
        let all_sent = AtomicBool::new(false);
        let end = std::iter::from_fn(|| {
            all_sent.store(true, Ordering::Relaxed);
            None
        });
        let sent = self
            .connection
            .message_iter(std::iter::once(message).chain(end));
        let answer = match timeout(self.server.data_time, sent).await {
            Ok(answer) => expect(answer.map_err(Failure::from), Severity::PositiveCompletion),
            Err(_) => Err(Failure::late("the message")),
        };
        self.note(&answer);
        match answer {
            Ok(response) => Ok(Receipt {
                accepted_at: now_ms(),
                answer: failure::answer(&response),
            }),
            Err(failure) if all_sent.into_inner() => Err(failure.after_the_end()),
            Err(failure) => Err(failure.before_the_end()),
        }
    }

    async fn command(
        &mut self,
        command: impl std::fmt::Display,
        expected: Severity,
    ) -> Result<Response, Failure> {
        let text = command.to_string();
        let name = text.split_ascii_whitespace().next().unwrap_or_default();
        let answer = match timeout(self.server.command_time, self.connection.command(&text)).await {
            Ok(answer) => expect(answer.map_err(Failure::from), expected),
            Err(_) => Err(Failure::late(name)),
        };
        self.note(&answer);
        answer
    }

    fn note<T>(&mut self, answer: &Result<T, Failure>) {
        self.broken |= answer.as_ref().is_err_and(Failure::breaks);
    }
}

/// A good answer may still be the answer to something else.
fn expect(answer: Result<Response, Failure>, expected: Severity) -> Result<Response, Failure> {
    match answer {
        Ok(response) if response.code().severity != expected => Err(Failure::unexpected(&response)),
        answer => answer,
    }
}

async fn connect(server: &Server) -> Result<AsyncSmtpConnection, Failure> {
    let address = (server.host.as_str(), server.port);
    let open = |tls: Option<TlsParameters>| {
        AsyncSmtpConnection::connect_tokio1(address, None, &server.hello, tls, None)
    };
    match &server.security {
        Security::Tls(tls) => Ok(open(Some(tls.clone())).await?),
        Security::Plaintext => Ok(open(None).await?),
        Security::StartTls(tls) => {
            let stream = TcpStream::connect(address).await?;
            let stream = Box::new(Lines(stream));
            let mut connection =
                AsyncSmtpConnection::connect_with_transport(stream, &server.hello).await?;
            connection.starttls(tls.clone(), &server.hello).await?;
            Ok(connection)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::SocketAddr;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use lettre::transport::smtp::client::AsyncTokioStream;
    use lettre::transport::smtp::extension::ClientId;
    use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
    use tokio::io::{DuplexStream, ReadBuf, duplex};

    use super::*;

    /// A connection on which little fits that nobody reads.
    #[derive(Debug)]
    struct Pipe(DuplexStream);

    impl AsyncRead for Pipe {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_read(context, buffer)
        }
    }

    impl AsyncWrite for Pipe {
        fn poll_write(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(context, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(context)
        }

        fn poll_shutdown(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(context)
        }
    }

    impl AsyncTokioStream for Pipe {
        fn peer_addr(&self) -> io::Result<SocketAddr> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    /// A session, and the server's end of it.
    async fn session() -> (Session, DuplexStream) {
        let (ours, mut theirs) = duplex(1024);
        theirs.write_all(b"220 peer\r\n250 peer\r\n").await.unwrap();
        let hello = ClientId::default();
        let connection = AsyncSmtpConnection::connect_with_transport(Box::new(Pipe(ours)), &hello);
        let time = Duration::from_secs(1);
        let server = Server {
            host: "peer".to_owned(),
            port: 25,
            security: Security::Plaintext,
            login: None,
            hello: hello.clone(),
            connections: 1,
            connect_time: time,
            command_time: time,
            data_time: time,
        };
        let session = Session {
            connection: connection.await.unwrap(),
            server: Arc::new(server),
            broken: false,
        };
        (session, theirs)
    }

    /// Reads as much.
    async fn take(server: &mut DuplexStream, bytes: usize) {
        server.read_exact(&mut vec![0; bytes]).await.unwrap();
    }

    const HELLO: usize = "EHLO [127.0.0.1]\r\n".len();
    const END: usize = "\r\n.\r\n".len();

    #[tokio::test(start_paused = true)]
    async fn a_message_that_was_not_sent_to_its_end_was_not_accepted() {
        let message = [b'x'; 4000];
        for closes in [true, false] {
            let (mut session, mut server) = session().await;
            let reading = async {
                take(&mut server, HELLO + 1000).await;
                (!closes).then_some(server)
            };
            let (outcome, _server) = tokio::join!(session.content(&message), reading);
            assert!(matches!(outcome, Err(Error::Temporary(_))), "{outcome:?}");
            assert!(session.is_broken());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_was_sent_to_its_end_may_have_been() {
        let message = [b'x'; 4000];
        for closes in [true, false] {
            let (mut session, mut server) = session().await;
            let reading = async {
                take(&mut server, HELLO + message.len() + END).await;
                (!closes).then_some(server)
            };
            let (outcome, _server) = tokio::join!(session.content(&message), reading);
            assert!(matches!(outcome, Err(Error::Uncertain(_))), "{outcome:?}");
            assert!(session.is_broken());
        }
    }
}
