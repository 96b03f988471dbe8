//! Asking for mail: a one-time token and the event that asks for a mail with
//! it, in one transaction. The mail itself is the email service's.

use stoa_kit::{Id, Problem, Statement, Timestamp};

use crate::one_time::Purpose;
use crate::peers::Account;
use crate::queries::one_time::New;
use crate::{keys, one_time, outbox, queries};

/// A mail to be asked for.
pub(crate) struct Mail<'a> {
    /// The kind of the event.
    pub(crate) kind: &'static str,
    pub(crate) purpose: Purpose,
    /// Whose it is; `None` asks for nothing, with the same work.
    pub(crate) account: Option<&'a Account>,
    /// Where it goes.
    pub(crate) email: &'a str,
    /// The hash that becomes the account's password when it is confirmed.
    pub(crate) password: Option<&'a str>,
}

impl<'a> Mail<'a> {
    /// A mail to the address of an account.
    pub(crate) fn to_owner(
        kind: &'static str,
        purpose: Purpose,
        account: Option<&'a Account>,
    ) -> Self {
        Self {
            kind,
            purpose,
            account,
            email: account.map_or("", |account| &account.email),
            password: None,
        }
    }
}

/// The statements that ask for it. If there were too many in the last hour,
/// they do nothing.
pub(crate) fn request(mail: &Mail<'_>, now: Timestamp) -> Result<Vec<Statement>, Problem> {
    let id = Id::new();
    let digest = one_time::digest_of(id, &keys::signer(now)?.secret);
    let token = New {
        id,
        digest: &digest,
        purpose: mail.purpose,
        account: mail.account.map(|account| account.id.as_str()),
        email: mail.email,
        password: mail.password,
    };
    let mut statements = vec![queries::one_time::insert(&token, now)];
    if let Some(account) = mail.account {
        let mut event = outbox::mail(mail.kind, account, mail.email, id)?;
        if mail.password.is_some() {
            // Whoever confirms this should know what else follows.
            event.data["replaces_password"] = true.into();
        }
        statements.push(queries::outbox::record_with_token(&event, id, now));
    }
    Ok(statements)
}
