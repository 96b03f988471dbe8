//! The record: how it is stored, and what a reader asks it.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::{InstanceName, Location, ServiceId, Version};

/// Everything known of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRecord {
    /// The service's id, which is also the record's key.
    pub id: ServiceId,
    /// The instances, also those that have expired lately: they keep the
    /// sequence number that tells an old beat from a new one.
    pub instances: Vec<Instance>,
    /// Until then, beats are ignored: an operator deleted the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_until: Option<i64>,
}

/// One instance of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its name, unique among the service's instances.
    pub instance: InstanceName,
    /// Where it is.
    pub location: Location,
    /// Its version, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Its content digest, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The sequence number of its last beat; 0 when none came yet.
    pub sequence: u64,
    /// When it came.
    pub registered: i64,
    /// When it was last heard of: a beat or its registration.
    pub beat: i64,
    /// When it is gone; `None` for one that stays until it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// Who registered it.
    #[serde(default, skip_serializing_if = "Origin::is_beat")]
    pub origin: Origin,
}

/// Who registered an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The instance itself, by its beat.
    #[default]
    Beat,
    /// An operator, by `POST /services`.
    Operator,
}

impl Origin {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    fn is_beat(&self) -> bool {
        matches!(self, Self::Beat)
    }
}

impl Instance {
    /// Whether its lease holds.
    pub fn is_live(&self, now: i64) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }
}

impl ServiceRecord {
    /// The record of a service that nothing is known of.
    pub fn new(id: ServiceId) -> Self {
        Self {
            id,
            instances: Vec::new(),
            removed_until: None,
        }
    }

    /// Reads a stored record. Fields that this version does not know are
    /// passed over.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The record as it is stored.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// The live instances, the one last heard of first. Among instances heard
    /// of at the same time the name decides.
    pub fn live(&self, now: i64) -> Vec<&Instance> {
        let mut live: Vec<_> = self.instances.iter().filter(|i| i.is_live(now)).collect();
        live.sort_by_key(|instance| (Reverse(instance.beat), &instance.instance));
        live
    }

    /// Whether any instance is live.
    pub fn is_live(&self, now: i64) -> bool {
        self.instances.iter().any(|instance| instance.is_live(now))
    }

    /// Whether an operator's DELETE still holds.
    pub fn removed(&self, now: i64) -> bool {
        self.removed_until.is_some_and(|until| until > now)
    }

    /// Where to send a request, `None` when the service has no live instance.
    ///
    /// `turn` chooses among several: the same turn names the same instance as
    /// long as none comes or goes, and consecutive or random turns spread
    /// evenly.
    pub fn pick(&self, now: i64, turn: u64) -> Option<&Location> {
        let mut live = self.live(now);
        // By name, for the freshest changes with every beat.
        live.sort_by_key(|instance| &instance.instance);
        let index = turn.checked_rem(live.len() as u64)?;
        live.get(usize::try_from(index).ok()?)
            .map(|instance| &instance.location)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(name: &str, beat: i64, expires: Option<i64>) -> Instance {
        Instance {
            instance: InstanceName::parse(name).unwrap(),
            location: Location::parse(&format!("lattice://{name}/product")).unwrap(),
            version: None,
            digest: None,
            sequence: 1,
            registered: 0,
            beat,
            expires,
            origin: Origin::Beat,
        }
    }

    fn record(instances: Vec<Instance>) -> ServiceRecord {
        ServiceRecord {
            instances,
            ..ServiceRecord::new(ServiceId::parse("product").unwrap())
        }
    }

    #[test]
    fn the_freshest_live_instance_is_first() {
        let record = record(vec![
            instance("old", 10, Some(100)),
            instance("gone", 30, Some(50)),
            instance("new", 20, None),
        ]);
        let names = |now| -> Vec<_> {
            let live = record.live(now);
            live.iter()
                .map(|i| i.instance.as_str().to_owned())
                .collect()
        };
        assert_eq!(names(49), ["gone", "new", "old"]);
        assert_eq!(names(50), ["new", "old"]);
        assert_eq!(names(100), ["new"]);
    }

    #[test]
    fn turns_go_round_the_live_instances_whoever_beat_last() {
        let mut record = record(vec![
            instance("a", 10, Some(100)),
            instance("b", 20, Some(100)),
            instance("c", 30, Some(50)),
        ]);
        let picked = |record: &ServiceRecord, turn| record.pick(60, turn).unwrap().to_string();
        assert_eq!(picked(&record, 0), "lattice://a/product");
        assert_eq!(picked(&record, 1), "lattice://b/product");
        assert_eq!(picked(&record, 2), "lattice://a/product");
        assert_eq!(picked(&record, u64::MAX), "lattice://b/product");
        record.instances[0].beat = 40;
        assert_eq!(picked(&record, 0), "lattice://a/product");
        assert_eq!(record.pick(100, 0), None);
    }

    #[test]
    fn a_record_survives_storage_and_is_compact() {
        let mut record = record(vec![instance("default", 5, Some(15_005))]);
        let json = record.to_json().unwrap();
        assert_eq!(
            json,
            r#"{"id":"product","instances":[{"instance":"default","location":"lattice://default/product","sequence":1,"registered":0,"beat":5,"expires":15005}]}"#
        );
        record.instances[0].origin = Origin::Operator;
        record.removed_until = Some(9);
        assert_eq!(
            ServiceRecord::from_json(&record.to_json().unwrap()).unwrap(),
            record
        );
    }

    #[test]
    fn a_record_of_a_newer_writer_is_read() {
        let json = r#"{"id":"product","weight":2,"instances":[{"instance":"default",
            "location":"lattice://default/product","sequence":1,"registered":0,"beat":5,
            "health":"passing"}]}"#;
        assert!(ServiceRecord::from_json(json).unwrap().is_live(i64::MAX));
    }
}
