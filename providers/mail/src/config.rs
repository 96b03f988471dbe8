//! Configuration: the provider's own (where mail goes without a server) and
//! each link's (which server takes it, and who is the author). Both arrive as
//! maps of strings and are parsed here into types that cannot be wrong.

mod server;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use wasmcloud_provider_sdk::core::secrets::SecretValue;

use crate::address::Mailbox;

pub(crate) use server::{Security, Server};

/// What the provider runs with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder for the mail of links that name no server.
    pub folder: PathBuf,
    /// Whether a link may send mail, and credentials, in clear.
    pub allow_plaintext: bool,
    /// How long a caller waits before its answer is `uncertain`: less than the
    /// host lets it wait, so that it learns what that means.
    pub answer_time: Duration,
    /// How long a shutdown waits for the mails under way.
    pub drain_time: Duration,
    /// How long after its start the provider waits for links before it takes a
    /// caller without one for the sign of a lost link.
    pub grace: Duration,
}

impl Config {
    /// The defaults, with the folder given.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            allow_plaintext: false,
            answer_time: Duration::from_secs(4),
            drain_time: Duration::from_secs(5),
            grace: Duration::from_secs(10),
        }
    }

    /// Reads the provider's configuration: `folder` (default `.stoa/mail`) and
    /// `allow_plaintext` (only `true` allows). Other keys belong to somebody
    /// else (OpenTelemetry's, for example).
    #[must_use]
    pub fn parse(provider: &HashMap<String, String>) -> Self {
        let folder = setting(provider, "folder").unwrap_or(".stoa/mail");
        Self {
            allow_plaintext: setting(provider, "allow_plaintext") == Some("true"),
            ..Self::new(folder)
        }
    }
}

/// A configuration value that does not hold. Names the key and never the
/// value, which may be a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub(crate) struct ConfigError {
    key: &'static str,
    problem: String,
}

impl ConfigError {
    fn new(key: &'static str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self { key, problem }
    }
}

/// What a link says. Has no `Debug`, because of what [`Server`] knows.
pub(crate) struct LinkConfig {
    /// `from`: the author of messages that name none.
    pub(crate) from: Mailbox,
    pub(crate) route: Route,
}

/// Where the mail of a link goes.
pub(crate) enum Route {
    /// Into the provider's folder: `url` is empty or left out.
    Folder,
    /// To the server of `url`.
    Server(Box<Server>),
}

impl LinkConfig {
    /// Parses the config of a link and its secrets. `from` may be left out
    /// where mail goes to the folder.
    pub(crate) fn parse(
        link: &HashMap<String, String>,
        secrets: &HashMap<String, SecretValue>,
        provider: &Config,
    ) -> Result<Self, ConfigError> {
        let route = match setting(link, "url") {
            None => Route::Folder,
            Some(url) => Route::Server(Box::new(Server::parse(url, link, secrets, provider)?)),
        };
        let from = match (setting(link, "from"), &route) {
            (Some(from), _) => from,
            (None, Route::Folder) => "Stoa <noreply@localhost>",
            (None, Route::Server(_)) => {
                return Err(ConfigError::new(
                    "from",
                    "is needed where there is a server",
                ));
            }
        };
        let from = Mailbox::parse(from).map_err(|problem| ConfigError::new("from", problem))?;
        Ok(Self { from, route })
    }
}

/// A setting that is there and not empty.
fn setting<'a>(config: &'a HashMap<String, String>, key: &str) -> Option<&'a str> {
    let value = config.get(key)?.trim();
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    pub(super) fn map(entries: &[(&str, &str)]) -> HashMap<String, String> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        entries.iter().map(owned).collect()
    }

    fn link(entries: &[(&str, &str)]) -> Result<LinkConfig, ConfigError> {
        LinkConfig::parse(&map(entries), &HashMap::new(), &Config::new("unused"))
    }

    #[test]
    fn the_folder_has_a_default() {
        let folder = |entries: &[_]| Config::parse(&map(entries)).folder;
        assert_eq!(folder(&[]), Path::new(".stoa/mail"));
        assert_eq!(folder(&[("folder", " ")]), Path::new(".stoa/mail"));
        assert_eq!(folder(&[("folder", "/srv/mail")]), Path::new("/srv/mail"));
    }

    #[test]
    fn plaintext_is_allowed_by_one_word_only() {
        let allowed = |value| Config::parse(&map(&[("allow_plaintext", value)])).allow_plaintext;
        assert!(allowed("true"));
        for value in ["", "false", "1", "yes", "TRUE"] {
            assert!(!allowed(value), "{value}");
        }
        assert!(!Config::parse(&HashMap::new()).allow_plaintext);
    }

    #[test]
    fn mail_goes_to_the_folder_unless_there_is_a_server() {
        for entries in [&[][..], &[("url", "")], &[("url", " ")]] {
            let config = link(entries).unwrap();
            assert!(matches!(config.route, Route::Folder));
            assert_eq!(config.from.address.as_str(), "noreply@localhost");
        }
        let config = link(&[
            ("url", "smtps://mx.example.com"),
            ("from", "shop@example.com"),
        ]);
        assert!(matches!(config.unwrap().route, Route::Server(_)));
    }

    #[test]
    fn the_author_must_be_known_and_good() {
        let key = |entries| link(entries).err().map(|error| error.key);
        assert_eq!(key(&[("url", "smtps://mx.example.com")]), Some("from"));
        assert_eq!(key(&[("from", "nobody")]), Some("from"));
        assert_eq!(
            key(&[("from", "a@b\r\nBcc: eve@example.com")]),
            Some("from")
        );
        assert_eq!(key(&[("from", "The Shop <shop@example.com>")]), None);
    }
}
