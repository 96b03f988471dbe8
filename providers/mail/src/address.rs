//! Addresses, and addresses with the names of their owners.

use std::fmt::{self, Write as _};

use email_encoding::headers::writer::EmailWriter;

use crate::line::{ATOM, Line};
use crate::types;

/// `local@domain` as RFC 5321, section 4.1.2, has it, with the letters of RFC
/// 6531 in the local part. The domain is kept in ASCII (RFC 5891), which every
/// server takes. No quoted local parts and no address literals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address(lettre::Address);

/// Octets, as RFC 5321 counts them (section 4.5.3.1: a path has 256, two of
/// which are its brackets).
const MAX_LENGTH: usize = 254;
const MAX_LOCAL_LENGTH: usize = 64;

/// Characters of a display name.
const MAX_NAME_LENGTH: usize = 200;

impl Address {
    /// Reads an address. `Err` says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let (local, domain) = text.split_once('@').ok_or("has no @")?;
        if local.len() > MAX_LOCAL_LENGTH {
            return Err("has more than 64 bytes before the @");
        }
        if !local.split('.').all(is_word) {
            return Err("has something before the @ that no address has");
        }
        let domain = host(domain).ok_or("has no host name after the @")?;
        if local.len() + 1 + domain.len() > MAX_LENGTH {
            return Err("has more than 254 bytes");
        }
        // Checked above. lettre's own check refuses some letters of RFC 6531.
        Ok(Self(lettre::Address::new_dangerous(local, domain)))
    }

    /// Whether a server must know RFC 6531 to take it.
    pub(crate) fn is_international(&self) -> bool {
        !self.as_str().is_ascii()
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_ref()
    }

    /// The host name, in ASCII.
    pub(crate) fn domain(&self) -> &str {
        self.0.domain()
    }

    /// The address as SMTP commands take it.
    pub(crate) fn path(&self) -> lettre::Address {
        self.0.clone()
    }
}

/// A host name (RFC 1123, section 2.1) in ASCII, if the text is one.
pub(crate) fn host(text: &str) -> Option<String> {
    let host = idna::domain_to_ascii_strict(text).ok()?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let last_is_number = host
        .rsplit('.')
        .next()
        .is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    (host.bytes().all(allowed) && !last_is_number).then_some(host)
}

fn is_word(word: &str) -> bool {
    let allowed = |c: char| {
        c.is_ascii_alphanumeric()
            || u8::try_from(c).is_ok_and(|byte| ATOM.contains(&byte))
            || (!c.is_ascii() && is_seen(c))
    };
    !word.is_empty() && word.chars().all(allowed)
}

/// Whether a character takes a place of its own, or belongs to the one before.
/// The others make one address look like another: joiners, changes of
/// direction, spaces, ends of lines, and what has no meaning.
fn is_seen(c: char) -> bool {
    !c.is_control()
        && !c.is_whitespace()
        && !matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{e000}'..='\u{f8ff}'
                | '\u{fdd0}'..='\u{fdef}'
                | '\u{feff}'
                | '\u{fff0}'..='\u{ffff}'
                | '\u{e0000}'..='\u{10ffff}'
        )
}

/// An address, with or without the name of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mailbox {
    name: Option<Line>,
    pub(crate) address: Address,
}

impl Mailbox {
    /// A name that is empty is none.
    pub(crate) fn new(name: Option<&str>, address: &str) -> Result<Self, String> {
        let name = name.map(Line::parse).transpose();
        let name = name.map_err(|problem| format!("the name {problem}"))?;
        let name = name.filter(|name| !name.as_str().is_empty());
        if let Some(name) = &name
            && name.as_str().chars().count() > MAX_NAME_LENGTH
        {
            return Err(format!(
                "the name has more than {MAX_NAME_LENGTH} characters"
            ));
        }
        let address = Address::parse(address);
        let address = address.map_err(|problem| format!("the address {problem}"))?;
        Ok(Self { name, address })
    }

    /// Reads what components send.
    pub(crate) fn read(mailbox: &types::Mailbox) -> Result<Self, String> {
        Self::new(mailbox.name.as_deref(), &mailbox.address)
    }

    /// Reads what people write: `Name <address>`, or the address alone.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let named = text
            .strip_suffix('>')
            .and_then(|text| text.rsplit_once('<'));
        match named {
            Some((name, address)) => Self::new(Some(name.trim().trim_matches('"')), address),
            None => Self::new(None, text),
        }
    }

    /// Writes it as a header has it.
    pub(crate) fn write(&self, writer: &mut EmailWriter<'_>) -> fmt::Result {
        match &self.name {
            None => writer.folding().write_str(self.address.as_str()),
            Some(name) => {
                name.write_phrase(writer)?;
                writer.space();
                let address = format!("<{}>", self.address.as_str());
                writer.folding().write_str(&address)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mail_can_be_sent_to_is_an_address() {
        for good in [
            "ann@example.com",
            "Ann.O'Neil+shop@mail.example.co.uk",
            "!#$%&'*+-/=?^_`{|}~@example.com",
            "root@localhost",
            "jürgen@example.com",
            "用户@example.com",
            "अजय@example.com",
            "🦀@example.com",
        ] {
            let address = Address::parse(good).unwrap();
            assert_eq!(address.as_str(), good);
            assert_eq!(address.is_international(), !good.is_ascii());
        }
    }

    #[test]
    fn a_domain_is_kept_in_ascii() {
        let address = Address::parse("ann@Bücher.example").unwrap();
        assert_eq!(address.as_str(), "ann@xn--bcher-kva.example");
        assert!(!address.is_international());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long = format!("a@{}com", "abcdefghi.".repeat(26));
        for bad in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@@example.com",
            "a@b@example.com",
            ".ann@example.com",
            "a..b@example.com",
            "ann @example.com",
            "\"ann\"@example.com",
            "<ann@example.com>",
            "ann@[127.0.0.1]",
            "ann@127.0.0.1",
            "ann@-example.com",
            "ann@exa_mple.com",
            "ann@example.com.",
            "ann@example..com",
            &long_local,
            &long,
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_cannot_hold_a_command_or_a_header() {
        for bad in [
            "\r\n", "\n", "\r", "\0", "\t", " ", ">", "<", "\u{85}", "\u{2028}", "\u{2029}",
        ] {
            for text in [
                format!("ann{bad}RCPT@example.com"),
                format!("ann@example.com{bad}"),
                format!("ann@exam{bad}ple.com"),
                format!("{bad}ann@example.com"),
            ] {
                assert!(Address::parse(&text).is_err(), "{text:?}");
            }
        }
        for hidden in ["\u{200b}", "\u{202e}", "\u{feff}", "\u{ad}"] {
            assert!(
                Address::parse(&format!("a{hidden}nn@example.com")).is_err(),
                "{hidden:?}"
            );
        }
    }

    #[test]
    fn people_write_a_name_before_the_address() {
        let plain = Mailbox::parse(" shop@example.com ").unwrap();
        assert_eq!(plain, Mailbox::new(None, "shop@example.com").unwrap());
        let named = Mailbox::new(Some("The Shop"), "shop@example.com").unwrap();
        for text in [
            "The Shop <shop@example.com>",
            "\"The Shop\" <shop@example.com>",
        ] {
            assert_eq!(Mailbox::parse(text).unwrap(), named);
        }
        for bad in [
            "",
            "The Shop",
            "The Shop <>",
            "A\nB <shop@example.com>",
            "<a@b> <c",
        ] {
            assert!(Mailbox::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_is_a_short_line_or_nothing() {
        let mailbox = |name: &str| Mailbox::new(Some(name), "ann@example.com");
        assert_eq!(mailbox("  ").unwrap().name, None);
        assert!(mailbox(&"é".repeat(200)).is_ok());
        assert!(mailbox(&"é".repeat(201)).is_err());
        assert!(mailbox("Ann\r\nBcc: eve@example.com").is_err());
    }
}
