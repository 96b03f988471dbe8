//! The local copy of a bucket: what reads are served from.
//!
//! Two sources feed it, in no order relative to each other: the watch, which
//! is complete, and our own writes, which are there at once. Revisions decide
//! between them. Deletes are kept as records without a value, as the broker
//! keeps them, so that an older write that arrives late stays dead.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::backend::Record;
use crate::key::Key;

/// Keys and their last records, ordered by key.
#[derive(Default)]
pub struct LocalCopy {
    slots: BTreeMap<String, Slot>,
    ttl: Option<Duration>,
    /// Counts the snapshots. What a snapshot did not confirm is swept at its
    /// end: it expired or was purged while nobody watched.
    snapshot: u64,
}

struct Slot {
    record: Record,
    snapshot: u64,
    /// When the record was taken in, and how old it was then.
    taken: Instant,
    age: Duration,
}

impl LocalCopy {
    /// How long the bucket keeps an entry.
    pub fn set_ttl(&mut self, ttl: Option<Duration>) {
        self.ttl = ttl;
    }

    /// How long the bucket keeps an entry, once it was opened.
    pub fn ttl(&self) -> Option<Duration> {
        self.ttl
    }

    /// To be called before the broker is asked for a snapshot: what is
    /// written from here on survives its end. Until then the old records go
    /// on answering.
    pub fn begin_snapshot(&mut self) {
        self.snapshot += 1;
    }

    /// All of the snapshot is here.
    pub fn end_snapshot(&mut self) {
        let snapshot = self.snapshot;
        self.slots.retain(|_, slot| slot.snapshot == snapshot);
    }

    /// Takes what the watch has seen. It overrules anything from before the
    /// snapshot, so that a bucket that was made anew, and counts from 1
    /// again, is believed.
    pub fn watched(&mut self, key: String, record: Record, age: Duration) {
        let newer = self.slots.get(&key).is_none_or(|slot| {
            slot.snapshot < self.snapshot || slot.record.revision < record.revision
        });
        if newer {
            self.set(key, record, age);
        }
    }

    /// The number of the current snapshot, for [`LocalCopy::written`].
    pub fn snapshot(&self) -> u64 {
        self.snapshot
    }

    /// Takes a write of our own, which was acknowledged just now and sent
    /// while `snapshot` was the current one. It overrules anything from
    /// before that, as [`LocalCopy::watched`] does and for the same reason.
    pub fn written(&mut self, key: &Key, record: Record, snapshot: u64) {
        let newer = self
            .slots
            .get(key.as_str())
            .is_none_or(|slot| slot.snapshot < snapshot || slot.record.revision < record.revision);
        if newer {
            self.set(key.as_str().to_owned(), record, Duration::ZERO);
        }
    }

    fn set(&mut self, key: String, record: Record, age: Duration) {
        let slot = Slot {
            record,
            snapshot: self.snapshot,
            taken: Instant::now(),
            age,
        };
        self.slots.insert(key, slot);
    }

    /// The last record of a key, be it a delete.
    pub fn record(&self, key: &Key) -> Option<&Record> {
        let slot = self.slots.get(key.as_str())?;
        slot.lives(self.ttl).then_some(&slot.record)
    }

    /// Key, value and revision of all that has a value, ordered by key.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Bytes, u64)> {
        self.slots
            .iter()
            .filter(|(_, slot)| slot.lives(self.ttl))
            .filter_map(|(key, Slot { record, .. })| {
                let value = record.value.as_ref()?;
                Some((key.as_str(), value, record.revision))
            })
    }

    /// Gives the memory of expired records back. Reads do not see them, swept
    /// or not: the broker does not tell when it removes them.
    pub fn sweep_expired(&mut self) {
        let ttl = self.ttl;
        self.slots.retain(|_, slot| slot.lives(ttl));
    }
}

impl Slot {
    fn lives(&self, ttl: Option<Duration>) -> bool {
        ttl.is_none_or(|ttl| self.age + self.taken.elapsed() < ttl)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Duration = Duration::ZERO;

    fn key(key: &str) -> Key {
        Key::parse(key.to_owned()).unwrap()
    }

    fn put(value: &'static str, revision: u64) -> Record {
        let value = Some(Bytes::from_static(value.as_bytes()));
        Record { value, revision }
    }

    fn delete(revision: u64) -> Record {
        let value = None;
        Record { value, revision }
    }

    fn keys(copy: &LocalCopy) -> Vec<&str> {
        copy.entries().map(|(key, _, _)| key).collect()
    }

    #[test]
    fn an_older_revision_never_overwrites_a_newer_one() {
        let mut copy = LocalCopy::default();
        copy.written(&key("k"), put("new", 2), copy.snapshot());
        copy.watched("k".to_owned(), put("old", 1), NEW);
        assert_eq!(copy.record(&key("k")), Some(&put("new", 2)));
        copy.watched("k".to_owned(), put("newer", 3), NEW);
        copy.written(&key("k"), put("new", 2), copy.snapshot());
        assert_eq!(copy.record(&key("k")), Some(&put("newer", 3)));
    }

    #[test]
    fn a_deleted_key_is_not_raised_by_a_late_write() {
        let mut copy = LocalCopy::default();
        copy.written(&key("k"), delete(2), copy.snapshot());
        copy.watched("k".to_owned(), put("late", 1), NEW);
        assert!(keys(&copy).is_empty());
    }

    #[test]
    fn a_snapshot_sweeps_what_it_does_not_confirm() {
        let mut copy = LocalCopy::default();
        copy.watched("gone".to_owned(), put("v", 1), NEW);
        copy.watched("stays".to_owned(), put("v", 2), NEW);
        copy.begin_snapshot();
        copy.watched("stays".to_owned(), put("v", 2), NEW);
        copy.written(&key("ours"), put("v", 3), copy.snapshot());
        assert_eq!(keys(&copy), ["gone", "ours", "stays"]);
        copy.end_snapshot();
        assert_eq!(keys(&copy), ["ours", "stays"]);
    }

    #[test]
    fn a_bucket_made_anew_is_believed_though_it_counts_from_one() {
        let mut copy = LocalCopy::default();
        copy.watched("k".to_owned(), put("old", 90), NEW);
        copy.begin_snapshot();
        copy.watched("k".to_owned(), put("new", 1), NEW);
        copy.end_snapshot();
        assert_eq!(copy.record(&key("k")), Some(&put("new", 1)));
    }

    #[test]
    fn the_first_write_into_a_bucket_made_anew_is_read_at_once() {
        let mut copy = LocalCopy::default();
        copy.watched("k".to_owned(), put("old", 90), NEW);
        let before = copy.snapshot();
        copy.begin_snapshot();
        copy.written(&key("k"), put("late", 89), before);
        assert_eq!(copy.record(&key("k")), Some(&put("old", 90)));
        copy.written(&key("k"), put("new", 1), copy.snapshot());
        assert_eq!(copy.record(&key("k")), Some(&put("new", 1)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_expires_by_the_time_it_was_written() {
        let mut copy = LocalCopy::default();
        copy.set_ttl(Some(Duration::from_secs(15)));
        copy.watched("old".to_owned(), put("v", 1), Duration::from_secs(10));
        copy.watched("older".to_owned(), put("v", 2), Duration::from_mins(1));
        copy.written(&key("new"), put("v", 3), copy.snapshot());
        assert_eq!(keys(&copy), ["new", "old"]);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(keys(&copy), ["new"]);
        assert_eq!(copy.record(&key("old")), None);
        copy.sweep_expired();
        assert_eq!(copy.slots.len(), 1);
    }
}
