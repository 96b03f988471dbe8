//! A password, and what may be one.

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::{MAX_CHARACTERS, MIN_CHARACTERS, common};

/// More bytes than 256 characters have in any form: four for each, and
/// characters that were typed in as up to four parts.
const MAX_BYTES: usize = MAX_CHARACTERS * 16;

/// A password in Unicode normalisation form KC (UAX #15), so that it is the
/// same from every keyboard. `Debug` does not show it, and it is wiped from
/// memory when it is dropped.
pub struct Password(Zeroizing<String>);

impl Password {
    /// A password that somebody signs in with. The rules for new ones do not
    /// apply: it may be older than they are.
    ///
    /// Errors: [`Refusal::TooLong`], which no account has; so whoever answers
    /// it at once does not tell whether there is one.
    pub fn entered(text: &str) -> Result<Self, Refusal> {
        if text.len() > MAX_BYTES {
            return Err(Refusal::TooLong);
        }
        let password = normalised(text.nfkc(), text.len());
        if password.chars().count() > MAX_CHARACTERS {
            return Err(Refusal::TooLong);
        }
        Ok(Self(password))
    }

    /// A password that somebody chooses for the account with this email.
    ///
    /// Errors: [`Refusal`], the first rule that it breaks.
    pub fn chosen(text: &str, email: &str) -> Result<Self, Refusal> {
        let password = Self::entered(text)?;
        if password.0.chars().count() < MIN_CHARACTERS {
            return Err(Refusal::TooShort);
        }
        let folded = folded(&password.0);
        if common::contains(&folded) || common::contains(folded.trim()) {
            return Err(Refusal::Common);
        }
        if is_made_of_email(&folded, email) {
            return Err(Refusal::Email);
        }
        Ok(password)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Password")
    }
}

/// Why a password is refused. The text names the rule and what to do, and goes
/// after the field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Fewer than [`MIN_CHARACTERS`].
    #[error("must have at least {MIN_CHARACTERS} characters: add a word or two")]
    TooShort,
    /// More than [`MAX_CHARACTERS`].
    #[error("must have at most {MAX_CHARACTERS} characters: leave some out")]
    TooLong,
    /// One of those that attackers try first.
    #[error("must not be one that is often used: choose a few words that nobody would guess")]
    Common,
    /// The email address or its local part, and nothing else.
    #[error("must not be made of the email address: choose a few words that are not in it")]
    Email,
}

impl Refusal {
    /// The stable code of the field's error.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooShort | Self::TooLong => "length",
            Self::Common => "common",
            Self::Email => "email",
        }
    }
}

/// The characters in one piece of memory, which is wiped. `length` is how
/// many bytes they are likely to be.
fn normalised(characters: impl Iterator<Item = char>, length: usize) -> Zeroizing<String> {
    // With room to spare: a string that grows leaves its old memory behind.
    let mut text = Zeroizing::new(String::with_capacity(3 * length));
    text.extend(characters);
    text
}

fn folded(text: &str) -> Zeroizing<String> {
    let lower = text.nfkc().flat_map(char::to_lowercase);
    normalised(lower, text.len())
}

/// Whether nothing is left of the password without the address, its local part
/// and what is between them: `anna@shop.example` may not have `Anna-Anna`.
fn is_made_of_email(password: &str, email: &str) -> bool {
    let email = folded(email);
    let local = email.rsplit_once('@').map_or(&**email, |(local, _)| local);
    let name = local.split('+').next().unwrap_or(local);
    if password == &**email || password == local {
        return true;
    }
    let mut rest = bare(password);
    if rest.is_empty() {
        return false;
    }
    for part in [&**email, local, name].map(bare) {
        if !part.is_empty() {
            rest = Zeroizing::new(rest.replace(&**part, ""));
        }
    }
    rest.is_empty()
}

fn bare(text: &str) -> Zeroizing<String> {
    normalised(text.chars().filter(|c| c.is_alphanumeric()), text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMAIL: &str = "anna.lind@shop.example";

    #[track_caller]
    fn chosen(text: &str) -> Result<String, Refusal> {
        Password::chosen(text, EMAIL).map(|password| password.0.to_string())
    }

    #[test]
    fn a_password_has_8_to_256_characters() {
        assert_eq!(chosen(""), Err(Refusal::TooShort));
        assert_eq!(chosen("kx7 qpw"), Err(Refusal::TooShort));
        assert!(chosen("kx7 qpwz").is_ok());
        assert!(chosen(&"kx".repeat(128)).is_ok());
        assert_eq!(chosen(&"k".repeat(257)), Err(Refusal::TooLong));
        assert_eq!(chosen(&"k".repeat(1 << 20)), Err(Refusal::TooLong));
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert_eq!(chosen("пароль7"), Err(Refusal::TooShort));
        assert!(chosen("пароль77").is_ok());
        assert!(chosen(&"𝄞".repeat(256)).is_ok());
        // Typed as letter and accents; one character each when normalised.
        assert!(chosen(&"\u{1b7}\u{30c}".repeat(256)).is_ok());
        assert!(chosen(&"\u{3c5}\u{308}\u{301}".repeat(256)).is_ok());
        assert_eq!(chosen(&"e\u{301}".repeat(7)), Err(Refusal::TooShort));
        // And one that becomes eighteen.
        assert_eq!(chosen(&"\u{fdfa}".repeat(15)), Err(Refusal::TooLong));
    }

    #[test]
    fn a_password_is_the_same_from_every_keyboard() {
        let one = chosen("cafe\u{301} crème №5").unwrap();
        assert_eq!(one, chosen("café cre\u{300}me No5").unwrap());
        assert_eq!(chosen("ｋｅｙｂｏａｒｄ ７").unwrap(), "keyboard 7");
        // Case and spaces count.
        assert_ne!(chosen(" Two words").unwrap(), chosen("two words ").unwrap());
    }

    #[test]
    fn a_password_needs_no_kinds_of_characters() {
        for good in [
            "plain lower case words",
            "8462950174",
            "!?!-!?!-..",
            "        x",
        ] {
            assert!(chosen(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_common_password_is_refused_in_any_case() {
        for bad in [
            "password",
            "PASSWORD",
            "Password1",
            "12345678",
            "qwertyuiop",
            "1Q2w3E4r",
            "iloveyou",
            " password ",
            "ｐａｓｓｗｏｒｄ",
        ] {
            assert_eq!(chosen(bad), Err(Refusal::Common), "{bad}");
        }
    }

    #[test]
    fn a_password_made_of_the_email_is_refused() {
        for bad in [
            EMAIL,
            "Anna.Lind@Shop.Example",
            "anna.lind",
            "ANNALIND",
            "anna lind",
            "annalindannalind",
            "--Anna-Lind--",
            "anna.lind@shop.example anna.lind",
            "ａｎｎａ．ｌｉｎｄ",
        ] {
            assert_eq!(chosen(bad), Err(Refusal::Email), "{bad}");
        }
        let made_of = |password, email| Password::chosen(password, email).err();
        assert_eq!(made_of("xyxyxyxy", "xy@a.example"), Some(Refusal::Email));
        assert_eq!(
            made_of("linusova", "linusova+s@a.example"),
            Some(Refusal::Email)
        );
        assert_eq!(
            made_of("._.-._.-", "._.-._.-@a.example"),
            Some(Refusal::Email)
        );
    }

    #[test]
    fn a_password_may_have_the_email_among_other_things() {
        for good in ["anna.lind likes boats", "lind and anna", "!!??!!??"] {
            assert!(chosen(good).is_ok(), "{good}");
        }
        for email in ["", "@", "++@--", "no address"] {
            assert!(Password::chosen("boats and trains", email).is_ok());
            assert!(Password::chosen("!!??!!??", email).is_ok());
        }
    }

    #[test]
    fn who_signs_in_is_not_told_the_rules() {
        for old in ["", "short", "password", EMAIL] {
            assert!(Password::entered(old).is_ok());
        }
        let long = "k".repeat(257);
        assert_eq!(Password::entered(&long).err(), Some(Refusal::TooLong));
    }

    #[test]
    fn a_password_does_not_show() {
        let password = Password::entered("correct horse").unwrap();
        assert_eq!(format!("{password:?} {password:#?}"), "Password Password");
    }

    #[test]
    fn a_refusal_names_the_rule_and_the_fix() {
        assert_eq!(
            Refusal::TooShort.to_string(),
            "must have at least 8 characters: add a word or two"
        );
        for refusal in [
            Refusal::TooShort,
            Refusal::TooLong,
            Refusal::Common,
            Refusal::Email,
        ] {
            let text = refusal.to_string();
            assert!(text.starts_with("must ") && text.contains(": "), "{text}");
        }
        assert_eq!(Refusal::TooLong.code(), "length");
        assert_eq!(Refusal::Common.code(), "common");
        assert_eq!(Refusal::Email.code(), "email");
    }
}
