//! A session, and what a client gets of it.

use serde::Serialize;
use stoa_kit::{Id, Problem, Request, Response, Statement, Timestamp};
use stoa_tokens::{Claims, LIFETIME_SECONDS};

use crate::keys::{self, Signer};
use crate::peers::{Account, realm};
use crate::refresh_token::RefreshToken;
use crate::{credentials, queries};

/// How long a session lives, in milliseconds: 30 days.
pub(crate) const ABSOLUTE: i64 = 30 * 24 * 60 * 60 * 1_000;
/// How long it lives without being used, in milliseconds: 14 days.
pub(crate) const IDLE: i64 = 14 * 24 * 60 * 60 * 1_000;

/// Characters of a device's name that are kept.
const DEVICE_LENGTH: usize = 200;

/// A session as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Session {
    pub(crate) id: Id,
    pub(crate) account: String,
    /// What is stored of the refresh token in force.
    pub(crate) digest: String,
    /// How often it was replaced.
    pub(crate) generation: i64,
    pub(crate) created: Timestamp,
    /// When it was replaced last, or made.
    pub(crate) used: Timestamp,
    /// What the client calls itself.
    pub(crate) device: String,
    /// Where it was opened from.
    pub(crate) ip: String,
    pub(crate) has_ended: bool,
}

impl Session {
    /// When it ends if it is not used again.
    pub(crate) fn expires(&self) -> Timestamp {
        self.created.plus(ABSOLUTE).min(self.used.plus(IDLE))
    }

    /// Whether it goes on.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        !self.has_ended && now < self.expires()
    }
}

/// Opens a session for somebody who has shown his password; `more` is what
/// came of that.
///
/// Errors: `invalid_credentials` (401) when there is another one by now.
pub(crate) fn open(
    account: &Account,
    request: &Request,
    now: Timestamp,
    more: Vec<Statement>,
) -> Result<Tokens, Problem> {
    let device = request.header("user-agent").unwrap_or_default();
    open_on(account, device, &request.client, now, more)?.ok_or_else(credentials::wrong)
}

/// Opens a session on a device at an address, after these statements in the
/// same transaction. `None`: the first of them did not find what it expects.
pub(crate) fn open_on(
    account: &Account,
    device: &str,
    ip: &str,
    now: Timestamp,
    mut statements: Vec<Statement>,
) -> Result<Option<Tokens>, Problem> {
    let signer = keys::signer(now)?;
    let id = Id::new();
    let token = RefreshToken::first(id)?;
    let session = Session {
        id,
        account: account.id.clone(),
        digest: token.digest(),
        generation: 0,
        created: now,
        used: now,
        device: device.chars().take(DEVICE_LENGTH).collect(),
        ip: ip.to_owned(),
        has_ended: false,
    };
    statements.extend([
        queries::sessions::insert(&session),
        queries::sessions::make_room(&account.id, now),
    ]);
    match queries::unless_too_late(0, &statements)? {
        Some(_) => Tokens::new(&signer, account, &token, now).map(Some),
        None => Ok(None),
    }
}

/// What a client gets (RFC 6749, section 5.1), and whose it is. It has no
/// `Debug`.
#[derive(Serialize)]
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    token_type: &'static str,
    /// In seconds.
    expires_in: u64,
    pub(crate) refresh_token: String,
    account: Shown,
}

/// Whose tokens they are.
#[derive(Serialize)]
struct Shown {
    id: String,
    email: String,
    email_verified: bool,
    name: String,
    roles: Vec<&'static str>,
}

impl Tokens {
    /// A new access token beside this refresh token.
    pub(crate) fn new(
        signer: &Signer,
        account: &Account,
        refresh_token: &RefreshToken,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let id = Id::parse(&account.id, "account")
            .map_err(|_| Problem::internal("the id of an account is no UUID"))?;
        let roles = account.roles.clone();
        let session = refresh_token.session();
        let claims = Claims::new(&realm(), id, session, roles, now);
        Ok(Self {
            access_token: signer.key.sign(&claims),
            token_type: "Bearer",
            expires_in: LIFETIME_SECONDS,
            refresh_token: refresh_token.to_text(),
            account: Shown {
                id: account.id.clone(),
                email: account.email.clone(),
                email_verified: account.email_verified,
                name: account.name.clone(),
                roles: account.roles.iter().map(|role| role.name()).collect(),
            },
        })
    }

    /// The answer to the client, which nobody may keep.
    pub(crate) fn into_response(self) -> Result<Response, Problem> {
        Ok(Response::json(&self)?.header("cache-control", "no-store"))
    }
}
