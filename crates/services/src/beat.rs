//! A heartbeat as it comes over NATS, parsed into types that cannot be wrong.

use stoa_kit::heartbeat::{Beat, SUBJECT_PREFIX};

use crate::{InstanceName, Location, ServiceId, Version};

/// A larger message is no beat.
pub const MAX_BEAT_BYTES: usize = 16 * 1024;

const MIN_LEASE_MS: u32 = 1_000;
const MAX_LEASE_MS: u32 = 10 * 60 * 1_000;
const MAX_DIGEST_BYTES: usize = 128;

/// A well-formed beat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The service that beats.
    pub service: ServiceId,
    /// Which of its instances.
    pub instance: InstanceName,
    /// Where that instance is.
    pub location: Location,
    /// Its version, where the beat has one.
    pub version: Option<Version>,
    /// Its content digest, where the beat has one.
    pub digest: Option<String>,
    /// Grows with every beat of an instance.
    pub sequence: u64,
    /// How long the beat is good for, 1 s to 10 min in milliseconds; `None`
    /// says goodbye.
    pub lease: Option<i64>,
}

/// Why a message is no beat.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBeat {
    /// Larger than [`MAX_BEAT_BYTES`].
    #[error("it has {0} bytes")]
    TooLarge(usize),
    /// Not the JSON of a beat.
    #[error("it is not the JSON of a beat: {0}")]
    Json(String),
    /// The service's id is none, or another than the subject's.
    #[error("its subject is not stoa.heartbeat.<the service's id>")]
    Subject,
    /// A field holds what it must not.
    #[error("its {0} is not valid")]
    Field(&'static str),
}

impl Heartbeat {
    /// Reads a message. A lease other than 0 is brought into its bounds.
    pub fn parse(subject: &str, body: &[u8]) -> Result<Self, BadBeat> {
        if body.len() > MAX_BEAT_BYTES {
            return Err(BadBeat::TooLarge(body.len()));
        }
        let beat: Beat =
            serde_json::from_slice(body).map_err(|error| BadBeat::Json(error.to_string()))?;
        let service = subject
            .strip_prefix(SUBJECT_PREFIX)
            .filter(|id| *id == beat.service)
            .and_then(ServiceId::parse)
            .ok_or(BadBeat::Subject)?;
        Ok(Self {
            service,
            instance: InstanceName::parse(&beat.instance).ok_or(BadBeat::Field("instance"))?,
            location: Location::parse(&beat.location).ok_or(BadBeat::Field("location"))?,
            version: optional(&beat.version, Version::parse).ok_or(BadBeat::Field("version"))?,
            digest: optional(&beat.digest, digest).ok_or(BadBeat::Field("digest"))?,
            sequence: beat.sequence,
            lease: (beat.lease > 0).then(|| beat.lease.clamp(MIN_LEASE_MS, MAX_LEASE_MS).into()),
        })
    }
}

/// Reads a field that may be empty: `Some(None)` then, `None` when it is wrong.
#[expect(clippy::option_option, reason = "empty and wrong are two things")]
fn optional<T>(text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    if text.is_empty() {
        Some(None)
    } else {
        parse(text).map(Some)
    }
}

fn digest(text: &str) -> Option<String> {
    let fits = text.len() <= MAX_DIGEST_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBJECT: &str = "stoa.heartbeat.product";

    fn body(change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
        let mut beat = serde_json::json!({
            "service": "product", "instance": "default",
            "location": "lattice://default/product", "version": "0.1.0",
            "digest": "sha256:00", "sequence": 7, "lease": 15_000, "from_a_newer_writer": true,
        });
        change(&mut beat);
        beat.to_string().into_bytes()
    }

    #[test]
    fn a_beat_is_read_with_fields_this_version_does_not_know() {
        let beat = Heartbeat::parse(SUBJECT, &body(|_| {})).unwrap();
        assert_eq!(beat.service.as_str(), "product");
        assert_eq!(beat.location.to_string(), "lattice://default/product");
        assert_eq!((beat.sequence, beat.lease), (7, Some(15_000)));
        assert_eq!(beat.digest.as_deref(), Some("sha256:00"));
    }

    #[test]
    fn leases_are_bounded_and_zero_says_goodbye() {
        for (given, read) in [
            (0, None),
            (1, Some(1_000)),
            (1_000, Some(1_000)),
            (600_000, Some(600_000)),
            (u32::MAX, Some(600_000)),
        ] {
            let beat = Heartbeat::parse(SUBJECT, &body(|beat| beat["lease"] = given.into()));
            assert_eq!(beat.unwrap().lease, read);
        }
    }

    #[test]
    fn the_subject_names_the_service() {
        for subject in [
            "stoa.heartbeat.account",
            "stoa.heartbeat.",
            "stoa.heartbeat.product.more",
            "elsewhere.product",
            "product",
        ] {
            assert_eq!(
                Heartbeat::parse(subject, &body(|_| {})),
                Err(BadBeat::Subject)
            );
        }
        let odd = body(|beat| beat["service"] = "a.b".into());
        assert_eq!(
            Heartbeat::parse("stoa.heartbeat.a.b", &odd),
            Err(BadBeat::Subject)
        );
    }

    #[test]
    fn a_bad_field_is_named() {
        for (name, value) in [
            ("instance", "a b".to_owned()),
            ("location", "lattice://default".to_owned()),
            ("version", "v".repeat(65)),
            ("digest", "d".repeat(129)),
        ] {
            let bad = body(|beat| beat[name] = value.into());
            assert_eq!(Heartbeat::parse(SUBJECT, &bad), Err(BadBeat::Field(name)));
        }
    }

    #[test]
    fn what_is_no_beat_is_refused() {
        let large = vec![b' '; MAX_BEAT_BYTES + 1];
        assert_eq!(
            Heartbeat::parse(SUBJECT, &large),
            Err(BadBeat::TooLarge(large.len()))
        );
        let negative = body(|beat| beat["sequence"] = (-1).into());
        for bad in [&b""[..], b"[]", b"{}", b"\xff", &negative] {
            assert!(matches!(
                Heartbeat::parse(SUBJECT, bad),
                Err(BadBeat::Json(_))
            ));
        }
    }
}
