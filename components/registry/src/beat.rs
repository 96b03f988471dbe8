//! Taking in heartbeats.

use stoa_kit::bindings::wasmcloud::messaging::types::BrokerMessage;
use stoa_kit::log;
use stoa_services::{Heartbeat, Ignored};

use crate::store::{self, Bucket};

const CONTEXT: &str = "beat";

/// Stores a beat, one write each. What is no beat, and a beat that the rules
/// do not let through, is logged and otherwise ignored: a message has nobody
/// to answer to.
///
/// Errors: the store's. The next beat makes up for this one.
pub(crate) fn run(bucket: &impl Bucket, message: &BrokerMessage, now: i64) -> Result<(), String> {
    let beat = match Heartbeat::parse(&message.subject, &message.body) {
        Ok(beat) => beat,
        Err(why) => {
            // The subject came from outside as well: quoted and cut.
            let subject: String = message.subject.chars().take(100).collect();
            log::warn(CONTEXT, &format!("ignored a message on {subject:?}: {why}"));
            return Ok(());
        }
    };
    let taken = store::change(bucket, &beat.service, |record| {
        record.apply_beat(&beat, now)
    })
    .map_err(|error| format!("a beat of {} was lost: {error}", beat.service))?;
    if let Err(why) = taken {
        let line = format!(
            "ignored a beat of {}/{}: {why}",
            beat.service, beat.instance
        );
        match why {
            // These come with reordered messages and with what operators do.
            Ignored::Old | Ignored::Removed | Ignored::Pinned => log::info(CONTEXT, &line),
            _ => log::warn(CONTEXT, &line),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use stoa_services::ServiceId;

    use super::*;
    use crate::store::fake::Fake;

    const NOW: i64 = 1_772_366_400_000;

    fn message(subject: &str, body: &str) -> BrokerMessage {
        BrokerMessage {
            subject: subject.to_owned(),
            body: body.as_bytes().to_vec(),
            reply_to: None,
        }
    }

    fn beat(sequence: i64) -> BrokerMessage {
        let body = serde_json::json!({
            "service": "product", "instance": "default",
            "location": "lattice://default/product", "version": "0.1.0",
            "digest": "", "sequence": sequence, "lease": 15_000,
        });
        message("stoa.heartbeat.product", &body.to_string())
    }

    #[test]
    fn a_beat_is_stored_with_one_write() {
        let bucket = Fake::default();
        run(&bucket, &beat(NOW), NOW).unwrap();
        assert_eq!(bucket.writes(), 1);
        let id = ServiceId::parse("product").unwrap();
        let record = store::read(&bucket, &id).unwrap().unwrap();
        assert!(record.is_live(NOW));
    }

    #[test]
    fn an_old_beat_and_what_is_no_beat_write_nothing() {
        let bucket = Fake::default();
        run(&bucket, &beat(NOW), NOW).unwrap();
        run(&bucket, &beat(NOW), NOW + 1).unwrap();
        run(&bucket, &message("stoa.heartbeat.product", "{"), NOW).unwrap();
        run(&bucket, &message("stoa.heartbeat.\n", "{}"), NOW).unwrap();
        assert_eq!(bucket.writes(), 1);
    }

    #[test]
    fn a_store_that_is_gone_is_an_error_and_no_trap() {
        let bucket = Fake::default();
        bucket.go_away();
        assert!(run(&bucket, &beat(NOW), NOW).is_err());
    }
}
