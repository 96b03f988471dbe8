//! Who is linked, and where the mail of each link goes.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::Caller;
use crate::address::Mailbox;
use crate::backend::Backend;
use crate::config::ConfigError;

/// What a link gives: an author, and a way.
#[derive(Clone)]
pub(crate) struct Mailer {
    pub(crate) from: Mailbox,
    pub(crate) backend: Arc<dyn Backend>,
}

#[derive(Default)]
pub(crate) struct Links {
    mailers: BTreeMap<Caller, Result<Mailer, ConfigError>>,
    /// Links that were there and were taken away: a late call of theirs is no
    /// sign of a link that got lost.
    removed: HashSet<Caller>,
}

/// Why a caller cannot send.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoMailer {
    /// Its link's config is wrong.
    Misconfigured(ConfigError),
    /// Its link was taken away.
    Removed,
    /// No link of it ever arrived.
    Unknown,
}

impl Links {
    /// Adds a link, or replaces it. Returns the one that was there.
    pub(crate) fn put(
        &mut self,
        caller: Caller,
        mailer: Result<Mailer, ConfigError>,
    ) -> Option<Mailer> {
        self.removed.remove(&caller);
        self.mailers.insert(caller, mailer)?.ok()
    }

    /// Takes a link away, and returns it.
    pub(crate) fn remove(&mut self, caller: Caller) -> Option<Mailer> {
        let mailer = self.mailers.remove(&caller);
        self.removed.insert(caller);
        mailer?.ok()
    }

    /// The way of a caller's mail.
    pub(crate) fn mailer(&self, caller: &Caller) -> Result<Mailer, NoMailer> {
        match self.mailers.get(caller) {
            Some(Ok(mailer)) => Ok(mailer.clone()),
            Some(Err(error)) => Err(NoMailer::Misconfigured(error.clone())),
            None if self.removed.contains(caller) => Err(NoMailer::Removed),
            None => Err(NoMailer::Unknown),
        }
    }

    /// The links that are good.
    pub(crate) fn mailers(&self) -> impl Iterator<Item = &Mailer> {
        self.mailers.values().flatten()
    }

    /// What is wrong, link by link.
    pub(crate) fn faults(&self) -> impl Iterator<Item = String> {
        self.mailers.iter().filter_map(|(caller, mailer)| {
            let fault = match mailer {
                Ok(mailer) => mailer.backend.fault()?,
                Err(error) => error.to_string(),
            };
            Some(format!(
                "link {} of {}: {fault}",
                caller.link, caller.component
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::backend::Folder;
    use crate::config::{Config, LinkConfig};

    fn caller(component: &str) -> Caller {
        Caller::new(component, "default")
    }

    fn mailer(url: &str) -> Result<Mailer, ConfigError> {
        let link = HashMap::from([("url".to_owned(), url.to_owned())]);
        let config = LinkConfig::parse(&link, &HashMap::new(), &Config::new("unused"))?;
        Ok(Mailer {
            from: config.from,
            backend: Arc::new(Folder::new("unused".into())),
        })
    }

    #[test]
    fn a_caller_that_cannot_send_learns_why() {
        let mut links = Links::default();
        assert!(links.put(caller("a"), mailer("")).is_none());
        links.put(caller("b"), mailer("http://example.com"));
        assert!(links.mailer(&caller("a")).is_ok());
        assert!(links.remove(caller("a")).is_some());
        let why = |component| links.mailer(&caller(component)).err();
        assert_eq!(why("a"), Some(NoMailer::Removed));
        assert!(matches!(why("b"), Some(NoMailer::Misconfigured(_))));
        assert_eq!(why("c"), Some(NoMailer::Unknown));
    }

    #[test]
    fn a_wrong_config_is_a_fault_until_it_is_put_right() {
        let mut links = Links::default();
        links.put(caller("email"), mailer("http://example.com"));
        let faults: Vec<_> = links.faults().collect();
        let fault = "link default of email: url: is not smtp://, smtps:// or smtp+starttls://";
        assert_eq!(faults, [fault]);
        links.put(caller("email"), mailer(""));
        assert_eq!(links.faults().count(), 0);
    }
}
