//! The keys that sign access tokens.
//!
//! They are made here and never leave the database; their public halves are in
//! key-value, for the gateway. A record there holds for a while and is renewed
//! long before it ends, so a key that is not renewed any more goes by itself
//! when its last token has ended.

use stoa_kit::{Problem, Timestamp, keyvalue, log};
use stoa_tokens::{KeyRecord, SigningKey};

use crate::peers::records;
use crate::queries::keys as queries;
use crate::secret::{Secret, random};

/// Keys in the bucket begin with this.
const PREFIX: &str = "key/";
/// How long gateways have to hear of a new key before it signs, in
/// milliseconds.
const NOTICE: i64 = 10_000;
/// For how long a key is said to sign, in milliseconds, unless it is known.
const AHEAD: i64 = 10 * 60 * 1_000;
/// What is said must hold for so long yet, or it is said anew.
const MARGIN: i64 = 5 * 60 * 1_000;

/// What signs access tokens, and what other tokens are made with.
pub(crate) struct Signer {
    pub(crate) key: SigningKey,
    pub(crate) secret: Secret,
}

/// A key and its time.
pub(crate) struct Key {
    pub(crate) pair: SigningKey,
    pub(crate) signs_from: Timestamp,
    pub(crate) signs_until: Option<Timestamp>,
}

impl Key {
    fn record(&self, signs_until: Timestamp) -> KeyRecord {
        KeyRecord::new(self.pair.verifying_key().clone(), signs_until)
    }

    /// Until when this key's record has to hold at least, and the record to be
    /// published if it does not. `None` for a key that verifies nothing more.
    fn wanted(&self, now: Timestamp) -> Option<(i64, KeyRecord)> {
        let Some(until) = self.signs_until else {
            let least = self.record(now.plus(MARGIN)).until;
            return Some((least, self.record(now.plus(AHEAD))));
        };
        let record = self.record(until);
        record.verifies_at(now).then_some((record.until, record))
    }
}

/// What signs at this time. The first time, it is made and published.
///
/// Errors: `unavailable` (503) when it cannot be.
pub(crate) fn signer(now: Timestamp) -> Result<Signer, Problem> {
    if let Some(signer) = queries::signer(now)? {
        return Ok(signer);
    }
    // Published first: once it is stored it signs, and nobody waits. One that is
    // not stored in the end, because another was faster, is soon forgotten.
    let first = Key {
        pair: new_key()?,
        signs_from: now,
        signs_until: None,
    };
    put(&first.record(now.plus(AHEAD)))?;
    queries::found(&first.pair, &Secret::new()?)?;
    queries::signer(now)?.ok_or_else(|| Problem::internal("there is no signing key"))
}

/// Makes a key that takes over soon.
pub(crate) fn rotate(now: Timestamp) -> Result<(), Problem> {
    signer(now)?;
    queries::rotate(&new_key()?, now.plus(NOTICE))?;
    publish(now)
}

/// All keys, the newest first.
pub(crate) fn list() -> Result<Vec<Key>, Problem> {
    queries::list()
}

/// Puts into key-value what is not there, or not for long enough.
pub(crate) fn publish(now: Timestamp) -> Result<(), Problem> {
    let published = records::list(PREFIX)?;
    for key in queries::list()? {
        let Some((least, record)) = key.wanted(now) else {
            continue;
        };
        let name = name(&record);
        let entry = published.iter().find(|entry| entry.key == name);
        if !entry.is_some_and(|entry| holds(entry, &record, least)) {
            put(&record)?;
        }
    }
    Ok(())
}

fn put(record: &KeyRecord) -> Result<(), Problem> {
    let json = record
        .to_json()
        .map_err(|error| Problem::internal(format!("a key's record: {error}")))?;
    let name = name(record);
    records::put(&name, &json)?;
    log::info("keys", &format!("published {name}"));
    Ok(())
}

fn name(record: &KeyRecord) -> String {
    format!("{PREFIX}{}", record.key.kid())
}

/// Whether what is published is this record, and holds for long enough. What
/// holds for longer is no good either: the key has been replaced since.
fn holds(entry: &keyvalue::Entry, wanted: &KeyRecord, least: i64) -> bool {
    KeyRecord::from_json(&entry.value).is_ok_and(|published| {
        published.key == wanted.key && (least..=wanted.until).contains(&published.until)
    })
}

fn new_key() -> Result<SigningKey, Problem> {
    Ok(SigningKey::from_seed(&*random()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    const NOW: Timestamp = Timestamp(1_772_366_400_000);
    const MINUTE: i64 = 60_000;

    /// What is published: key and until when.
    fn published() -> Vec<(String, i64)> {
        let entries = records::list(PREFIX).unwrap().into_iter();
        let mut published: Vec<_> = entries
            .map(|entry| {
                (
                    entry.key,
                    KeyRecord::from_json(&entry.value).unwrap().until - NOW.0,
                )
            })
            .collect();
        published.sort_by_key(|(_, until)| *until);
        published
    }

    fn kid(signer: &Signer) -> String {
        format!("{PREFIX}{}", signer.key.verifying_key().kid())
    }

    #[test]
    fn the_first_key_is_published_before_it_signs() {
        fixtures::open();
        fixtures::records_fail(true);
        assert!(signer(NOW).is_err());
        assert!(
            signer(NOW).is_err(),
            "and does not sign the second time either"
        );
        fixtures::records_fail(false);
        let signer = signer(NOW).unwrap();
        assert_eq!(published(), [(kid(&signer), AHEAD + 610_000)]);
    }

    #[test]
    fn there_is_one_first_key_however_many_want_it() {
        fixtures::open();
        let first = kid(&signer(NOW).unwrap());
        queries::found(&new_key().unwrap(), &Secret::new().unwrap()).unwrap();
        assert_eq!(kid(&signer(NOW).unwrap()), first);
    }

    #[test]
    fn a_key_in_force_is_published_anew_long_before_its_record_ends() {
        fixtures::open();
        signer(NOW).unwrap();
        let at = |minutes: i64| {
            publish(NOW.plus(minutes * MINUTE)).unwrap();
            published()[0].1
        };
        assert_eq!(at(4), AHEAD + 610_000);
        assert_eq!(at(5), AHEAD + 610_000);
        assert_eq!(at(6), 6 * MINUTE + AHEAD + 610_000);
    }

    #[test]
    fn a_new_key_signs_when_it_is_known_and_the_old_one_verifies_until_its_tokens_end() {
        fixtures::open();
        let old = kid(&signer(NOW).unwrap());
        rotate(NOW).unwrap();
        assert_eq!(kid(&signer(NOW.plus(NOTICE - 1)).unwrap()), old);
        let new = kid(&signer(NOW.plus(NOTICE)).unwrap());
        assert_ne!(new, old);
        let ends = NOTICE + 610_000;
        assert_eq!(published(), [(old.clone(), ends), (new, AHEAD + 610_000)]);
        // The old one is not renewed, not even where it has been lost.
        publish(NOW.plus(9 * MINUTE)).unwrap();
        assert_eq!(published()[0], (old.clone(), ends));
        fixtures::records_vanish();
        publish(NOW.plus(9 * MINUTE)).unwrap();
        assert_eq!(published()[0], (old, ends));
        fixtures::records_vanish();
        publish(NOW.plus(ends)).unwrap();
        assert_eq!(published().len(), 1);
    }

    #[test]
    fn keys_may_be_rotated_faster_than_they_take_over() {
        fixtures::open();
        signer(NOW).unwrap();
        rotate(NOW).unwrap();
        rotate(NOW.plus(1)).unwrap();
        assert_eq!(published().len(), 3);
        assert_eq!(list().unwrap().len(), 3);
        signer(NOW.plus(NOTICE + 1)).unwrap();
    }
}
