//! Where a service is, by the record that [`lookup`](crate::lookup) found.
//!
//! The bucket is the registry's. Its records are at most one broker round trip
//! old, so a service that was deleted or missed its beats answers 503 at once.

use stoa_kit::{Problem, Timestamp, keyvalue};
use stoa_services::{Location, ServiceRecord};

/// The records of services, in the order asked for, `None` for one that was
/// never registered.
///
/// Errors: `unavailable` (503), `internal` (500) for a record that cannot be
/// read.
pub fn find_all(services: &[&str]) -> Result<Vec<Option<ServiceRecord>>, Problem> {
    let keys: Vec<_> = services.iter().map(|&service| service.to_owned()).collect();
    let entries = keyvalue::get_many(&keys)?;
    entries
        .into_iter()
        .map(|entry| entry.as_ref().map(read).transpose())
        .collect()
}

fn read(entry: &keyvalue::Entry) -> Result<ServiceRecord, Problem> {
    ServiceRecord::from_json(&entry.value)
        .map_err(|error| Problem::internal(format!("record of {}: {error}", entry.key)))
}

/// One of a service's live instances, by lot.
///
/// Errors: `unavailable` (503) when there is none, `internal` (500) for a
/// record that cannot be read.
pub fn locate(entry: Option<&keyvalue::Entry>) -> Result<Location, Problem> {
    let record = entry.map(read).transpose()?;
    let turn = wasi::random::random::get_random_u64();
    pick(record, Timestamp::now(), turn)
}

fn pick(
    record: Option<ServiceRecord>,
    Timestamp(now): Timestamp,
    turn: u64,
) -> Result<Location, Problem> {
    record
        .as_ref()
        .and_then(|record| record.pick(now, turn))
        .cloned()
        .ok_or_else(|| {
            Problem::unavailable(
                "The service is not there right now. Try again.",
                record.map_or("no record".to_owned(), |r| {
                    format!("{} has no live instance", r.id)
                }),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"id":"product","instances":[{"instance":"default",
        "location":"lattice://default/product","sequence":1,"registered":0,"beat":0,
        "expires":15000}]}"#;

    fn entry(value: &str) -> keyvalue::Entry {
        keyvalue::Entry {
            key: "product".into(),
            value: value.into(),
            revision: 1,
        }
    }

    #[test]
    fn a_live_instance_is_where_the_service_is() {
        let record = read(&entry(RECORD)).unwrap();
        let location = pick(Some(record), Timestamp(14_999), 7).unwrap();
        assert_eq!(location.to_string(), "lattice://default/product");
    }

    #[test]
    fn without_a_live_instance_the_client_is_told_to_come_back() {
        for record in [None, Some(read(&entry(RECORD)).unwrap())] {
            let problem = pick(record, Timestamp(15_000), 7).unwrap_err();
            let response = problem.into_response("r");
            assert_eq!(response.status, 503);
            assert_eq!(response.get_header("retry-after"), Some("1"));
        }
    }

    #[test]
    fn a_record_that_cannot_be_read_is_a_mistake_of_ours() {
        assert_eq!(read(&entry("{")).unwrap_err().status(), 500);
    }
}
