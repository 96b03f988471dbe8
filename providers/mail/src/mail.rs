//! A message that can be sent: what a component handed over, read into types
//! that cannot be wrong.

use std::fmt;

use crate::address::Mailbox;
use crate::line::Line;
use crate::types::{Message, Refusal};

/// A message, in all its parts.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) id: MessageId,
    pub(crate) from: Mailbox,
    pub(crate) to: Mailbox,
    pub(crate) reply_to: Option<Mailbox>,
    pub(crate) subject: Line,
    pub(crate) text: Body,
    pub(crate) html: Option<Body>,
}

/// The caller's id of a message: `[A-Za-z0-9_-]{1,64}`, so it is good for a
/// header and for a file's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MessageId(String);

/// Text of several lines, each of which ends with CR LF, without NUL.
#[derive(Clone, Debug)]
pub(crate) struct Body(String);

const MAX_ID: usize = 64;
const MAX_SUBJECT: usize = 998;
const MAX_BODY: usize = 256 << 10;

impl Mail {
    /// Reads a message; `from` is its author if it names none.
    pub(crate) fn read(message: Message, from: Option<&Mailbox>) -> Result<Self, Refusal> {
        let id = MessageId::parse(&message.id).map_err(|problem| refuse("id", problem))?;
        let subject = if message.subject.len() > MAX_SUBJECT {
            Err("has more than 998 bytes")
        } else {
            Line::parse(&message.subject)
        };
        let mailbox =
            |field, mailbox| Mailbox::read(mailbox).map_err(|problem| refuse(field, problem));
        let from = match (&message.from, from) {
            (Some(author), _) => mailbox("from", author)?,
            (None, Some(author)) => author.clone(),
            (None, None) => {
                return Err(refuse("from", "is missing, here and in the link's config"));
            }
        };
        let reply_to = message.reply_to.as_ref();
        Ok(Self {
            id,
            from,
            to: mailbox("to", &message.to)?,
            reply_to: reply_to.map(|to| mailbox("reply-to", to)).transpose()?,
            subject: subject.map_err(|problem| refuse("subject", problem))?,
            text: Body::parse(&message.text).map_err(|problem| refuse("text", problem))?,
            html: message
                .html
                .map(|html| Body::parse(&html))
                .transpose()
                .map_err(|problem| refuse("html", problem))?,
        })
    }

    /// Whether only servers that know RFC 6531 can take it.
    pub(crate) fn is_international(&self) -> bool {
        [Some(&self.from), Some(&self.to), self.reply_to.as_ref()]
            .into_iter()
            .flatten()
            .any(|mailbox| mailbox.address.is_international())
    }
}

fn refuse(field: &str, problem: impl fmt::Display) -> Refusal {
    Refusal {
        code: None,
        status: None,
        reason: format!("{field}: {problem}"),
    }
}

impl MessageId {
    /// Checks an id. `Err` says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (1..=MAX_ID).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err("is not 1 to 64 of A-Z, a-z, 0-9, - and _")
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Body {
    /// Reads a text whose lines end with CR LF, LF or CR. `Err` says what is
    /// wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX_BODY {
            return Err("has more than 256 KiB");
        }
        if text.contains('\0') {
            return Err("has a NUL character");
        }
        let mut lines = String::with_capacity(text.len() + text.len() / 32);
        for line in text.replace("\r\n", "\n").split_inclusive(['\r', '\n']) {
            match line.strip_suffix(['\r', '\n']) {
                Some(line) => {
                    lines.push_str(line);
                    lines.push_str("\r\n");
                }
                None => lines.push_str(line),
            }
        }
        Ok(Self(lines))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::types;

    pub(crate) fn mailbox(address: &str) -> types::Mailbox {
        types::Mailbox {
            name: None,
            address: address.to_owned(),
        }
    }

    pub(crate) fn message() -> Message {
        Message {
            id: "0192f0c1-order".to_owned(),
            from: None,
            to: mailbox("ann@example.com"),
            reply_to: None,
            subject: "Your order".to_owned(),
            text: "It is on its way.\n".to_owned(),
            html: None,
        }
    }

    pub(crate) fn shop() -> Mailbox {
        Mailbox::parse("The Shop <shop@example.com>").unwrap()
    }

    pub(crate) fn read(message: Message) -> Result<Mail, String> {
        Mail::read(message, Some(&shop())).map_err(|refusal| {
            assert!(refusal.code.is_none() && refusal.status.is_none());
            refusal.reason
        })
    }

    #[test]
    fn the_author_is_the_messages_own_or_the_links() {
        assert_eq!(read(message()).unwrap().from, shop());
        let own = Message {
            from: Some(mailbox("billing@example.com")),
            ..message()
        };
        assert_eq!(
            read(own).unwrap().from.address.as_str(),
            "billing@example.com"
        );
        assert!(Mail::read(message(), None).is_err());
    }

    #[test]
    fn what_is_wrong_is_told_by_its_field() {
        let refused = |field: &str, message| {
            let reason = read(message).unwrap_err();
            assert!(reason.starts_with(&format!("{field}: ")), "{reason}");
        };
        let nobody = || mailbox("nobody");
        refused(
            "id",
            Message {
                id: String::new(),
                ..message()
            },
        );
        refused(
            "from",
            Message {
                from: Some(nobody()),
                ..message()
            },
        );
        refused(
            "to",
            Message {
                to: nobody(),
                ..message()
            },
        );
        refused(
            "reply-to",
            Message {
                reply_to: Some(nobody()),
                ..message()
            },
        );
        refused(
            "subject",
            Message {
                subject: "a\nb".to_owned(),
                ..message()
            },
        );
        refused(
            "text",
            Message {
                text: "a\0b".to_owned(),
                ..message()
            },
        );
        refused(
            "html",
            Message {
                html: Some("a\0b".to_owned()),
                ..message()
            },
        );
    }

    #[test]
    fn sizes_have_bounds() {
        let subject = |length| {
            read(Message {
                subject: "x".repeat(length),
                ..message()
            })
        };
        assert!(subject(998).is_ok());
        assert!(subject(999).is_err());
        let text = |length| {
            read(Message {
                text: "\n".repeat(length),
                ..message()
            })
        };
        assert!(text(MAX_BODY).is_ok());
        assert!(text(MAX_BODY + 1).is_err());
        let html = |length| {
            read(Message {
                html: Some("x".repeat(length)),
                ..message()
            })
        };
        assert!(html(MAX_BODY).is_ok());
        assert!(html(MAX_BODY + 1).is_err());
    }

    #[test]
    fn an_id_is_good_for_a_header_and_for_a_file() {
        let long = "a".repeat(65);
        for bad in [
            "", "a b", "a/b", "..", "a.b", "a@b", "a>", "a\r\nb", "ä", "a\0", &long,
        ] {
            assert!(MessageId::parse(bad).is_err(), "{bad:?}");
        }
        assert!(MessageId::parse("0192f0c1-7d3e-7000-8000-00000000000a").is_ok());
        assert!(MessageId::parse(&long[1..]).is_ok());
    }

    #[test]
    fn lines_of_a_body_end_with_cr_lf() {
        let body = |text| Body::parse(text).unwrap().0;
        assert_eq!(body("a\nb\rc\r\nd"), "a\r\nb\r\nc\r\nd");
        assert_eq!(body("\n\r\n\r\r\n"), "\r\n\r\n\r\n\r\n");
        assert_eq!(body(""), "");
    }

    #[test]
    fn a_letter_before_the_at_makes_a_message_international() {
        assert!(!read(message()).unwrap().is_international());
        let to = mailbox("jürgen@example.com");
        let international = Message {
            to: to.clone(),
            ..message()
        };
        assert!(read(international).unwrap().is_international());
        let answers = Message {
            reply_to: Some(to),
            ..message()
        };
        assert!(read(answers).unwrap().is_international());
    }
}
