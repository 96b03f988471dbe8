use stoa_kit::Problem;
use stoa_services::{Full, InstanceName, Location, Registration};

use super::fake::Fake;
use super::*;

fn id() -> ServiceId {
    ServiceId::parse("tax").unwrap()
}

fn add(record: &mut ServiceRecord, instance: &str) -> Result<(), Full> {
    let registration = Registration {
        instance: InstanceName::parse(instance).unwrap(),
        location: Location::parse("https://tax.example").unwrap(),
        version: None,
        lease: None,
    };
    record.register(registration, 0)
}

fn json(instances: &[&str]) -> String {
    let mut record = ServiceRecord::new(id());
    for instance in instances {
        add(&mut record, instance).unwrap();
    }
    record.to_json().unwrap()
}

fn names(bucket: &Fake) -> Vec<String> {
    let record = read(bucket, &id()).unwrap().unwrap();
    record
        .live(0)
        .iter()
        .map(|i| i.instance.to_string())
        .collect()
}

#[test]
fn a_change_creates_the_record_and_then_changes_it() {
    let bucket = Fake::default();
    change(&bucket, &id(), |record| add(record, "a"))
        .unwrap()
        .unwrap();
    change(&bucket, &id(), |record| add(record, "b"))
        .unwrap()
        .unwrap();
    assert_eq!(names(&bucket), ["a", "b"]);
}

#[test]
fn a_conflict_keeps_both_writes() {
    let bucket = Fake::default();
    bucket.rival(&json(&["theirs", "more"]));
    bucket.rival(&json(&["theirs"]));
    change(&bucket, &id(), |record| add(record, "ours"))
        .unwrap()
        .unwrap();
    assert_eq!(names(&bucket), ["more", "ours", "theirs"]);
    assert_eq!(bucket.attempts(), 3);
}

#[test]
fn a_copy_that_lags_is_read_again_and_not_written_against() {
    let bucket = Fake::default();
    bucket.freeze("tax", 4);
    bucket.rival(&json(&["theirs"]));
    change(&bucket, &id(), |record| add(record, "ours"))
        .unwrap()
        .unwrap();
    assert_eq!(names(&bucket), ["ours", "theirs"]);
    assert_eq!(bucket.attempts(), 2);
}

#[test]
fn a_copy_that_never_catches_up_ends_in_unavailable() {
    let bucket = Fake::default();
    bucket.freeze("tax", usize::MAX);
    bucket.rival(&json(&["theirs"]));
    let error = change(&bucket, &id(), |record| add(record, "ours")).unwrap_err();
    assert_eq!(Problem::from(error).status(), 503);
    assert_eq!((bucket.reads(), bucket.attempts()), (TRIES, 1));
}

#[test]
fn writers_that_are_always_faster_end_in_unavailable() {
    let bucket = Fake::default();
    for _ in 0..TRIES {
        bucket.rival(&json(&["theirs"]));
    }
    let error = change(&bucket, &id(), |record| add(record, "ours")).unwrap_err();
    assert_eq!(Problem::from(error).code(), "unavailable");
    assert_eq!(bucket.attempts(), TRIES);
}

#[test]
fn an_edit_that_refuses_writes_nothing() {
    let bucket = Fake::default();
    let refused: Result<Result<(), _>, _> = change(&bucket, &id(), |_| Err("no"));
    assert_eq!(refused.unwrap(), Err("no"));
    assert_eq!(bucket.attempts(), 0);
}

#[test]
fn what_is_no_record_is_passed_over_and_replaced() {
    let bucket = Fake::default();
    bucket.store("session", "revoked");
    bucket.store("other", &json(&["a"]));
    bucket.store("tax", "{");
    assert!(read_all(&bucket).unwrap().is_empty());
    change(&bucket, &id(), |record| add(record, "a"))
        .unwrap()
        .unwrap();
    assert_eq!(read_all(&bucket).unwrap().len(), 1);
}
