use super::*;
use crate::ServiceId;

const NOW: i64 = 1_772_366_400_000;
const LEASE: i64 = 15_000;

fn record() -> ServiceRecord {
    ServiceRecord::new(ServiceId::parse("product").unwrap())
}

/// A beat sent at `sent` milliseconds after [`NOW`].
fn beat(sent: i64) -> Heartbeat {
    Heartbeat {
        service: ServiceId::parse("product").unwrap(),
        instance: InstanceName::default(),
        location: Location::parse("lattice://default/product").unwrap(),
        version: Version::parse("1.0.0"),
        digest: Some("sha256:00".to_owned()),
        sequence: u64::try_from(NOW + sent).unwrap(),
        lease: Some(LEASE),
    }
}

fn of(instance: &str, sent: i64) -> Heartbeat {
    Heartbeat {
        instance: InstanceName::parse(instance).unwrap(),
        ..beat(sent)
    }
}

fn at(url: &str, sent: i64) -> Heartbeat {
    Heartbeat {
        location: Location::parse(url).unwrap(),
        ..beat(sent)
    }
}

fn goodbye(sent: i64) -> Heartbeat {
    Heartbeat {
        lease: None,
        ..beat(sent)
    }
}

fn registration(url: &str, lease: Option<i64>) -> Registration {
    Registration {
        instance: InstanceName::default(),
        location: Location::parse(url).unwrap(),
        version: None,
        lease,
    }
}

fn url(record: &ServiceRecord, now: i64) -> Option<String> {
    record.pick(now, 0).map(ToString::to_string)
}

#[test]
fn a_first_beat_registers_and_three_missed_ones_expire() {
    let mut record = record();
    record.apply_beat(&beat(0), NOW).unwrap();
    assert!(record.is_live(NOW + LEASE - 1));
    assert!(!record.is_live(NOW + LEASE));
    let instance = &record.instances[0];
    assert_eq!((instance.registered, instance.beat), (NOW, NOW));
    assert_eq!(instance.origin, Origin::Beat);
}

#[test]
fn a_beat_renews_the_lease_and_brings_the_version() {
    let mut record = record();
    record.apply_beat(&beat(0), NOW).unwrap();
    let newer = Heartbeat {
        version: Version::parse("1.1.0"),
        ..beat(5_000)
    };
    record.apply_beat(&newer, NOW + 5_000).unwrap();
    let instance = &record.instances[0];
    assert_eq!(record.instances.len(), 1);
    assert_eq!((instance.registered, instance.beat), (NOW, NOW + 5_000));
    assert_eq!(instance.expires, Some(NOW + 5_000 + LEASE));
    assert_eq!(instance.version, Version::parse("1.1.0"));
}

#[test]
fn an_older_beat_never_overwrites_a_newer_one() {
    let mut record = record();
    record.apply_beat(&beat(10), NOW).unwrap();
    let before = record.clone();
    for sent in [10, 9, -10_000] {
        assert_eq!(record.apply_beat(&beat(sent), NOW + 1), Err(Ignored::Old));
    }
    assert_eq!(record, before);
}

#[test]
fn an_old_beat_does_not_bring_back_an_expired_instance_and_a_new_one_does() {
    let mut record = record();
    record.apply_beat(&beat(10), NOW).unwrap();
    let later = NOW + LEASE + 1;
    assert_eq!(record.apply_beat(&beat(5), later), Err(Ignored::Old));
    assert!(!record.is_live(later));
    record.apply_beat(&beat(LEASE), later).unwrap();
    assert!(record.is_live(later));
    assert_eq!(record.instances[0].registered, later);
}

#[test]
fn a_goodbye_ends_the_instance_at_once_and_for_older_beats() {
    let mut record = record();
    record.apply_beat(&beat(0), NOW).unwrap();
    record.apply_beat(&goodbye(10), NOW + 10).unwrap();
    assert!(!record.is_live(NOW + 10));
    assert_eq!(record.apply_beat(&beat(9), NOW + 11), Err(Ignored::Old));
    record.apply_beat(&beat(20), NOW + 20).unwrap();
    assert!(record.is_live(NOW + 20));
}

#[test]
fn a_goodbye_of_an_expired_instance_does_not_prolong_it() {
    let mut record = record();
    record.apply_beat(&beat(0), NOW).unwrap();
    record.apply_beat(&goodbye(1), NOW + 2 * LEASE).unwrap();
    assert_eq!(record.instances[0].expires, Some(NOW + LEASE));
    assert_eq!(
        self::record().apply_beat(&goodbye(0), NOW),
        Err(Ignored::Unknown)
    );
}

#[test]
fn a_sequence_number_from_the_future_cannot_silence_the_service() {
    let mut record = record();
    for sequence in [u64::MAX, u64::try_from(NOW + MAX_SKEW_MS + 1).unwrap()] {
        let odd = Heartbeat {
            sequence,
            ..beat(0)
        };
        assert_eq!(record.apply_beat(&odd, NOW), Err(Ignored::Future));
    }
    record.apply_beat(&beat(0), NOW).unwrap();
}

#[test]
fn a_beat_cannot_move_a_service_off_its_own_component() {
    for url in ["http://evil.example", "lattice://default/other"] {
        let mut record = record();
        assert_eq!(
            record.apply_beat(&at(url, 0), NOW),
            Err(Ignored::ForeignLocation)
        );
        record.apply_beat(&beat(1), NOW).unwrap();
        assert_eq!(
            record.apply_beat(&at(url, 2), NOW),
            Err(Ignored::ForeignLocation)
        );
        assert_eq!(
            self::url(&record, NOW).unwrap(),
            "lattice://default/product"
        );
    }
}

#[test]
fn an_operators_registration_stays_until_it_is_deleted() {
    let mut record = record();
    record
        .register(registration("https://tax.example", None), NOW)
        .unwrap();
    assert_eq!(url(&record, i64::MAX - 1).unwrap(), "https://tax.example");
    assert!(record.remove(NOW + 1));
    assert!(!record.is_live(NOW + 1));
}

#[test]
fn beats_renew_what_an_operator_registered_only_at_the_same_location() {
    let mut record = record();
    record
        .register(registration("https://tax.example", Some(LEASE)), NOW)
        .unwrap();
    assert_eq!(record.apply_beat(&beat(1), NOW + 1), Err(Ignored::Pinned));
    assert_eq!(
        record.apply_beat(&goodbye(1), NOW + 1),
        Err(Ignored::Pinned)
    );
    record
        .apply_beat(&at("https://tax.example", 2), NOW + 2)
        .unwrap();
    assert_eq!(record.instances[0].expires, Some(NOW + 2 + LEASE));
    assert_eq!(record.instances[0].origin, Origin::Operator);

    let later = NOW + 2 + LEASE;
    let outside = at("https://tax.example", LEASE);
    assert_eq!(
        record.apply_beat(&outside, later),
        Err(Ignored::ForeignLocation)
    );
    record.apply_beat(&beat(LEASE), later).unwrap();
    assert_eq!(url(&record, later).unwrap(), "lattice://default/product");
    assert_eq!(record.instances[0].origin, Origin::Beat);
}

#[test]
fn a_beat_never_shortens_an_operators_lease() {
    let mut record = record();
    let own = "lattice://default/product";
    record
        .register(registration(own, Some(86_400_000)), NOW)
        .unwrap();
    record.apply_beat(&beat(1), NOW + 1).unwrap();
    assert_eq!(record.instances[0].expires, Some(NOW + 86_400_000));
    record.register(registration(own, None), NOW + 2).unwrap();
    record.apply_beat(&beat(3), NOW + 3).unwrap();
    assert_eq!(record.instances[0].expires, None);
}

#[test]
fn overwriting_an_instance_keeps_old_beats_old() {
    let mut record = record();
    record.apply_beat(&beat(10), NOW).unwrap();
    record
        .register(registration("lattice://default/product", None), NOW + 11)
        .unwrap();
    assert_eq!(record.instances.len(), 1);
    assert_eq!(record.apply_beat(&beat(9), NOW + 12), Err(Ignored::Old));
}

#[test]
fn a_removal_holds_for_one_lease() {
    let mut record = record();
    record.apply_beat(&beat(0), NOW).unwrap();
    let longer = Heartbeat {
        lease: Some(2 * LEASE),
        ..of("other", 0)
    };
    record.apply_beat(&longer, NOW).unwrap();
    assert!(record.remove(NOW + 1));
    assert!(!record.is_live(NOW + 1));
    let end = NOW + 1 + 2 * LEASE;
    assert!(record.removed(end - 1));
    assert_eq!(record.apply_beat(&beat(2), end - 1), Err(Ignored::Removed));
    record.apply_beat(&beat(2 * LEASE), end).unwrap();
    assert!(record.is_live(end));
    assert_eq!(record.removed_until, None);
}

#[test]
fn an_operators_long_lease_does_not_make_a_long_removal() {
    let mut record = record();
    record
        .register(registration("https://tax.example", Some(86_400_000)), NOW)
        .unwrap();
    assert!(record.remove(NOW));
    assert_eq!(record.removed_until, Some(NOW + DEFAULT_REMOVAL_MS));
}

#[test]
fn what_is_not_live_cannot_be_removed() {
    let mut record = record();
    assert!(!record.remove(NOW));
    record.apply_beat(&beat(0), NOW).unwrap();
    assert!(record.remove(NOW + 1));
    let before = record.clone();
    assert!(!record.remove(NOW + 2));
    assert_eq!(record, before);
}

#[test]
fn a_registration_lifts_a_removal() {
    let mut record = record();
    record.apply_beat(&beat(0), NOW).unwrap();
    record.remove(NOW + 1);
    record
        .register(registration("lattice://default/product", None), NOW + 2)
        .unwrap();
    assert!(!record.removed(NOW + 2));
    record.apply_beat(&of("other", 3), NOW + 3).unwrap();
    assert_eq!(record.live(NOW + 3).len(), 2);
}

#[test]
fn expired_instances_are_forgotten_after_a_day() {
    let mut record = record();
    record.apply_beat(&of("old", 0), NOW).unwrap();
    let expired = NOW + LEASE;
    let end = expired + MEMORY_MS;
    record.apply_beat(&beat(1), end - 1).unwrap();
    assert_eq!(record.instances.len(), 2);
    record.apply_beat(&beat(MEMORY_MS), end).unwrap();
    assert_eq!(record.instances.len(), 1);
}

#[test]
fn the_instance_expired_longest_ago_makes_room_and_a_live_one_never_does() {
    let mut record = record();
    for number in 0..MAX_INSTANCES {
        let lease = if number == 7 { 1_000 } else { LEASE };
        let beat = Heartbeat {
            lease: Some(lease),
            ..of(&format!("i{number}"), 0)
        };
        record.apply_beat(&beat, NOW).unwrap();
    }
    assert_eq!(record.apply_beat(&beat(1), NOW + 1), Err(Ignored::Full));
    let elsewhere = registration("https://tax.example", None);
    assert_eq!(record.clone().register(elsewhere, NOW + 1), Err(Full));
    record.apply_beat(&beat(1_000), NOW + 1_000).unwrap();
    assert_eq!(record.instances.len(), MAX_INSTANCES);
    assert!(record.instances.iter().all(|i| i.instance.as_str() != "i7"));
}
