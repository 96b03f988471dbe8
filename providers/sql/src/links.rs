//! Who is linked to which database, and the databases that are open for them.
//! A database is shared by all links that name it and closed with the last one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::Caller;
use crate::backend::Backend;
use crate::config::{DatabaseName, InvalidName};

#[derive(Default)]
pub(crate) struct Links {
    database_of: HashMap<Caller, Result<DatabaseName, InvalidName>>,
    /// Links that were there and were taken away: a late call of theirs is no
    /// sign of a link that got lost.
    removed: HashSet<Caller>,
    databases: HashMap<DatabaseName, Arc<dyn Backend>>,
}

/// Why a caller gets no database.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoDatabase {
    /// Its link names none that could be.
    Invalid(InvalidName),
    /// Its link was taken away.
    Removed,
    /// No link of it ever arrived.
    Unknown,
}

impl Links {
    /// Adds a link, or replaces it. Returns the database nobody uses any more,
    /// to be closed.
    pub(crate) fn put(
        &mut self,
        caller: Caller,
        database: Result<DatabaseName, InvalidName>,
        open: impl FnOnce(&DatabaseName) -> Arc<dyn Backend>,
    ) -> Option<Arc<dyn Backend>> {
        self.removed.remove(&caller);
        if let Ok(name) = &database
            && !self.databases.contains_key(name)
        {
            self.databases.insert(name.clone(), open(name));
        }
        let before = self.database_of.insert(caller, database);
        self.unused(before)
    }

    /// Takes a link away. Returns the database nobody uses any more, to be
    /// closed.
    pub(crate) fn remove(&mut self, caller: Caller) -> Option<Arc<dyn Backend>> {
        let before = self.database_of.remove(&caller);
        self.removed.insert(caller);
        self.unused(before)
    }

    fn unused(
        &mut self,
        link: Option<Result<DatabaseName, InvalidName>>,
    ) -> Option<Arc<dyn Backend>> {
        let name = link?.ok()?;
        if self
            .database_of
            .values()
            .flatten()
            .any(|other| *other == name)
        {
            return None;
        }
        self.databases.remove(&name)
    }

    /// The database of a link.
    pub(crate) fn database(&self, caller: &Caller) -> Result<Arc<dyn Backend>, NoDatabase> {
        match self.database_of.get(caller) {
            Some(Ok(name)) => self.databases.get(name).cloned().ok_or(NoDatabase::Unknown),
            Some(Err(invalid)) => Err(NoDatabase::Invalid(invalid.clone())),
            None if self.removed.contains(caller) => Err(NoDatabase::Removed),
            None => Err(NoDatabase::Unknown),
        }
    }

    /// All databases with their names.
    pub(crate) fn databases(&self) -> impl Iterator<Item = (&DatabaseName, &Arc<dyn Backend>)> {
        self.databases.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::{Limits, Sqlite};

    fn caller(component: &str) -> Caller {
        Caller::new(component, "default")
    }

    fn put(links: &mut Links, component: &str, database: &str) -> bool {
        let open = |name: &DatabaseName| -> Arc<dyn Backend> {
            Arc::new(Sqlite::new(
                &name.file("unused".as_ref()),
                Limits::default(),
            ))
        };
        let closed = links.put(caller(component), DatabaseName::parse(database), open);
        closed.is_some()
    }

    #[test]
    fn a_database_is_shared_and_closed_with_its_last_link() {
        let mut links = Links::default();
        assert!(!put(&mut links, "a", "shop"));
        assert!(!put(&mut links, "b", "shop"));
        assert_eq!(links.databases().count(), 1);
        assert!(links.remove(caller("a")).is_none());
        assert!(links.remove(caller("b")).is_some());
        assert_eq!(links.databases().count(), 0);
    }

    #[test]
    fn a_link_put_again_may_name_another_database() {
        let mut links = Links::default();
        assert!(!put(&mut links, "a", "old"));
        assert!(put(&mut links, "a", "new"));
        assert!(!put(&mut links, "a", "new"));
    }

    #[test]
    fn a_caller_without_a_database_learns_why() {
        let mut links = Links::default();
        put(&mut links, "a", "shop");
        put(&mut links, "b", "../shop");
        links.remove(caller("a"));
        let why = |component| links.database(&caller(component)).err();
        assert_eq!(why("a"), Some(NoDatabase::Removed));
        assert!(matches!(why("b"), Some(NoDatabase::Invalid(_))));
        assert_eq!(why("c"), Some(NoDatabase::Unknown));
    }
}
