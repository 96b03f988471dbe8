//! Sending a mail: take it up, fill it in, hand it over, note what became of it.
//!
//! It is noted before and after, never during: whoever dies in between leaves a
//! mail that is taken up again when its lease ends, under the same id, by which
//! the mail provider and most receivers know it again.

use stoa_domain::Email;
use stoa_kit::{Problem, log};

use crate::backoff::{self, TRIES};
use crate::mail::Reason;
use crate::peers::{self, MailError, Mailbox, Message};
use crate::queries::delivery::{self as queries, Held, Outcome, Which};
use crate::refusal::is_about_address;
use crate::render;

/// Why a mail did not go out.
enum Setback {
    /// It may pass.
    Temporary(String),
    /// It will not.
    Final(Reason, String),
    /// It will not, and no other mail to this address will do better.
    BadAddress(String),
    /// Somebody else has taken the mail up.
    Lost,
    /// The database is away: there is nothing that could be noted.
    Problem(Problem),
}

impl From<Reason> for Setback {
    fn from(reason: Reason) -> Self {
        Self::Final(reason, reason.explain().to_owned())
    }
}

/// Sends a mail that is due. Whether there was one.
pub(crate) fn run(which: Which) -> Result<bool, Problem> {
    let Some(mut held) = queries::claim(which, peers::now())? else {
        return Ok(false);
    };
    let (outcome, suppress) = match attempt(&mut held) {
        Ok(answer) => (Outcome::Sent(answer), false),
        Err(Setback::Temporary(why)) => (later(&held, why), false),
        Err(Setback::Final(reason, why)) => (Outcome::Abandoned(reason, why), false),
        Err(Setback::BadAddress(why)) => (Outcome::Abandoned(Reason::Refused, why), true),
        Err(Setback::Lost) => return Ok(true),
        Err(Setback::Problem(problem)) => return Err(problem),
    };
    report(&held, &outcome);
    if !queries::settle(&held, &outcome, suppress, peers::now())? {
        log::warn(
            "delivery",
            &format!("{}: taken up by another in the meantime", held.id),
        );
    }
    Ok(true)
}

/// Hands a mail over; the server's answer.
fn attempt(held: &mut Held) -> Result<String, Setback> {
    if held.tries_left.is_none() {
        return Err(Reason::OutOfTries.into());
    }
    let recipient = recipient(held)?;
    if held.is_suppressed {
        return Err(Reason::Suppressed.into());
    }
    let settings = peers::settings().map_err(Setback::Temporary)?;
    let link = match held.template.target() {
        None => None,
        Some(target) => Some(settings.link(target, &token(held)?)),
    };
    let unrenderable = |why| Setback::Final(Reason::Unrenderable, why);
    let data = serde_json::from_str(&held.data).map_err(|error| unrenderable(error.to_string()))?;
    let letter =
        render::letter(held.template, &data, link.as_deref(), &settings).map_err(unrenderable)?;
    let message = Message {
        id: held.id.to_string(),
        from: None,
        to: Mailbox {
            name: None,
            address: recipient,
        },
        reply_to: None,
        subject: letter.subject,
        text: letter.text,
        html: Some(letter.html),
    };
    match peers::send(&message) {
        Ok(receipt) => Ok(receipt.answer),
        Err(MailError::Temporary(why) | MailError::Uncertain(why)) => Err(Setback::Temporary(why)),
        Err(MailError::Permanent(refusal)) => {
            let code = refusal.code.map(|code| code.to_string());
            let words = [code, refusal.status.clone(), Some(refusal.reason.clone())];
            let why = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
            Err(if is_about_address(&refusal) {
                Setback::BadAddress(why)
            } else {
                Setback::Final(Reason::Refused, why)
            })
        }
    }
}

/// The address of a mail; asked for, and noted, where it goes to an account.
fn recipient(held: &mut Held) -> Result<String, Setback> {
    if let Some(recipient) = &held.recipient {
        return Ok(recipient.clone());
    }
    let account = held.account.as_deref().ok_or(Reason::NoRecipient)?;
    let address = peers::address_of(account).map_err(Setback::Temporary)?;
    let address = Email::stored(address.ok_or(Reason::NoRecipient)?);
    held.is_suppressed = queries::address(held, &address)
        .map_err(Setback::Problem)?
        .ok_or(Setback::Lost)?;
    Ok(address.as_str().to_owned())
}

/// The one-time token of a mail: from now on it is good for some minutes.
fn token(held: &Held) -> Result<String, Setback> {
    let id = held.token.as_deref().ok_or(Reason::TokenGone)?;
    let token = peers::token(id).map_err(Setback::Temporary)?;
    token.ok_or_else(|| Reason::TokenGone.into())
}

/// When a mail is tried again that did not go out, if it is.
fn later(held: &Held, why: String) -> Outcome {
    match held.tries_left {
        Some(left) if left > 0 => {
            let wait = backoff::delay(TRIES - left, peers::random());
            Outcome::Failed(why, peers::now().plus(wait))
        }
        _ => Outcome::Abandoned(Reason::OutOfTries, why),
    }
}

/// Tells the log of what somebody may have to look at, without what the server
/// said: that has addresses in it.
fn report(held: &Held, outcome: &Outcome) {
    let (id, template) = (held.id, held.template.name());
    match outcome {
        Outcome::Abandoned(Reason::Unrenderable, why) => {
            log::error("delivery", &format!("{id} ({template}): {why}"));
        }
        Outcome::Abandoned(reason, _) => {
            log::warn("delivery", &format!("{id} ({template}): {}", reason.name()));
        }
        Outcome::Failed(..) => log::debug("delivery", &format!("{id} ({template}): failed")),
        Outcome::Sent(_) => {}
    }
}
