//! The message as it travels: RFC 5322 with MIME. Everything in it comes from
//! types that cannot hold more than they say, and no line of it is longer than
//! 998 bytes (RFC 5322, section 2.1.1).

use std::fmt::{self, Write as _};
use std::time::SystemTime;

use email_encoding::body::Encoding;
use email_encoding::headers::writer::EmailWriter;
use lettre::message::header::{ContentTransferEncoding, Date, Headers};
use lettre::message::{Body as Encoded, MultiPart, SinglePart};

use crate::mail::{Body, Mail};

/// Writes a message. `Err` is a mistake of this code, never of the message.
pub(crate) fn compose(mail: &Mail, now: SystemTime) -> Result<Vec<u8>, fmt::Error> {
    let mut out = head(mail, now)?.into_bytes();
    let text = SinglePart::plain(encoded(&mail.text)?);
    out.extend(match &mail.html {
        None => text.formatted(),
        // The last part is the one that readers prefer (RFC 2046, section 5.1.4).
        Some(html) => MultiPart::alternative()
            .singlepart(text)
            .singlepart(SinglePart::html(encoded(html)?))
            .formatted(),
    });
    Ok(out)
}

fn head(mail: &Mail, now: SystemTime) -> Result<String, fmt::Error> {
    let mut date = Headers::new();
    date.set(Date::new(now));
    let mut out = date.to_string();
    field(&mut out, "From", |writer| mail.from.write(writer))?;
    if let Some(reply_to) = &mail.reply_to {
        field(&mut out, "Reply-To", |writer| reply_to.write(writer))?;
    }
    field(&mut out, "To", |writer| mail.to.write(writer))?;
    let (id, domain) = (mail.id.as_str(), mail.from.address.domain());
    write!(out, "Message-ID: <{id}@{domain}>\r\n")?;
    if !mail.subject.as_str().is_empty() {
        field(&mut out, "Subject", |writer| mail.subject.write(writer))?;
    }
    // So that nobody's absence is answered with an absence (RFC 3834, section 5).
    out.push_str("Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n");
    Ok(out)
}

fn field(
    out: &mut String,
    name: &str,
    value: impl FnOnce(&mut EmailWriter<'_>) -> fmt::Result,
) -> fmt::Result {
    write!(out, "{name}: ")?;
    value(&mut EmailWriter::new(out, name.len() + 2, 0, false))?;
    out.push_str("\r\n");
    Ok(())
}

/// Encodes every body, also one that could travel as it is: then nothing on
/// the way has a reason to change it.
fn encoded(body: &Body) -> Result<Encoded, fmt::Error> {
    let encoding = match Encoding::choose(body.as_str(), false) {
        Encoding::Base64 => ContentTransferEncoding::Base64,
        _ => ContentTransferEncoding::QuotedPrintable,
    };
    Encoded::new_with_encoding(body.as_str().to_owned(), encoding).map_err(|_| fmt::Error)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use mail_parser::{HeaderValue, MessageParser, MimeHeaders as _};

    use super::*;
    use crate::mail::tests::{mailbox, message, read};
    use crate::types::{self, Message};

    fn composed(message: Message) -> String {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        String::from_utf8(compose(&read(message).unwrap(), now).unwrap()).unwrap()
    }

    fn parsed(composed: &str) -> mail_parser::Message<'_> {
        MessageParser::default().parse(composed).unwrap()
    }

    fn names(composed: &str) -> Vec<String> {
        let message = parsed(composed);
        message
            .headers()
            .iter()
            .map(|header| header.name().to_owned())
            .collect()
    }

    /// No bare CR or LF, and no line longer than `longest`.
    fn assert_lines(composed: &str, longest: usize) {
        for line in composed.split("\r\n") {
            assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
            assert!(line.len() <= longest, "{} bytes: {line}", line.len());
        }
    }

    const HEAD: [&str; 7] = [
        "Date",
        "From",
        "To",
        "Message-ID",
        "Subject",
        "Auto-Submitted",
        "MIME-Version",
    ];

    #[test]
    fn a_message_has_the_head_that_it_must_have() {
        let out = composed(message());
        let read = parsed(&out);
        assert_eq!(read.date().unwrap().to_timestamp(), 1_700_000_000);
        let from = read.from().unwrap().first().unwrap();
        assert_eq!(from.name(), Some("The Shop"));
        assert_eq!(from.address(), Some("shop@example.com"));
        let to = read.to().unwrap().first().unwrap();
        assert_eq!((to.name(), to.address()), (None, Some("ann@example.com")));
        assert_eq!(read.message_id(), Some("0192f0c1-order@example.com"));
        assert_eq!(read.subject(), Some("Your order"));
        let automatic = read.header("Auto-Submitted").and_then(HeaderValue::as_text);
        assert_eq!(automatic, Some("auto-generated"));
        assert_eq!(read.body_text(0).unwrap().trim_end(), "It is on its way.");
        assert_eq!(names(&out)[..7], HEAD);
        assert_lines(&out, 78);
    }

    #[test]
    fn text_comes_before_html() {
        let out = composed(Message {
            html: Some("<p>It is on its way: <b>größer</b></p>".to_owned()),
            ..message()
        });
        let read = parsed(&out);
        let kind = read.content_type().unwrap();
        assert_eq!(
            (kind.ctype(), kind.subtype()),
            ("multipart", Some("alternative"))
        );
        assert_eq!(read.parts.len(), 3);
        assert!(read.parts[1].is_content_type("text", "plain"));
        assert!(read.parts[2].is_content_type("text", "html"));
        let charset = read.parts[2].content_type().unwrap().attribute("charset");
        assert_eq!(charset, Some("utf-8"));
        assert_eq!(
            read.body_html(0).unwrap(),
            "<p>It is on its way: <b>größer</b></p>"
        );
        assert_lines(&out, 78);
    }

    #[test]
    fn names_and_subjects_in_any_script_come_back() {
        let long = "Größe 🦀 ".repeat(60);
        for text in [
            "Müller, Jörg",
            "宛先",
            "a \"quoted\" <name>",
            "=?utf-8?q?=41?=",
            long.trim(),
        ] {
            let name: String = text.chars().take(200).collect();
            let to = types::Mailbox {
                name: Some(name.clone()),
                ..mailbox("ann@example.com")
            };
            let subject = text.to_owned();
            let out = composed(Message {
                to: to.clone(),
                reply_to: Some(to),
                subject,
                ..message()
            });
            let read = parsed(&out);
            assert_eq!(read.subject(), Some(text));
            for header in [read.to(), read.reply_to()] {
                let mailbox = header.unwrap().first().unwrap();
                assert_eq!(mailbox.name(), Some(name.trim()));
                assert_eq!(mailbox.address(), Some("ann@example.com"));
            }
            assert_lines(&out, 78);
        }
    }

    #[test]
    fn nothing_in_a_message_adds_a_header() {
        let text = "\r\nBcc: eve@example.com\r\n\r\n.\r\nMAIL FROM:<eve@example.com>\r\n";
        let encoded = "=?utf-8?b?DQpCY2M6IGV2ZUBleGFtcGxlLmNvbQ==?=";
        let out = composed(Message {
            subject: encoded.to_owned(),
            text: text.to_owned(),
            ..message()
        });
        assert_eq!(names(&out)[..7], HEAD);
        assert_eq!(
            names(&out)[7..],
            ["Content-Type", "Content-Transfer-Encoding"]
        );
        assert_eq!(parsed(&out).subject(), Some(encoded));
        let body = parsed(&out).body_text(0).unwrap().into_owned();
        assert_eq!(
            body.strip_suffix("\r\n"),
            Some(text),
            "the end of the body adds one"
        );
    }

    #[test]
    fn bodies_come_back_and_have_short_lines() {
        let bodies = [
            "x".repeat(5000),
            "é".repeat(5000),
            "宛先の住所".repeat(1000),
            "\n".repeat(300),
            ".\n..\nFrom me\n trailing \t\n=3D\n".to_owned(),
            "\u{1b}[31m\u{8}\u{2028}".to_owned(),
            String::new(),
        ];
        for body in bodies {
            let text = body.clone();
            let out = composed(Message {
                text: text.clone(),
                html: Some(text),
                ..message()
            });
            assert_lines(&out, 78);
            assert!(out.is_ascii());
            let read = parsed(&out);
            let expected = body.replace('\n', "\r\n");
            let found = read.parts[1].text_contents().unwrap();
            assert_eq!(
                found.trim_end_matches("\r\n"),
                expected.trim_end_matches("\r\n")
            );
        }
    }

    #[test]
    fn the_longest_message_is_written_quickly() {
        let started = std::time::Instant::now();
        let text = "\n".repeat(256 << 10);
        composed(Message {
            html: Some(text.clone()),
            text,
            ..message()
        });
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "{:?}",
            started.elapsed()
        );
    }

    #[test]
    fn an_international_address_stands_in_utf_8() {
        let out = composed(Message {
            to: mailbox("jürgen@example.com"),
            ..message()
        });
        assert!(out.contains("To: jürgen@example.com\r\n"), "{out}");
        let long = format!("{}@{}example.com", "é".repeat(32), "abcdefghi.".repeat(17));
        let out = composed(Message {
            to: mailbox(&long),
            ..message()
        });
        assert_lines(&out, 998);
    }
}
