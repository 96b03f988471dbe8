//! Addresses for mail, and when two of them are one.

use serde::{Serialize, Serializer};
use serde_json::Value;
use stoa_kit::Field;
use stoa_kit::form::{Errors, wrong_type};
use unicode_normalization::UnicodeNormalization as _;

/// `local@domain` as RFC 5321, section 4.1.2, has it, with the letters of RFC
/// 6531: the local part is words joined by dots, the domain is a host name. No
/// quoted local parts and no address literals, which nobody has.
///
/// It is kept as it was given. Two addresses are equal as values if they are
/// letter for letter; whether they are one account's is what
/// [`Email::key`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

/// Octets, as RFC 5321 counts them (section 4.5.3.1: a path has 256, two of
/// which are its brackets).
const MAX_LENGTH: usize = 254;
const MAX_LOCAL_LENGTH: usize = 64;

/// Characters of a label; octets where it is ASCII (RFC 1035, section 2.3.4).
const MAX_LABEL_LENGTH: usize = 63;

/// What an atom may have besides letters and digits (RFC 5322, section 3.2.3).
const ATOM: &[u8] = b"!#$%&'*+-/=?^_`{|}~";

/// Why a text is no address: a code for machines and, for people, what would
/// be right.
pub type Reason = (&'static str, &'static str);

impl Email {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        if text.is_empty() || text.len() > MAX_LENGTH {
            return Err(("length", "must have 1 to 254 bytes of UTF-8"));
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(("characters", "must not have spaces or control characters"));
        }
        let Some((local, domain)) = text.split_once('@') else {
            return Err(("format", "must have an @, as in name@example.com"));
        };
        if local.is_empty() || local.len() > MAX_LOCAL_LENGTH {
            return Err(("length", "must have 1 to 64 bytes of UTF-8 before the @"));
        }
        // The key is an address too: what NFKC makes of a letter may be an @,
        // a dot or a space.
        let compatible: String = text.nfkc().collect();
        let (compatible_local, compatible_domain) = compatible.split_once('@').unwrap_or_default();
        if !is_local(local) || !is_local(compatible_local) {
            return Err((
                "format",
                "must have words of letters, digits and !#$%&'*+-/=?^_`{|}~ joined by single dots \
                 before the @",
            ));
        }
        if !is_domain(domain) || !is_domain(compatible_domain) {
            return Err(("format", "must have a host name after the only @"));
        }
        Ok(Self(text.to_owned()))
    }

    /// An address that was checked before it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The address as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two addresses have in common if they are one: the text after NFKC
    /// and in lower case, both parts of it.
    ///
    /// RFC 5321 leaves it to the receiver whether `Ann@` and `ann@` are one;
    /// in practice they are, and nobody remembers how he wrote it. Letters are
    /// lowered one by one, so that a Σ at the end of a word is like any other.
    /// `ß` and `ss`, `ı` and `i`, and a domain and its Punycode stay apart.
    pub fn key(&self) -> String {
        self.0
            .nfkc()
            .flat_map(char::to_lowercase)
            .map(|letter| if letter == 'ς' { 'σ' } else { letter })
            .nfkc()
            .collect()
    }

    /// Whether mail to both is mail to one and the same.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

/// Whether a local part is words joined by dots.
fn is_local(text: &str) -> bool {
    text.split('.').all(|word| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| is_international(c) || is_ascii_of(c, ATOM))
    })
}

/// Whether a domain is a host name: labels of letters, digits and hyphens
/// (RFC 1123, section 2.1), the last of which is no number.
fn is_domain(text: &str) -> bool {
    let mut last_is_number = false;
    let is_host = text.split('.').all(|label| {
        last_is_number = label.bytes().all(|b| b.is_ascii_digit());
        (1..=MAX_LABEL_LENGTH).contains(&label.chars().count())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|c| is_international(c) || is_ascii_of(c, b"-"))
    });
    is_host && !last_is_number
}

/// An ASCII letter or digit, or one of these.
fn is_ascii_of(letter: char, others: &[u8]) -> bool {
    letter.is_ascii_alphanumeric() || u8::try_from(letter).is_ok_and(|b| others.contains(&b))
}

/// Beyond ASCII, everything that is to be seen, but for the full stop `。`, which
/// some read as a dot between labels. What is not seen, such as a joiner or a
/// change of direction, would only make one address look like another.
fn is_international(letter: char) -> bool {
    !letter.is_ascii()
        && !letter.is_control()
        && !letter.is_whitespace()
        && !matches!(
            letter,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{e000}'..='\u{f8ff}'
                | '\u{fdd0}'..='\u{fdef}'
                | '\u{3002}'
                | '\u{feff}'
                | '\u{fff0}'..='\u{ffff}'
                | '\u{e0000}'..='\u{10ffff}'
        )
}

impl Serialize for Email {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Field for Email {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        let Value::String(text) = value else {
            return wrong_type(value, "a string", errors);
        };
        match Self::parse(text) {
            Ok(email) => Some(email),
            Err((code, message)) => errors.refuse(code, message),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn code(text: &str) -> &'static str {
        Email::parse(text).map_or_else(|(code, _)| code, |_| "ok")
    }

    fn key(text: &str) -> String {
        Email::parse(text).unwrap().key()
    }

    #[test]
    fn what_mail_can_be_sent_to_is_an_address() {
        for good in [
            "ann@example.com",
            "Ann.O'Neil+shop@mail.example.co.uk",
            "!#$%&'*+-/=?^_`{|}~@example.com",
            "a@b",
            "root@localhost",
            "a@xn--bcher-kva.example",
            "a@3com.example",
            "jürgen@bücher.example",
            "用户@例子.广告",
            "अजय@डाटा.भारत",
            "üñîçøðé@example.com",
        ] {
            assert_eq!(code(good), "ok", "{good}");
            assert_eq!(Email::parse(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in [
            "ann",
            "ann@",
            "ann@@example.com",
            "ann@b@example.com",
            "\"ann\"@example.com",
            "ann(work)@example.com",
            "<ann@example.com>",
            ".ann@example.com",
            "ann.@example.com",
            "an..n@example.com",
            "ann@example..com",
            "ann@example.com.",
            "ann@.example.com",
            "ann@-example.com",
            "ann@example-.com",
            "ann@exa_mple.com",
            "ann@[127.0.0.1]",
            "ann@127.0.0.1",
            "ann@example.com,bob@example.com",
            "a\\n@example.com",
            // NFKC makes an @, dots and a space of these.
            "ann＠b@example.com",
            "ann…b@example.com",
            "ann@example。．com",
            "ann\u{a8}@example.com",
            "ann@example\u{202e}.com",
            "an\u{200b}n@example.com",
        ] {
            assert_eq!(code(bad), "format", "{bad}");
        }
        assert_eq!(code("@example.com"), "length");
    }

    #[test]
    fn spaces_are_refused_and_not_cut_off() {
        for bad in [
            " ann@example.com",
            "ann@example.com ",
            "ann@example.com\n",
            "a nn@example.com",
            "ann\u{a0}@example.com",
            "ann\u{0}@example.com",
            "ann@example.com\r\nBcc: all@example.com",
        ] {
            assert_eq!(code(bad), "characters", "{bad:?}");
        }
    }

    #[test]
    fn lengths_are_those_of_the_protocol() {
        let domain = |length: usize| {
            let mut domain = format!("{}.", "d".repeat(63)).repeat(4);
            domain.truncate(length);
            domain
        };
        assert_eq!(code(&format!("{}@b.c", "a".repeat(64))), "ok");
        assert_eq!(code(&format!("{}@b.c", "a".repeat(65))), "length");
        assert_eq!(code(&format!("{}@b.c", "é".repeat(33))), "length");
        assert_eq!(code(&format!("a@{}", domain(252))), "ok");
        assert_eq!(code(&format!("aa@{}", domain(252))), "length");
        assert_eq!(code(&format!("a@{}.c", "d".repeat(64))), "format");
        assert_eq!(code(""), "length");
    }

    #[test]
    fn addresses_that_differ_in_case_only_are_one() {
        assert_eq!(key("STRASSE@X.example"), key("strasse@x.EXAMPLE"));
        assert_eq!(key("JÜRGEN@BÜCHER.example"), "jürgen@bücher.example");
        assert_eq!(key("ΟΔΟΣ@x.example"), key("οδος@x.example"));
        assert_eq!(key("ΟΔΟΣ@x.example"), key("οδοσ@x.example"));
        assert_eq!(key("\u{212a}@x.example"), "k@x.example");
    }

    #[test]
    fn one_letter_in_two_encodings_is_one() {
        assert_eq!(key("u\u{308}@x.example"), key("ü@x.example"));
        assert_eq!(key("ａｎｎ@x.example"), "ann@x.example");
        assert_eq!(key("ﬁn@x.example"), "fin@x.example");
    }

    #[test]
    fn letters_that_only_look_alike_stay_apart() {
        assert_ne!(key("straße@x.example"), key("strasse@x.example"));
        assert_ne!(key("mıke@x.example"), key("mike@x.example"));
        assert_ne!(key("аnn@x.example"), key("ann@x.example"));
        assert_ne!(key("a@bücher.example"), key("a@xn--bcher-kva.example"));
    }

    #[test]
    fn the_key_of_a_key_is_itself() {
        for text in ["ΟΔΟΣ@x", "İstanbul@x", "ẞ@x", "ǅ@x", "Å@x", "ﬃ@x"] {
            let once = key(text);
            assert_eq!(Email::stored(once.clone()).key(), once, "{text}");
        }
    }

    #[test]
    fn an_address_is_a_string() {
        let mut errors = Errors::default();
        assert_eq!(Email::read(&json!(1), &mut errors), None);
        assert_eq!(Email::read(&json!("a b@c"), &mut errors), None);
        let codes: Vec<_> = errors.into_list().iter().map(|error| error.code).collect();
        assert_eq!(codes, ["type", "characters"]);
        let email = Email::read(&json!("Ann@b.c"), &mut Errors::default());
        assert_eq!(json!(email), json!("Ann@b.c"));
    }
}
