//! What the config of a link to a handler may say.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::event::{EVENTS, is_kind, is_word};

const DEFAULT_PARALLEL: usize = 16;
const PARALLEL: RangeInclusive<usize> = 1..=256;
const DEFAULT_TIMEOUT: u64 = 20_000;
const TIMEOUTS: RangeInclusive<u64> = 100..=300_000;
/// The components of an application start within this time, in any order.
const DEFAULT_HISTORY: u64 = 600;
const HISTORIES: RangeInclusive<u64> = 0..=30 * 86_400;

/// A link's config that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// `types` is missing, or names something that no event's type can be.
    #[error("types: not a list of event types such as `account.created, product.*`")]
    Types,
    /// `parallel` is no number, or out of bounds.
    #[error("parallel: not a number from {} to {}", PARALLEL.start(), PARALLEL.end())]
    Parallel,
    /// `timeout_ms` is no number, or out of bounds.
    #[error("timeout_ms: not a number from {} to {}", TIMEOUTS.start(), TIMEOUTS.end())]
    Timeout,
    /// `history_s` is no number, or out of bounds.
    #[error("history_s: not a number from {} to {}", HISTORIES.start(), HISTORIES.end())]
    History,
}

/// What a handler is to hear, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// `types`: the event types, with commas between them. `account.*` are all
    /// that begin with `account.`, `*` are all there are.
    types: Vec<String>,
    /// `parallel`: how many events are handled at once, each of another
    /// subject. 16 where it is left out.
    pub parallel: usize,
    /// `timeout_ms`: how long the handler may take for an event. 20000 where
    /// it is left out.
    pub timeout: Duration,
    /// `history_s`: how old an event may be that the handler gets when it is
    /// linked for the first time, in seconds. 600 where it is left out.
    pub history: Duration,
}

impl Subscription {
    /// Parses the config of a link.
    pub fn from_link(config: &HashMap<String, String>) -> Result<Self, ConfigError> {
        let parallel = match config.get("parallel").map(|text| text.parse()) {
            None => DEFAULT_PARALLEL,
            Some(Ok(parallel)) if PARALLEL.contains(&parallel) => parallel,
            Some(_) => return Err(ConfigError::Parallel),
        };
        let timeout = match config.get("timeout_ms").map(|text| text.parse()) {
            None => DEFAULT_TIMEOUT,
            Some(Ok(timeout)) if TIMEOUTS.contains(&timeout) => timeout,
            Some(_) => return Err(ConfigError::Timeout),
        };
        let history = match config.get("history_s").map(|text| text.parse()) {
            None => DEFAULT_HISTORY,
            Some(Ok(history)) if HISTORIES.contains(&history) => history,
            Some(_) => return Err(ConfigError::History),
        };
        Ok(Self {
            types: types(config.get("types").map_or("", String::as_str))?,
            parallel,
            timeout: Duration::from_millis(timeout),
            history: Duration::from_secs(history),
        })
    }

    /// The subjects on the broker that the types stand for; no two of them
    /// match the same one.
    pub fn filters(&self) -> Vec<String> {
        let filter = |kind: &String| match kind.strip_suffix('*') {
            Some(prefix) => format!("{EVENTS}.{prefix}>"),
            None => format!("{EVENTS}.{kind}.*"),
        };
        self.types.iter().map(filter).collect()
    }
}

/// The list without what another entry covers already.
fn types(list: &str) -> Result<Vec<String>, ConfigError> {
    let mut types: Vec<_> = list.split(',').map(str::trim).collect();
    types.sort_unstable();
    types.dedup();
    if !types.iter().all(|kind| is_pattern(kind)) {
        return Err(ConfigError::Types);
    }
    let covers = |pattern: &str, kind: &str| {
        let prefix = pattern.strip_suffix('*');
        pattern != kind && prefix.is_some_and(|prefix| kind.starts_with(prefix))
    };
    let alone = |kind: &&&str| !types.iter().any(|pattern| covers(pattern, kind));
    Ok(types
        .iter()
        .filter(alone)
        .map(|&kind| kind.to_owned())
        .collect())
}

fn is_pattern(text: &str) -> bool {
    match text.strip_suffix('*') {
        Some("") => true,
        Some(prefix) => prefix
            .strip_suffix('.')
            .is_some_and(|prefix| prefix.split('.').all(is_word)),
        None => is_kind(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(pairs: &[(&str, &str)]) -> Result<Subscription, ConfigError> {
        let pairs = pairs.iter();
        let config = pairs.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Subscription::from_link(&config.collect())
    }

    fn filters(types: &str) -> Vec<String> {
        link(&[("types", types)]).unwrap().filters()
    }

    #[test]
    fn only_the_types_have_to_be_said() {
        let link = link(&[("types", "account.created")]).unwrap();
        assert_eq!(link.parallel, 16);
        assert_eq!(link.timeout, Duration::from_secs(20));
        assert_eq!(link.history, Duration::from_mins(10));
    }

    #[test]
    fn types_and_prefixes_become_subjects() {
        assert_eq!(
            filters("account.created"),
            ["stoa.events.account.created.*"]
        );
        assert_eq!(
            filters(" product.* ,account.created"),
            ["stoa.events.account.created.*", "stoa.events.product.>"]
        );
        assert_eq!(filters("*"), ["stoa.events.>"]);
    }

    #[test]
    fn what_is_covered_by_another_entry_is_left_out() {
        assert_eq!(filters("a.*,a.b,a.b.*,a.b"), ["stoa.events.a.>"]);
        assert_eq!(filters("a.b,*"), ["stoa.events.>"]);
        // Not a prefix in the sense of words.
        assert_eq!(filters("a.*,ab.c").len(), 2);
    }

    #[test]
    fn what_no_type_can_be_is_refused() {
        for types in [
            "", "account", "account*", "a.>", "a.*.b", "a.b,", "A.b", "**", ".*",
        ] {
            assert_eq!(
                link(&[("types", types)]),
                Err(ConfigError::Types),
                "{types}"
            );
        }
        assert_eq!(link(&[]), Err(ConfigError::Types));
    }

    #[test]
    fn numbers_have_bounds() {
        for (key, good, bad, error) in [
            (
                "parallel",
                ["1", "256"],
                ["0", "257"],
                ConfigError::Parallel,
            ),
            (
                "timeout_ms",
                ["100", "300000"],
                ["99", "300001"],
                ConfigError::Timeout,
            ),
            (
                "history_s",
                ["0", "2592000"],
                ["-1", "2592001"],
                ConfigError::History,
            ),
        ] {
            for value in good {
                assert!(link(&[("types", "*"), (key, value)]).is_ok(), "{value}");
            }
            for value in bad.into_iter().chain(["some", ""]) {
                let refused = link(&[("types", "*"), (key, value)]);
                assert_eq!(refused, Err(error.clone()), "{value}");
            }
        }
    }
}
