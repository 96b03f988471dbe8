//! A mail server that does to each recipient what his address says, so that
//! one lattice can be sent all kinds of trouble at once:
//!
//! | the address begins with | what happens |
//! |---|---|
//! | `later.` | 451 at the first try, accepted at the next |
//! | `never.` | 550 |
//! | `dropped.` | the connection ends after the first try's message, unanswered |
//! | `slow.` | an answer after two seconds |
//! | anything else | accepted |

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A mail that was accepted, or that came and was never answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mail {
    pub(crate) to: String,
    /// The `Message-ID`.
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) was_accepted: bool,
}

#[derive(Default)]
struct Seen {
    mails: Vec<Mail>,
    tries: HashMap<String, u32>,
}

/// The server. It runs until the end of the program.
#[derive(Clone)]
pub(crate) struct Server {
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let server = Self {
            port: listener.local_addr().expect("an address").port(),
            seen: Arc::default(),
        };
        let serving = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let server = serving.clone();
                // A client that goes away ends its thread, and nothing else.
                std::thread::spawn(move || server.serve(&stream).ok());
            }
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// What came for an address.
    pub(crate) fn mails(&self, to: &str) -> Vec<Mail> {
        let seen = self.seen.lock().expect("nobody failed here");
        let mails = seen.mails.iter().filter(|mail| mail.to == to);
        mails.cloned().collect()
    }

    /// What was accepted for an address.
    pub(crate) fn accepted(&self, to: &str) -> Vec<Mail> {
        let mut mails = self.mails(to);
        mails.retain(|mail| mail.was_accepted);
        mails
    }

    /// How often mail for an address was tried.
    pub(crate) fn tries(&self, to: &str) -> u32 {
        let seen = self.seen.lock().expect("nobody failed here");
        seen.tries.get(to).copied().unwrap_or_default()
    }

    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut input = BufReader::new(stream);
        let mut output = stream;
        let mut to = String::new();
        let mut tries = 0;
        output.write_all(b"220 mail.example ESMTP\r\n")?;
        let mut line = String::new();
        while input.read_line(&mut line)? > 0 {
            let command = std::mem::take(&mut line);
            let answer = match command
                .get(..4)
                .unwrap_or_default()
                .to_ascii_uppercase()
                .as_str()
            {
                "EHLO" => "250-mail.example\r\n250 SMTPUTF8",
                "RCPT" => {
                    to = between(&command, '<', '>').into();
                    let mut seen = self.seen.lock().expect("nobody failed here");
                    let count = seen.tries.entry(to.clone()).or_default();
                    *count += 1;
                    tries = *count;
                    match to.split('.').next() {
                        Some("never") => "550 5.1.1 no such user",
                        Some("later") if tries == 1 => "451 4.2.1 come back later",
                        _ => "250 2.1.5 fine",
                    }
                }
                "DATA" => {
                    output.write_all(b"354 go on\r\n")?;
                    let mut text = String::new();
                    while input.read_line(&mut line)? > 0 && line != ".\r\n" {
                        text.push_str(&std::mem::take(&mut line));
                    }
                    line.clear();
                    let was_accepted = !(to.starts_with("dropped.") && tries == 1);
                    if to.starts_with("slow.") {
                        std::thread::sleep(Duration::from_secs(2));
                    }
                    self.seen
                        .lock()
                        .expect("nobody failed here")
                        .mails
                        .push(Mail {
                            to: to.clone(),
                            id: header(&text, "Message-ID"),
                            text,
                            was_accepted,
                        });
                    if !was_accepted {
                        return Ok(());
                    }
                    "250 2.0.0 queued"
                }
                "QUIT" => {
                    return output.write_all(b"221 bye\r\n");
                }
                _ => "250 2.0.0 fine",
            };
            output.write_all(format!("{answer}\r\n").as_bytes())?;
        }
        Ok(())
    }
}

fn between(text: &str, from: char, to: char) -> &str {
    let rest = text.split_once(from).map_or("", |(_, rest)| rest);
    rest.split_once(to).map_or("", |(inside, _)| inside)
}

fn header(mail: &str, name: &str) -> String {
    let lines = mail.lines().take_while(|line| !line.is_empty());
    let mut found = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    found.next().unwrap_or_default().to_owned()
}
