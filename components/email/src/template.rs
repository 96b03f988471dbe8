//! Which mails there are. Each is a folder in `templates/` with the subject and
//! the body as plain text and as HTML; `render` fills them in.

use serde::{Serialize, Serializer};

/// A kind of mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Template {
    /// Welcomes, and asks to confirm the address.
    Verify,
    /// Asks to confirm an address that is to become the account's.
    ConfirmAddress,
    /// Lets a new password be set.
    Reset,
    /// Says that there is an account already.
    SignupRepeated,
    /// Says that there is another password.
    PasswordChanged,
    /// Says to the old address that it is the account's no more.
    AddressChanged,
    /// The last mail.
    AccountDeleted,
    /// Says that a payment was received.
    Receipt,
    /// Says that a payment was not.
    PaymentFailed,
    /// Says that money goes back.
    Refund,
}

/// Where the link of a mail leads: the name of an address in the
/// configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// `verify_url`.
    Verify,
    /// `reset_url`.
    Reset,
}

/// The texts of a template.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sources {
    pub(crate) subject: &'static str,
    pub(crate) text: &'static str,
    pub(crate) html: &'static str,
}

/// The texts in the folder with this name.
macro_rules! folder {
    ($name:literal) => {
        Sources {
            subject: include_str!(concat!("../templates/", $name, "/subject.txt")),
            text: include_str!(concat!("../templates/", $name, "/text.txt")),
            html: include_str!(concat!("../templates/", $name, "/html.html")),
        }
    };
}

impl Template {
    /// All of them.
    pub(crate) const ALL: [Self; 10] = [
        Self::Verify,
        Self::ConfirmAddress,
        Self::Reset,
        Self::SignupRepeated,
        Self::PasswordChanged,
        Self::AddressChanged,
        Self::AccountDeleted,
        Self::Receipt,
        Self::PaymentFailed,
        Self::Refund,
    ];

    /// The name of its folder, which is also what is stored.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::ConfirmAddress => "confirm_address",
            Self::Reset => "reset",
            Self::SignupRepeated => "signup_repeated",
            Self::PasswordChanged => "password_changed",
            Self::AddressChanged => "address_changed",
            Self::AccountDeleted => "account_deleted",
            Self::Receipt => "receipt",
            Self::PaymentFailed => "payment_failed",
            Self::Refund => "refund",
        }
    }

    /// The template with this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|template| template.name() == name)
    }

    /// Its texts.
    pub(crate) fn sources(self) -> Sources {
        match self {
            Self::Verify => folder!("verify"),
            Self::ConfirmAddress => folder!("confirm_address"),
            Self::Reset => folder!("reset"),
            Self::SignupRepeated => folder!("signup_repeated"),
            Self::PasswordChanged => folder!("password_changed"),
            Self::AddressChanged => folder!("address_changed"),
            Self::AccountDeleted => folder!("account_deleted"),
            Self::Receipt => folder!("receipt"),
            Self::PaymentFailed => folder!("payment_failed"),
            Self::Refund => folder!("refund"),
        }
    }

    /// Where its link leads, if it has one: such a mail carries a one-time
    /// token.
    pub(crate) fn target(self) -> Option<Target> {
        match self {
            Self::Verify | Self::ConfirmAddress => Some(Target::Verify),
            Self::Reset | Self::SignupRepeated => Some(Target::Reset),
            _ => None,
        }
    }

    /// Whether anybody can have it sent to anybody, so that it needs a limit:
    /// those with a token.
    pub(crate) fn is_open_to_anybody(self) -> bool {
        self.target().is_some()
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_found_by_its_name() {
        for template in Template::ALL {
            assert_eq!(Template::parse(template.name()), Some(template));
        }
        assert_eq!(Template::parse("newsletter"), None);
    }
}
