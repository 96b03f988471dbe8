//! For tests: the services that this one calls, in memory, a clock that stands
//! still, events, and requests.

use serde_json::{Value, json};
use stoa_kit::{Id, Method, Timestamp};

use crate::bindings::stoa::events::types::Event;
use crate::{handler, memory};

/// The services that this one calls.
pub(crate) mod peers {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;

    use stoa_kit::Timestamp;

    use crate::peers::{MailError, Message, Receipt};
    use crate::settings::Settings;

    thread_local! {
        pub(super) static NOW: Cell<i64> = const { Cell::new(0) };
        pub(super) static SENT: RefCell<Vec<Message>> = const { RefCell::new(Vec::new()) };
        pub(super) static ANSWERS: RefCell<Vec<Answer>> = const { RefCell::new(Vec::new()) };
        pub(super) static AWAY: Cell<bool> = const { Cell::new(false) };
        pub(super) static TOKENS_GONE: Cell<bool> = const { Cell::new(false) };
        pub(super) static ACCOUNTS: RefCell<BTreeMap<String, String>> =
            const { RefCell::new(BTreeMap::new()) };
        pub(super) static CONFIG: RefCell<BTreeMap<String, String>> =
            const { RefCell::new(BTreeMap::new()) };
    }

    /// What the mail provider answers next.
    pub(crate) enum Answer {
        Refuse(MailError),
        /// Whoever sends dies in between.
        Trap,
        /// Something else happens meanwhile; then it is sent.
        Meanwhile(Box<dyn FnOnce()>),
    }

    pub(crate) fn now() -> Timestamp {
        Timestamp(NOW.get())
    }

    pub(crate) fn random() -> u32 {
        0
    }

    pub(crate) fn settings() -> Result<Settings, String> {
        CONFIG.with_borrow(|config| Settings::read(|name| config.get(name).cloned()))
    }

    pub(crate) fn address_of(account: &str) -> Result<Option<String>, String> {
        there()?;
        Ok(ACCOUNTS.with_borrow(|accounts| accounts.get(account).cloned()))
    }

    pub(crate) fn token(id: &str) -> Result<Option<String>, String> {
        there()?;
        Ok((!TOKENS_GONE.get()).then(|| format!("secret-of-{id}")))
    }

    pub(crate) fn send(message: &Message) -> Result<Receipt, MailError> {
        let answer = ANSWERS.with_borrow_mut(|list| (!list.is_empty()).then(|| list.remove(0)));
        match answer {
            Some(Answer::Refuse(error)) => return Err(error),
            Some(Answer::Trap) => panic!("the host dies"),
            Some(Answer::Meanwhile(act)) => act(),
            None => {}
        }
        SENT.with_borrow_mut(|sent| sent.push(message.clone()));
        Ok(Receipt {
            accepted_at: NOW.get(),
            answer: "250 2.0.0 queued".to_owned(),
        })
    }

    fn there() -> Result<(), String> {
        if AWAY.get() {
            return Err("nobody answers".to_owned());
        }
        Ok(())
    }
}

use peers::Answer;

pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// The first thing in a test: nothing stored, everybody there.
pub(crate) fn open() {
    memory::open();
    peers::NOW.set(1_772_366_400_000);
    peers::SENT.take();
    peers::ANSWERS.take();
    peers::AWAY.set(false);
    peers::TOKENS_GONE.set(false);
    peers::ACCOUNTS.take();
    peers::CONFIG.take();
}

/// Lets time pass.
pub(crate) fn pass(milliseconds: i64) {
    peers::NOW.set(peers::NOW.get() + milliseconds);
}

/// The mails that went out since this was asked last.
pub(crate) fn sent() -> Vec<crate::peers::Message> {
    peers::SENT.take()
}

/// What the mail provider answers next; after that, it takes every mail.
pub(crate) fn answers(answers: impl IntoIterator<Item = Answer>) {
    peers::ANSWERS.with_borrow_mut(|list| list.extend(answers));
}

/// Lets auth and the directory be away, or not.
pub(crate) fn others_are_away(away: bool) {
    peers::AWAY.set(away);
}

/// Lets all tokens be used.
pub(crate) fn tokens_are_gone() {
    peers::TOKENS_GONE.set(true);
}

/// Gives an account an address.
pub(crate) fn account(id: &str, email: &str) {
    peers::ACCOUNTS.with_borrow_mut(|accounts| accounts.insert(id.to_owned(), email.to_owned()));
}

/// Sets a value of the configuration.
pub(crate) fn configure(name: &str, value: &str) {
    peers::CONFIG.with_borrow_mut(|config| config.insert(name.to_owned(), value.to_owned()));
}

/// An event with data, about the account `ann`.
pub(crate) fn event(kind: &str, data: &Value) -> Event {
    Event {
        id: Id::new().to_string(),
        type_: kind.to_owned(),
        subject: "ann".to_owned(),
        occurred: Timestamp::now().0,
        data: data.to_string(),
        traceparent: None,
    }
}

/// An event that asks for a mail with a token.
pub(crate) fn verify(email: &str) -> Event {
    let data = json!({"email": email, "name": "Ann", "token_id": "t"});
    event("email.verify_requested", &data)
}

/// An event that nobody can trigger for others.
pub(crate) fn password_changed(email: &str) -> Event {
    event("password.changed", &json!({"email": email, "name": "Ann"}))
}

/// Lets the service hear of an event.
pub(crate) fn hear(event: &Event) {
    handler::handle(event).unwrap();
}

/// Lets the service hear of an event while no mail goes out.
pub(crate) fn hear_without_sending(event: &Event) {
    answers([temporary("451 busy")]);
    hear(event);
}

/// A refusal that may pass.
pub(crate) fn temporary(why: &str) -> Answer {
    Answer::Refuse(crate::peers::MailError::Temporary(why.to_owned()))
}

/// A refusal that will not pass.
pub(crate) fn permanent(code: u16, status: &str, reason: &str) -> Answer {
    let refusal = crate::peers::Refusal {
        code: Some(code),
        status: Some(status.to_owned()),
        reason: reason.to_owned(),
    };
    Answer::Refuse(crate::peers::MailError::Permanent(refusal))
}

/// A request that is being put together.
pub(crate) type Ask = stoa_fixtures::Ask<crate::Email>;

/// An anonymous request.
pub(crate) fn ask(method: Method, path: &str) -> Ask {
    Ask::new(method, path)
}

/// The body of an answer to an administrator.
pub(crate) fn get(path: &str) -> Value {
    ask(Method::Get, path).by_admin().body()
}
