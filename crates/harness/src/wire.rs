//! HTTP/1.1 by hand: for requests that no client would send.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::{Answer, patience};

/// How long a server may take to answer or to hang up.
const ANSWER: Duration = Duration::from_mins(1);

/// A connection on which anything can be sent.
pub struct Wire(BufReader<TcpStream>);

impl Wire {
    /// Connects to the server at `address`.
    pub fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        for timeout in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
            timeout(&stream, Some(patience(ANSWER))).expect("a timeout");
        }
        Self(BufReader::new(stream))
    }

    /// Sends these bytes. A server may have answered and hung up before the
    /// last of them: what it said is still to be read.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        let _ = self.0.get_mut().write_all(bytes.as_ref());
        self
    }

    /// Says that nothing more will be sent.
    pub fn finish(&mut self) -> &mut Self {
        let _ = self.0.get_mut().shutdown(Shutdown::Write);
        self
    }

    /// The next answer; `None` when the server hung up without one.
    pub fn answer(&mut self) -> Option<Answer> {
        let (status, headers) = self.head()?;
        let length = headers.get("content-length");
        let length = length.map_or(0, |value| {
            value.to_str().expect("text").parse().expect("a length")
        });
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("the whole body");
        let text = String::from_utf8(body).expect("text");
        Some(Answer {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or_default(),
            text,
        })
    }

    /// The status and headers of an answer to which no body belongs.
    pub fn head(&mut self) -> Option<(u16, HeaderMap)> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).expect("a status line");
        let mut headers = HeaderMap::new();
        while let Some(line) = self.line().filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').expect("a header");
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).expect("a header's name"),
                HeaderValue::from_str(value.trim()).expect("a header's value"),
            );
        }
        Some((status.parse().expect("a status"), headers))
    }

    /// A line without its end; `None` when there is none because the server
    /// hung up, also in the hard way that it has to after unread input.
    fn line(&mut self) -> Option<String> {
        use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
            Err(error) if [BrokenPipe, ConnectionReset].contains(&error.kind()) => None,
            Err(error) => panic!("neither an answer nor an end: {error}"),
        }
    }
}
