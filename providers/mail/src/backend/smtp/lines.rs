//! A connection that hands over one line at a time, and leaves the rest where
//! it is.
//!
//! Before STARTTLS somebody on the way can append answers of his own to the
//! server's. A reader that has already taken them would believe that they came
//! encrypted (CVE-2011-0411, and "NO STARTTLS" of 2021). Here they stay in the
//! socket, and the TLS handshake fails on them.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How far ahead the end of a line is looked for.
const AHEAD: usize = 4096;

#[derive(Debug)]
pub(super) struct Lines(pub(super) TcpStream);

impl AsyncRead for Lines {
    /// Reads no further than to the end of a line. In what is encrypted the
    /// ends of lines mean nothing, and it makes no difference where a reader
    /// pauses.
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut ahead = [0; AHEAD];
        let mut ahead = ReadBuf::new(&mut ahead);
        ready!(self.0.poll_peek(context, &mut ahead))?;
        let seen = ahead.filled();
        let end = seen.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(seen.len(), |end| end + 1);
        let mut line = vec![0; length.min(buffer.remaining())];
        let mut part = ReadBuf::new(&mut line);
        ready!(Pin::new(&mut self.0).poll_read(context, &mut part))?;
        buffer.put_slice(part.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Lines {
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

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

impl AsyncTokioStream for Lines {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.peer_addr()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn what_comes_after_a_line_stays_in_the_socket() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        server
            .write_all(b"220 ready\r\n250 injected\r\nrest")
            .await
            .unwrap();
        drop(server);
        let mut lines = Lines(stream);
        let mut buffer = [0; 100];
        for expected in [&b"220 ready\r\n"[..], b"250 injected\r\n", b"rest", b""] {
            let length = lines.read(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..length], expected);
        }
    }

    #[tokio::test]
    async fn a_small_buffer_gets_a_line_in_parts() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        server.write_all(b"abc\ndef").await.unwrap();
        let mut lines = Lines(stream);
        let mut buffer = [0; 3];
        for expected in [&b"abc"[..], b"\n", b"def"] {
            let length = lines.read(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..length], expected);
        }
    }
}
