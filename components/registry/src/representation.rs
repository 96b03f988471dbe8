//! A service as the API shows it.

use serde::Serialize;
use stoa_kit::{Problem, Response, Timestamp};
use stoa_services::{Instance, Location, Origin, ServiceRecord, Version};

/// A service that has a live instance.
#[derive(Serialize)]
pub(crate) struct Shown<'a> {
    id: &'a str,
    /// Where the instance is that was last heard of.
    url: &'a Location,
    /// The live instances, the one last heard of first.
    instances: Vec<ShownInstance<'a>>,
}

#[derive(Serialize)]
struct ShownInstance<'a> {
    instance: &'a str,
    url: &'a Location,
    version: Option<&'a Version>,
    digest: Option<&'a str>,
    origin: Origin,
    sequence: u64,
    registered: Timestamp,
    beat: Timestamp,
    age_ms: i64,
    expires: Option<Timestamp>,
}

impl<'a> Shown<'a> {
    /// The service at the time `now`; `None` when no instance is live.
    pub(crate) fn of(record: &'a ServiceRecord, now: i64) -> Option<Self> {
        let live = record.live(now);
        Some(Self {
            id: record.id.as_str(),
            url: &live.first()?.location,
            instances: live
                .iter()
                .map(|live| ShownInstance::of(live, now))
                .collect(),
        })
    }
}

impl<'a> ShownInstance<'a> {
    fn of(instance: &'a Instance, now: i64) -> Self {
        Self {
            instance: instance.instance.as_str(),
            url: &instance.location,
            version: instance.version.as_ref(),
            digest: instance.digest.as_deref(),
            origin: instance.origin,
            sequence: instance.sequence,
            registered: Timestamp(instance.registered),
            beat: Timestamp(instance.beat),
            age_ms: now.saturating_sub(instance.beat).max(0),
            expires: instance.expires.map(Timestamp),
        }
    }
}

/// 200 with a JSON body that is out of date as soon as it is sent.
pub(crate) fn answer(body: &impl Serialize) -> Result<Response, Problem> {
    Ok(Response::json(body)?.header("cache-control", "no-store"))
}

/// 404 for a service that is unknown, expired or removed.
pub(crate) fn not_found() -> Problem {
    Problem::not_found("There is no live service with this id.")
}
