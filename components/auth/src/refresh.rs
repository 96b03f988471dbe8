//! `POST /token`

use serde_json::Value;
use stoa_kit::form::{Errors, wrong_type};
use stoa_kit::{Field, Problem, Request, Response, Timestamp, log};

use crate::peers::{Account, directory};
use crate::queries::sessions::{self as queries, Which};
use crate::refresh_token::{RefreshToken, Relation};
use crate::session::{Session, Tokens};
use crate::throttle::{self, TOKENS};
use crate::{keys, peers, revocation, sessions};

/// For so long after an exchange, in milliseconds, the token that was exchanged
/// gets the same answer once more: two tabs, or an answer that was lost.
const LEEWAY: i64 = 10_000;
/// How often an exchange is tried when somebody else was faster. The second
/// time, it is known what he got.
const ATTEMPTS: usize = 4;

/// Exchanges a refresh token for new tokens (RFC 6749, section 6). Each is good
/// for one exchange: whoever shows one again, but for its leeway, ends the
/// session, for one of the two who have it is not who he should be (RFC 9700,
/// section 4.14.2).
///
/// Errors: `invalid` (422), `invalid_grant` (401) whatever is wrong with the
/// token, `too_many_requests` (429) after many that are none.
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    let mut form = request.form()?;
    let token: Option<Shown> = form.required("refresh_token");
    let grant = form.or("grant_type", GrantType);
    let (token, _) = form.complete(|| Some((token?, grant?)))?;

    let now = peers::now();
    let exchanged = match token.0 {
        Some(token) => exchange(&token, now)?,
        None => None,
    };
    let Some(tokens) = exchanged else {
        throttle::count(&[TOKENS.at(&request.client)], now, [])?;
        return Err(refused());
    };
    tokens.into_response()
}

/// `None`: there is nothing to be had for this token.
fn exchange(token: &RefreshToken, now: Timestamp) -> Result<Option<Tokens>, Problem> {
    let signer = keys::signer(now)?;
    for _ in 0..ATTEMPTS {
        let Some(session) = queries::find(token.session())? else {
            return Ok(None);
        };
        let relation = token.relation(&session.digest, session.generation, &signer.secret);
        if matches!(relation, Relation::Foreign) || !session.is_live(now) {
            return Ok(None);
        }
        let next = match relation {
            Relation::Predecessor(next) if now.0 - session.used.0 <= LEEWAY => next,
            Relation::Current => {
                let next = token.successor(&signer.secret);
                let Some(account) = holder(&session, now)? else {
                    return Ok(None);
                };
                // The leeway begins when it is done, not when it was asked for.
                if queries::rotate(&session, &next.digest(), peers::now())? {
                    return Tokens::new(&signer, &account, &next, now).map(Some);
                }
                continue;
            }
            _ => {
                log::warn(
                    "refresh",
                    &format!("a token of {} was used twice", session.id),
                );
                end(&session, now)?;
                return Ok(None);
            }
        };
        let Some(account) = holder(&session, now)? else {
            return Ok(None);
        };
        return Tokens::new(&signer, &account, &next, now).map(Some);
    }
    Err(Problem::unavailable(
        "Others use this token all the time. Try again.",
        format!("lost the race for {} {ATTEMPTS} times", token.session()),
    ))
}

/// Whose session it is, as the account is now. One that is gone is forgotten.
fn holder(session: &Session, now: Timestamp) -> Result<Option<Account>, Problem> {
    let account = directory::find(&session.account)?;
    if account.is_none() {
        sessions::forget(&session.account, now)?;
    }
    Ok(account)
}

fn end(session: &Session, now: Timestamp) -> Result<(), Problem> {
    let id = session.id.to_string();
    let ended = queries::end_now(&session.account, Which::One(&id), now)?;
    revocation::announce(&ended, now);
    Ok(())
}

fn refused() -> Problem {
    Problem::refused_credentials(
        "invalid_grant",
        "The refresh token was used, or has expired, or was revoked. Sign in again.",
    )
}

/// A token in a body. A text that cannot be one is a token that is no good.
struct Shown(Option<RefreshToken>);

impl Field for Shown {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        let Value::String(text) = value else {
            return wrong_type(value, "a string", errors);
        };
        Some(Self(RefreshToken::parse(text)))
    }
}

/// The one grant there is here (RFC 6749, section 6).
struct GrantType;

impl Field for GrantType {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        if *value == "refresh_token" {
            return Some(Self);
        }
        errors.refuse(
            "value",
            "must be refresh_token; people sign in at POST /signin",
        )
    }
}
