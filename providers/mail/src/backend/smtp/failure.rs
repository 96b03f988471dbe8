//! Why a step of a session failed, and what that means for a message: the same
//! loss of a connection is one thing before its end was sent and another after.

use std::error::Error as _;
use std::fmt;
use std::io;

use lettre::transport::smtp::response::Response;

use crate::types::{Error, Refusal};

/// Bytes of a server's answer that are kept.
const LONGEST_ANSWER: usize = 500;

/// The server wants another login, or any (RFC 4954, section 6): nothing that
/// another message would change, and everything that an operator can.
const LOGIN: [u16; 4] = [530, 534, 535, 538];

/// The server is about to close the connection (RFC 5321, section 3.8).
const CLOSING: u16 = 421;

/// A failed step.
#[derive(Debug)]
pub(super) struct Failure {
    /// The server's code, if it has answered.
    code: Option<u16>,
    text: String,
}

impl Failure {
    /// No answer in time.
    pub(super) fn late(to: &str) -> Self {
        Self::lost(&format!("no answer to {to} in time"))
    }

    /// An answer that makes no sense here.
    pub(super) fn unexpected(response: &Response) -> Self {
        Self::lost(&format!("an unexpected answer: {}", answer(response)))
    }

    fn lost(text: &str) -> Self {
        Self {
            code: None,
            text: printable(text),
        }
    }

    /// Whether the connection is of no use any more.
    pub(super) fn breaks(&self) -> bool {
        matches!(self.code, None | Some(CLOSING))
    }

    /// What it means for a message whose end was not sent: the server cannot
    /// have taken it.
    pub(super) fn before_the_end(self) -> Error {
        match self.code {
            Some(code) if code >= 500 && !LOGIN.contains(&code) => self.refusal(code),
            _ => Error::Temporary(self.to_string()),
        }
    }

    /// What it means for a message that was sent to its end.
    pub(super) fn after_the_end(self) -> Error {
        match self.code {
            None => Error::Uncertain(self.to_string()),
            Some(_) => self.before_the_end(),
        }
    }

    fn refusal(self, code: u16) -> Error {
        let (status, reason) = match self.text.split_once(' ') {
            Some((word, reason)) if is_status(word) => (Some(word.to_owned()), reason.to_owned()),
            _ => (None, self.text),
        };
        Error::Permanent(Refusal {
            code: Some(code),
            status,
            reason,
        })
    }
}

impl From<lettre::transport::smtp::Error> for Failure {
    fn from(error: lettre::transport::smtp::Error) -> Self {
        match (error.status(), error.source()) {
            (Some(code), text) => Self {
                code: Some(code.into()),
                text: printable(&text.map_or_else(String::new, ToString::to_string)),
            },
            (None, _) => Self::lost(&error.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::lost(&error.to_string())
    }
}

/// As the server said it.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "{code} {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// A good answer, in one line.
pub(super) fn answer(response: &Response) -> String {
    let lines: Vec<_> = response.message().collect();
    printable(&format!("{} {}", response.code(), lines.join(" ")))
}

/// An enhanced status code (RFC 3463, section 2).
fn is_status(word: &str) -> bool {
    let number =
        |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let mut parts = word.split('.');
    matches!(parts.next(), Some("2" | "4" | "5"))
        && parts.next().is_some_and(number)
        && parts.next().is_some_and(number)
        && parts.next().is_none()
}

/// What a server says goes into logs and databases: in one line, and not too
/// much of it.
fn printable(text: &str) -> String {
    let mut line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    line.truncate(line.floor_char_boundary(LONGEST_ANSWER));
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: impl Into<Option<u16>>, text: &str) -> Failure {
        let (code, text) = (code.into(), printable(text));
        Failure { code, text }
    }

    #[test]
    fn a_5xx_is_permanent_and_says_what_the_server_said() {
        let Error::Permanent(refusal) = failure(550, "5.1.1 no such user").before_the_end() else {
            panic!("not permanent");
        };
        assert_eq!(refusal.code, Some(550));
        assert_eq!(refusal.status.as_deref(), Some("5.1.1"));
        assert_eq!(refusal.reason, "no such user");
        let Error::Permanent(refusal) = failure(554, "no").after_the_end() else {
            panic!("not permanent");
        };
        assert_eq!((refusal.status, refusal.reason.as_str()), (None, "no"));
    }

    #[test]
    fn a_4xx_is_temporary_and_so_is_a_login_that_is_refused() {
        for code in [421, 450, 452, 530, 535] {
            for error in [
                failure(code, "4.3.0 later").before_the_end(),
                failure(code, "4.3.0 later").after_the_end(),
            ] {
                let Error::Temporary(text) = error else {
                    panic!("not temporary");
                };
                assert_eq!(text, format!("{code} 4.3.0 later"));
            }
        }
    }

    #[test]
    fn a_lost_connection_is_uncertain_after_the_end_only() {
        let lost = || failure(None, "connection reset");
        assert!(matches!(lost().before_the_end(), Error::Temporary(_)));
        assert!(matches!(lost().after_the_end(), Error::Uncertain(_)));
    }

    #[test]
    fn a_connection_is_used_again_after_an_answer_that_does_not_end_it() {
        assert!(!failure(450, "later").breaks());
        assert!(!failure(550, "no").breaks());
        assert!(failure(421, "closing").breaks());
        assert!(failure(None, "reset").breaks());
    }

    #[test]
    fn what_a_server_says_becomes_one_short_line() {
        assert_eq!(printable("a\r\nb\0c\u{1b}[31m"), "a  b c [31m");
        assert_eq!(printable(&"é".repeat(300)).len(), 500);
    }

    #[test]
    fn a_status_has_three_numbers() {
        for good in ["5.1.1", "4.7.0", "2.0.0", "5.123.999"] {
            assert!(is_status(good), "{good}");
        }
        for bad in [
            "", "5", "5.1", "5.1.1.1", "3.1.1", "5.x.1", "5.1234.1", "5..1",
        ] {
            assert!(!is_status(bad), "{bad}");
        }
    }
}
