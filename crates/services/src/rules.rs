//! How a record changes: by a beat, an operator's registration, an operator's
//! removal. The crate's head says who may say what.

use crate::{Heartbeat, Instance, InstanceName, Location, Origin, ServiceRecord, Version};

/// More instances than these are not kept.
const MAX_INSTANCES: usize = 32;

/// How long an expired instance keeps its sequence number: longer than any
/// message is on its way.
const MEMORY_MS: i64 = 24 * 60 * 60 * 1_000;

/// How long a removal holds when no removed instance has a lease to go by.
const DEFAULT_REMOVAL_MS: i64 = 15_000;

/// Sequence numbers are wall-clock milliseconds. One further ahead than this
/// is a mistake or an attack: stored, it would silence all beats until then.
const MAX_SKEW_MS: i64 = 60 * 60 * 1_000;

/// Why a well-formed beat changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// Not newer than the last beat of this instance.
    #[error("it is not newer than the last one")]
    Old,
    /// The sequence number is too far ahead of the clock.
    #[error("its sequence number is from the future")]
    Future,
    /// An operator has just deleted the service.
    #[error("the service was deleted a moment ago")]
    Removed,
    /// An operator registered the instance, and this beat would move it or
    /// take it away.
    #[error("an operator registered the instance, and the beat says otherwise")]
    Pinned,
    /// Only an operator may register this location.
    #[error("only an operator may register a location other than the service's own component")]
    ForeignLocation,
    /// A goodbye of an instance that is not known.
    #[error("the instance that says goodbye is not known")]
    Unknown,
    /// There are as many live instances as a record may have.
    #[error("the service has too many instances")]
    Full,
}

/// There are as many live instances as a record may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the service has {MAX_INSTANCES} live instances, and more are not kept")]
pub struct Full;

/// What an operator says about an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The instance's name.
    pub instance: InstanceName,
    /// Where it is.
    pub location: Location,
    /// Its version, where it is known.
    pub version: Option<Version>,
    /// How long it stays, in milliseconds; `None`: until it is deleted.
    pub lease: Option<i64>,
}

impl ServiceRecord {
    /// Takes in a beat. It renews its instance, registers one that is unknown
    /// or expired, and with a lease of 0 ends it at once.
    pub fn apply_beat(&mut self, beat: &Heartbeat, now: i64) -> Result<(), Ignored> {
        if i64::try_from(beat.sequence).unwrap_or(i64::MAX) > now.saturating_add(MAX_SKEW_MS) {
            return Err(Ignored::Future);
        }
        if self.removed(now) {
            return Err(Ignored::Removed);
        }
        self.forget(now);
        let own = beat.location.is_component(self.id.as_str());
        match self.position(&beat.instance) {
            Some(at) => {
                let instance = &mut self.instances[at];
                if beat.sequence <= instance.sequence {
                    return Err(Ignored::Old);
                }
                if instance.origin == Origin::Operator && instance.is_live(now) {
                    return instance.renew_pinned(beat, now);
                }
                if !own {
                    return Err(Ignored::ForeignLocation);
                }
                instance.renew(beat, now);
                Ok(())
            }
            None if !own => Err(Ignored::ForeignLocation),
            None => {
                let lease = beat.lease.ok_or(Ignored::Unknown)?;
                self.make_room(now).map_err(|Full| Ignored::Full)?;
                self.instances.push(Instance {
                    instance: beat.instance.clone(),
                    location: beat.location.clone(),
                    version: beat.version.clone(),
                    digest: beat.digest.clone(),
                    sequence: beat.sequence,
                    registered: now,
                    beat: now,
                    expires: Some(now.saturating_add(lease)),
                    origin: Origin::Beat,
                });
                Ok(())
            }
        }
    }

    /// Stores or overwrites an instance as an operator says, and lifts an
    /// earlier removal.
    pub fn register(&mut self, registration: Registration, now: i64) -> Result<(), Full> {
        self.forget(now);
        let known = self.position(&registration.instance);
        // A beat that was sent before stays old news.
        let sequence = known.map_or(0, |at| self.instances.swap_remove(at).sequence);
        self.make_room(now)?;
        self.removed_until = None;
        self.instances.push(Instance {
            instance: registration.instance,
            location: registration.location,
            version: registration.version,
            digest: None,
            sequence,
            registered: now,
            beat: now,
            expires: registration.lease.map(|lease| now.saturating_add(lease)),
            origin: Origin::Operator,
        });
        Ok(())
    }

    /// Ends all instances, and keeps beats from bringing them back for as
    /// long as the longest lease among those that beat. `false`, and no
    /// change, when none was live.
    pub fn remove(&mut self, now: i64) -> bool {
        if !self.is_live(now) {
            return false;
        }
        self.forget(now);
        let mut longest = None;
        for instance in self.instances.iter_mut().filter(|i| i.is_live(now)) {
            let lease = instance.expires.map(|expires| expires - instance.beat);
            if instance.origin == Origin::Beat {
                longest = longest.max(lease);
            }
            instance.expires = Some(now);
        }
        self.removed_until = Some(now.saturating_add(longest.unwrap_or(DEFAULT_REMOVAL_MS)));
        true
    }

    fn position(&self, instance: &InstanceName) -> Option<usize> {
        self.instances
            .iter()
            .position(|known| known.instance == *instance)
    }

    /// Drops what no longer matters.
    fn forget(&mut self, now: i64) {
        self.instances
            .retain(|instance| instance.is_live(now.saturating_sub(MEMORY_MS)));
        if !self.removed(now) {
            self.removed_until = None;
        }
    }

    /// Makes room for one more instance by dropping those expired longest ago.
    fn make_room(&mut self, now: i64) -> Result<(), Full> {
        while self.instances.len() >= MAX_INSTANCES {
            let (at, _) = self
                .instances
                .iter()
                .enumerate()
                .filter(|(_, instance)| !instance.is_live(now))
                .min_by_key(|(_, instance)| instance.expires)
                .ok_or(Full)?;
            self.instances.swap_remove(at);
        }
        Ok(())
    }
}

impl Instance {
    /// Takes in a newer beat of an instance that beats by itself.
    fn renew(&mut self, beat: &Heartbeat, now: i64) {
        self.sequence = beat.sequence;
        let Some(lease) = beat.lease else {
            self.expires = self.expires.map(|expires| expires.min(now));
            return;
        };
        if !self.is_live(now) {
            self.registered = now;
            self.origin = Origin::Beat;
        }
        self.location = beat.location.clone();
        self.version.clone_from(&beat.version);
        self.digest.clone_from(&beat.digest);
        self.beat = now;
        self.expires = Some(now.saturating_add(lease));
    }

    /// Takes in a newer beat of an instance that an operator registered: it
    /// can prolong the operator's lease, and no more.
    fn renew_pinned(&mut self, beat: &Heartbeat, now: i64) -> Result<(), Ignored> {
        let lease = beat.lease.ok_or(Ignored::Pinned)?;
        if beat.location != self.location {
            return Err(Ignored::Pinned);
        }
        self.sequence = beat.sequence;
        if beat.version.is_some() {
            self.version.clone_from(&beat.version);
        }
        self.digest.clone_from(&beat.digest);
        self.beat = now;
        self.expires = self
            .expires
            .map(|expires| expires.max(now.saturating_add(lease)));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
