//! A bucket in memory, with the troubles a real one has: other writers, a copy
//! that lags, an outage.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use stoa_kit::keyvalue::{Entry, Error};

use super::Bucket;

#[derive(Default)]
pub(crate) struct Fake {
    entries: RefCell<BTreeMap<String, Entry>>,
    revision: Cell<u64>,
    writes: Cell<usize>,
    attempts: Cell<usize>,
    reads: Cell<usize>,
    gone: Cell<bool>,
    /// What another writer puts just before each of our next writes.
    rivals: RefCell<Vec<String>>,
    /// What reads show, for how many more reads, instead of the entry.
    lag: RefCell<Option<(usize, Option<Entry>)>>,
}

impl Fake {
    /// Writes that were accepted from the code under test.
    pub(crate) fn writes(&self) -> usize {
        self.writes.get()
    }

    /// Writes that were tried by the code under test.
    pub(crate) fn attempts(&self) -> usize {
        self.attempts.get()
    }

    pub(crate) fn reads(&self) -> usize {
        self.reads.get()
    }

    pub(crate) fn go_away(&self) {
        self.gone.set(true);
    }

    /// Lets another writer put this value right before the next write; calls
    /// add up, the last one comes first.
    pub(crate) fn rival(&self, value: &str) {
        self.rivals.borrow_mut().push(value.to_owned());
    }

    /// Lets the next `reads` reads of any key show what it is now.
    pub(crate) fn freeze(&self, key: &str, reads: usize) {
        let now = self.entries.borrow().get(key).cloned();
        *self.lag.borrow_mut() = Some((reads, now));
    }

    /// Stores a value without any check.
    pub(crate) fn store(&self, key: &str, value: &str) {
        self.revision.set(self.revision.get() + 1);
        let entry = Entry {
            key: key.to_owned(),
            value: value.to_owned(),
            revision: self.revision.get(),
        };
        self.entries.borrow_mut().insert(key.to_owned(), entry);
    }

    fn answer(&self) -> Result<(), Error> {
        if self.gone.get() {
            return Err(Error::Unavailable("gone".to_owned()));
        }
        Ok(())
    }
}

impl Bucket for Fake {
    fn get(&self, key: &str) -> Result<Option<Entry>, Error> {
        self.answer()?;
        self.reads.set(self.reads.get() + 1);
        if let Some((left, entry)) = self.lag.borrow_mut().as_mut()
            && *left > 0
        {
            *left -= 1;
            return Ok(entry.clone());
        }
        Ok(self.entries.borrow().get(key).cloned())
    }

    fn list(&self) -> Result<Vec<Entry>, Error> {
        self.answer()?;
        Ok(self.entries.borrow().values().cloned().collect())
    }

    fn put(&self, key: &str, value: &str, expected: u64) -> Result<u64, Error> {
        self.answer()?;
        self.attempts.set(self.attempts.get() + 1);
        let rival = self.rivals.borrow_mut().pop();
        if let Some(rival) = rival {
            self.store(key, &rival);
        }
        let current = self
            .entries
            .borrow()
            .get(key)
            .map_or(0, |entry| entry.revision);
        if current != expected {
            return Err(Error::Conflict(current));
        }
        self.store(key, value);
        self.writes.set(self.writes.get() + 1);
        Ok(self.revision.get())
    }
}
