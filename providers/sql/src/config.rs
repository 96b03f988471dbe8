//! Configuration: the provider's own (where databases are kept) and each link's
//! (which database it means). Both arrive as maps of strings and are parsed here
//! into types that cannot be wrong.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::backend::Limits;

/// What the provider runs with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder that holds one file for each database.
    pub data_dir: PathBuf,
    /// What a call may cost.
    pub limits: Limits,
    /// How long after its start the provider waits for links before it takes a
    /// caller without one for the sign of a lost link.
    pub grace: Duration,
}

impl Config {
    /// The defaults, with the databases in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            limits: Limits::default(),
            grace: Duration::from_secs(10),
        }
    }

    /// Reads the provider's configuration: `data_dir` (default `.stoa/data`).
    /// Other keys belong to somebody else (OpenTelemetry's, for example).
    #[must_use]
    pub fn parse(provider: &HashMap<String, String>) -> Self {
        match provider.get("data_dir").map(|dir| dir.trim()) {
            Some(dir) if !dir.is_empty() => Self::new(dir),
            _ => Self::new(".stoa/data"),
        }
    }
}

/// The name of a database: `[a-z0-9_-]{1,63}`, so it is a file name that stays
/// inside its folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DatabaseName(String);

/// Why a link names no database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidName(String);

impl DatabaseName {
    /// Checks a name.
    pub fn parse(name: &str) -> Result<Self, InvalidName> {
        let allowed = |c: u8| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if (1..=63).contains(&name.len()) && name.bytes().all(allowed) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidName(name.to_owned()))
        }
    }

    /// The database that a link means: its `database`, or else the one named
    /// after the component.
    pub fn of_link(link: &HashMap<String, String>, component: &str) -> Result<Self, InvalidName> {
        Self::parse(link.get("database").map_or(component, String::as_str))
    }

    /// The database's file in `data_dir`.
    #[must_use]
    pub fn file(&self, data_dir: &Path) -> PathBuf {
        data_dir.join(format!("{}.db", self.0))
    }
}

impl fmt::Display for DatabaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no database name ([a-z0-9_-], 1 to 63 characters): set `database` in the link's config",
            self.0
        )
    }
}

impl std::error::Error for InvalidName {}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, &str)]) -> HashMap<String, String> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        entries.iter().map(owned).collect()
    }

    #[test]
    fn the_data_dir_has_a_default() {
        assert_eq!(Config::parse(&map(&[])).data_dir, Path::new(".stoa/data"));
        assert_eq!(
            Config::parse(&map(&[("data_dir", " ")])).data_dir,
            Path::new(".stoa/data")
        );
        assert_eq!(
            Config::parse(&map(&[("data_dir", "/srv/stoa")])).data_dir,
            Path::new("/srv/stoa")
        );
    }

    #[test]
    fn a_link_names_its_database() {
        let name = DatabaseName::of_link(&map(&[("database", "shop-1")]), "product").unwrap();
        assert_eq!(name.file(Path::new("/d")), Path::new("/d/shop-1.db"));
    }

    #[test]
    fn a_link_without_a_database_means_the_one_of_its_component() {
        let name = DatabaseName::of_link(&map(&[]), "product").unwrap();
        assert_eq!(name.to_string(), "product");
        assert!(DatabaseName::of_link(&map(&[]), "MCFMFDWFHGKELOXPCN").is_err());
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        let long = "a".repeat(64);
        for name in ["", "..", "../x", "a/b", "a.db", "A", "ä", "a\0", &long] {
            assert!(DatabaseName::parse(name).is_err(), "{name:?}");
        }
        assert!(DatabaseName::parse(&long[1..]).is_ok());
    }
}
