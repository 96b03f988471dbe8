//! What the configuration of the provider and of its links may say.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use async_nats::{Client, ConnectOptions, ServerAddr};

const DEFAULT_BUCKET: &str = "stoa";
const MAX_BUCKET_NAME: usize = 64;

/// A configuration value that does not hold. Names the key, never the value
/// of `nats_url`: it may carry a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct ConfigError {
    key: &'static str,
    problem: String,
}

impl ConfigError {
    fn new(key: &'static str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self { key, problem }
    }
}

/// A NATS server of the provider's own. Has no `Debug`: the address may carry
/// credentials.
#[derive(Clone)]
pub struct NatsServer(ServerAddr);

impl NatsServer {
    /// The server named by `nats_url` in the provider's config. `None` where
    /// there is no such key: then the lattice's own connection is used.
    pub fn from_config(config: &HashMap<String, String>) -> Result<Option<Self>, ConfigError> {
        let Some(url) = config.get("nats_url") else {
            return Ok(None);
        };
        let address = url
            .parse()
            .map_err(|_| ConfigError::new("nats_url", "not a NATS URL"))?;
        Ok(Some(Self(address)))
    }

    /// A client of this server. It connects in the background, so a server
    /// that is not up yet is no error.
    pub async fn connect(self) -> Result<Client, ConfigError> {
        let options = match (self.0.username(), self.0.password()) {
            (Some(user), Some(password)) => {
                ConnectOptions::with_user_and_password(user.into(), password.into())
            }
            (Some(token), None) => ConnectOptions::with_token(token.into()),
            (None, _) => ConnectOptions::new(),
        };
        wasmcloud_provider_sdk::with_connection_event_logging(options)
            .name("stoa-keyvalue")
            .retry_on_initial_connect()
            .connect(self.0)
            .await
            .map_err(|error| ConfigError::new("nats_url", error.kind().to_string()))
    }
}

/// A bucket that a link may write to.
///
/// The TTL belongs to the bucket, so all links to one bucket state the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketConfig {
    /// `bucket`: letters, digits, `-` and `_`. `stoa` where it is left out.
    pub name: String,
    /// `ttl`, in seconds: how long an entry lives after its last write. Left
    /// out: for ever.
    pub ttl: Option<Duration>,
}

/// What a link gives access to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The link's own bucket.
    pub own: BucketConfig,
    /// `reads`, separated by commas: buckets that are somebody else's, of
    /// which the link may read.
    pub reads: BTreeSet<String>,
}

impl Access {
    /// Parses the config of a link.
    pub fn from_link(config: &HashMap<String, String>) -> Result<Self, ConfigError> {
        let own = BucketConfig::from_link(config)?;
        let names = config.get("reads").map_or("", String::as_str).trim();
        let mut reads = BTreeSet::new();
        for name in names.split(',').filter(|_| !names.is_empty()) {
            let name = bucket_name("reads", name.trim())?;
            if name == own.name {
                let problem = "the link's own bucket is read without its name";
                return Err(ConfigError::new("reads", problem));
            }
            reads.insert(name);
        }
        Ok(Self { own, reads })
    }
}

fn bucket_name(key: &'static str, name: &str) -> Result<String, ConfigError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > MAX_BUCKET_NAME || !name.chars().all(allowed) {
        return Err(ConfigError::new(
            key,
            format!("a name has 1 to {MAX_BUCKET_NAME} letters, digits, `-` or `_`"),
        ));
    }
    Ok(name.to_owned())
}

impl BucketConfig {
    fn from_link(config: &HashMap<String, String>) -> Result<Self, ConfigError> {
        let name = config.get("bucket").map_or(DEFAULT_BUCKET, String::as_str);
        let name = bucket_name("bucket", name)?;
        let ttl = match config.get("ttl").map(|seconds| seconds.parse::<u32>()) {
            None => None,
            Some(Ok(seconds)) if seconds > 0 => Some(Duration::from_secs(seconds.into())),
            Some(_) => return Err(ConfigError::new("ttl", "not a number of seconds above 0")),
        };
        Ok(Self { name, ttl })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(pairs: &[(&str, &str)]) -> Result<BucketConfig, ConfigError> {
        BucketConfig::from_link(&map(pairs))
    }

    fn map(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn an_empty_config_is_the_default_bucket_without_ttl() {
        let config = link(&[]).unwrap();
        assert_eq!(config.name, "stoa");
        assert_eq!(config.ttl, None);
    }

    #[test]
    fn bucket_and_ttl_are_taken_from_the_link() {
        let config = link(&[("bucket", "registry_1"), ("ttl", "15")]).unwrap();
        assert_eq!(config.name, "registry_1");
        assert_eq!(config.ttl, Some(Duration::from_secs(15)));
    }

    #[test]
    fn a_bucket_name_that_could_reach_another_subject_is_refused() {
        for name in ["", "a.b", "a>", "*", "a b", "ä", &"x".repeat(65)] {
            assert!(link(&[("bucket", name)]).is_err(), "{name}");
        }
    }

    #[test]
    fn buckets_to_read_are_listed_by_name_and_are_not_the_links_own() {
        let reads = |value| {
            let access = Access::from_link(&map(&[("bucket", "services"), ("reads", value)]));
            access.map(|access| access.reads.into_iter().collect::<Vec<_>>())
        };
        assert_eq!(reads("").unwrap(), [""; 0]);
        assert_eq!(reads("auth").unwrap(), ["auth"]);
        assert_eq!(reads(" limits, auth,auth").unwrap(), ["auth", "limits"]);
        for bad in ["auth,", ",", "a b", "a.b", "auth/key", "*", "services"] {
            assert!(reads(bad).is_err(), "{bad}");
        }
        assert!(Access::from_link(&map(&[])).unwrap().reads.is_empty());
    }

    #[test]
    fn a_ttl_is_a_positive_number_of_seconds() {
        for ttl in ["0", "-1", "1.5", "soon", ""] {
            assert!(link(&[("ttl", ttl)]).is_err(), "{ttl}");
        }
    }

    #[test]
    fn without_nats_url_the_lattice_is_used() {
        assert!(NatsServer::from_config(&map(&[])).unwrap().is_none());
        let own = map(&[("nats_url", "nats://kv.internal:4222")]);
        assert!(NatsServer::from_config(&own).unwrap().is_some());
    }

    #[test]
    fn an_error_about_the_url_does_not_show_its_password() {
        let config = map(&[("nats_url", "http://stoa:hunter2@kv.internal")]);
        let Err(error) = NatsServer::from_config(&config) else {
            panic!("an http URL was accepted");
        };
        assert!(!error.to_string().contains("hunter2"));
    }
}
