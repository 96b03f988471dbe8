//! A component that sends mail: `email`, linked to the provider.

use std::collections::HashMap;
use std::time::Duration;

use stoa_harness::patience;
use stoa_mail_provider::types::{Error, Mailbox, Message, Receipt};
use stoa_mail_provider::{Caller, Config, MailProvider};

/// The provider, with a link from `email`.
#[derive(Clone)]
pub(crate) struct Shop(pub(crate) MailProvider);

impl Shop {
    /// Mail goes to this server, from `shop@example.com`.
    pub(crate) fn at(url: &str, link: &[(&str, &str)]) -> Self {
        Self::with(config(), url, link)
    }

    /// The same, with another config of the provider.
    pub(crate) fn with(config: Config, url: &str, link: &[(&str, &str)]) -> Self {
        let shop = Self(MailProvider::new(config));
        shop.link(url, link);
        shop
    }

    /// Puts the link anew.
    pub(crate) fn link(&self, url: &str, link: &[(&str, &str)]) {
        let own = [("url", url), ("from", "The Shop <shop@example.com>")];
        let entries = own.iter().chain(link);
        let link: HashMap<_, _> = entries
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        self.0.link(caller(), &link, &HashMap::new());
    }

    /// Sends a message with this id.
    pub(crate) async fn send(&self, id: &str) -> Result<Receipt, Error> {
        self.0.send(caller(), message(id)).await
    }

    /// Sends a message, which the server is to accept.
    pub(crate) async fn deliver(&self, message: Message) -> Receipt {
        self.0.send(caller(), message).await.unwrap()
    }
}

/// What lets tests talk in clear, and wait long.
pub(crate) fn config() -> Config {
    Config {
        allow_plaintext: true,
        answer_time: patience(Duration::from_mins(2)),
        ..Config::new("never-used")
    }
}

pub(crate) fn caller() -> Caller {
    Caller::new("email", "default")
}

pub(crate) fn mailbox(address: &str) -> Mailbox {
    Mailbox {
        name: None,
        address: address.to_owned(),
    }
}

/// A message to `ann@example.com`.
pub(crate) fn message(id: &str) -> Message {
    Message {
        id: id.to_owned(),
        from: None,
        to: mailbox("ann@example.com"),
        reply_to: None,
        subject: "Your order".to_owned(),
        text: "It is on its way.\n".to_owned(),
        html: None,
    }
}

/// The text of an error that may pass.
pub(crate) fn temporary(outcome: Result<Receipt, Error>) -> String {
    match outcome {
        Err(Error::Temporary(text)) => text,
        other => panic!("not temporary: {other:?}"),
    }
}
