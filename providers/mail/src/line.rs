//! Text for the head of a message: one line, whatever it was made from. What
//! goes into a header besides addresses and ids is of this type, so nothing
//! that a caller writes can begin a header of its own.

use std::fmt::{self, Write as _};

use email_encoding::headers::{rfc2047, writer::EmailWriter};

/// One line of text without control characters and without anything that
/// Unicode takes for the end of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line(String);

/// Longer words are encoded, because a line cannot be folded inside of one.
const LONGEST_WORD: usize = 60;

/// What an atom may have besides letters and digits (RFC 5322, section 3.2.3).
pub(crate) const ATOM: &[u8] = b"!#$%&'*+-/=?^_`{|}~";

impl Line {
    /// Reads a line, without the spaces around it. `Err` says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let separator = |c| matches!(c, '\u{2028}' | '\u{2029}');
        if text.chars().any(|c| c.is_control() || separator(c)) {
            return Err("has a line break or another control character");
        }
        Ok(Self(text.trim().to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Writes the line as an unstructured field's value (RFC 5322, section
    /// 3.2.5). What is not plain ASCII is encoded as a whole (RFC 2047), and
    /// so is what would be read as encoded though it is not.
    pub(crate) fn write(&self, writer: &mut EmailWriter<'_>) -> fmt::Result {
        let plain = |word: &str| word.bytes().all(|byte| byte.is_ascii_graphic());
        self.write_if(plain, writer)
    }

    /// Writes the line as a phrase, the name beside an address (RFC 5322,
    /// section 3.2.5): atoms as they are, and the rest encoded.
    pub(crate) fn write_phrase(&self, writer: &mut EmailWriter<'_>) -> fmt::Result {
        let atom = |word: &str| {
            word.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || ATOM.contains(&byte))
        };
        self.write_if(atom, writer)
    }

    fn write_if(&self, plain: impl Fn(&str) -> bool, writer: &mut EmailWriter<'_>) -> fmt::Result {
        let may_stay = |word: &str| {
            (1..=LONGEST_WORD).contains(&word.len()) && plain(word) && !word.contains("=?")
        };
        if !self.0.split(' ').all(may_stay) {
            return rfc2047::encode(&self.0, writer);
        }
        for word in self.0.split_inclusive(' ') {
            writer.folding().write_str(word)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, phrase: bool) -> String {
        let line = Line::parse(text).unwrap();
        let mut out = "Subject: ".to_owned();
        let length = out.len();
        let mut writer = EmailWriter::new(&mut out, length, 0, false);
        if phrase {
            line.write_phrase(&mut writer).unwrap();
        } else {
            line.write(&mut writer).unwrap();
        }
        drop(writer);
        out.split_off(length)
    }

    #[test]
    fn a_line_cannot_hold_what_ends_one() {
        for end in [
            '\r', '\n', '\0', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}',
        ] {
            let text = format!("Hello{end}Bcc: eve@example.com");
            assert!(Line::parse(&text).is_err(), "{end:?}");
            assert!(Line::parse(&format!("Hello{end}")).is_err(), "{end:?}");
        }
        assert!(Line::parse("a\tb").is_err());
        assert!(Line::parse("a\u{7f}b").is_err());
    }

    #[test]
    fn plain_words_stay_as_they_are() {
        assert_eq!(
            written("Your order, 7 (of 8)", false),
            "Your order, 7 (of 8)"
        );
        assert_eq!(written("Ann O'Neil", true), "Ann O'Neil");
    }

    #[test]
    fn what_is_special_in_a_phrase_is_encoded() {
        assert_eq!(written("Neil, Ann", true), "=?utf-8?b?TmVpbCwgQW5u?=");
        for name in ["a<b@c>", "\"", "a@b", "a;b", "J. Doe", "(x)"] {
            assert!(written(name, true).starts_with("=?utf-8?b?"), "{name}");
        }
    }

    #[test]
    fn what_looks_encoded_is_encoded_once_more() {
        let smuggled = "=?utf-8?q?=0D=0ABcc:_eve@example.com?=";
        for phrase in [false, true] {
            let out = written(smuggled, phrase);
            assert!(out.starts_with("=?utf-8?b?PT91dGYtOD9x"), "{out}");
        }
    }

    #[test]
    fn no_line_gets_long() {
        let words = "word ".repeat(200);
        for text in [
            &"x".repeat(998),
            &"é".repeat(499),
            words.trim(),
            &"🦀 ".repeat(190),
        ] {
            for phrase in [false, true] {
                let out = written(text, phrase);
                assert!(out.is_ascii());
                assert!(out.split("\r\n").all(|line| line.len() <= 78), "{out}");
                assert!(
                    out.split("\r\n").skip(1).all(|line| line.starts_with(' ')),
                    "{out}"
                );
                assert!(!out.replace("\r\n", "").contains(['\r', '\n']), "{out}");
            }
        }
    }
}
