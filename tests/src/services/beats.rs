//! Beats on NATS, sent by the test itself.

use serde_json::{Value, json};
use stoa_harness::Answer;

use crate::bus::{Bus, beat, now};
use crate::shared;

/// Publishes a beat that is to be ignored, and waits until it has been.
#[track_caller]
fn is_ignored(bus: &Bus, beat: &Value, why: &str) {
    let text = |name: &str| beat[name].as_str().unwrap_or_default().to_owned();
    let line = format!(
        "ignored a beat of {}/{}: {why}",
        text("service"),
        text("instance")
    );
    let before = shared().log().matches(&line).count();
    bus.beat(beat);
    shared().wait_for_log(&line, before + 1);
}

/// A beat that is good for a second.
fn brief(service: &str, sequence: u64) -> Value {
    let mut brief = beat(service, sequence);
    brief["lease"] = 1_000.into();
    brief
}

fn shown(service: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
    let path = format!("/services/{service}");
    shared().admin().wait_for(&path, wanted)
}

/// When a service's freshest instance expires, to the second.
fn expires(service: &Value) -> Option<&str> {
    service["instances"][0]["expires"].as_str()?.get(..19)
}

fn is_live(answer: &Answer) -> bool {
    answer.status == 200
}

fn is_gone(answer: &Answer) -> bool {
    answer.status == 404
}

pub(crate) fn a_beat_registers_a_service() {
    let bus = Bus::of(shared());
    let sequence = now();
    let mut first = beat("newcomer", sequence);
    first["digest"] = "sha256:00".into();
    first["from_a_newer_writer"] = true.into();
    bus.beat(&first);
    let service = shown("newcomer", is_live).body;
    assert_eq!(service["url"], "lattice://default/newcomer");
    let instance = &service["instances"][0];
    assert_eq!(instance["instance"], "default");
    assert_eq!(instance["version"], "1.0.0");
    assert_eq!(instance["digest"], "sha256:00");
    assert_eq!(instance["origin"], "beat");
    assert_eq!(instance["sequence"], sequence);
    // Known to the registry, but the gateway has no link to it.
    let answer = shared().admin().get("/newcomer/any").send();
    answer.problem(503, "unavailable");
}

pub(crate) fn a_service_that_stops_beating_is_gone_until_its_next_beat() {
    let bus = Bus::of(shared());
    let sequence = now();
    bus.beat(&beat("sleeper", sequence));
    let first = shown("sleeper", is_live).body;
    // Its last beat says that it soon will be gone without another.
    bus.beat(&brief("sleeper", sequence + 1));
    shown("sleeper", is_gone);
    bus.beat(&beat("sleeper", sequence + 2));
    let second = shown("sleeper", is_live).body;
    let registered = |service: &Value| service["instances"][0]["registered"].clone();
    assert_ne!(registered(&first), registered(&second));
}

pub(crate) fn a_beat_renews_the_lease() {
    let bus = Bus::of(shared());
    let sequence = now();
    bus.beat(&beat("lasting", sequence));
    let first = shown("lasting", is_live).body;
    let mut longer = beat("lasting", sequence + 1);
    longer["lease"] = 600_000.into();
    bus.beat(&longer);
    let newer = |answer: &Answer| answer.body["instances"][0]["sequence"] == sequence + 1;
    let second = shown("lasting", newer).body;
    let field = |service: &Value, name: &str| service["instances"][0][name].clone();
    assert_eq!(field(&first, "registered"), field(&second, "registered"));
    assert!(expires(&first) < expires(&second));
}

pub(crate) fn an_older_beat_never_overwrites_a_newer_one() {
    let bus = Bus::of(shared());
    let sequence = now();
    bus.beat(&beat("ordered", sequence));
    shown("ordered", is_live);
    for late in [sequence, sequence - 1] {
        let mut old = beat("ordered", late);
        old["version"] = "0.9.0".into();
        old["lease"] = 0.into();
        is_ignored(&bus, &old, "it is not newer than the last one");
    }
    let service = shown("ordered", is_live).body;
    assert_eq!(service["instances"][0]["version"], "1.0.0");
    assert_eq!(service["instances"][0]["sequence"], sequence);
}

pub(crate) fn an_older_beat_does_not_bring_back_what_expired() {
    let bus = Bus::of(shared());
    let sequence = now();
    bus.beat(&beat("expired", sequence));
    shown("expired", is_live);
    bus.beat(&brief("expired", sequence + 1));
    shown("expired", is_gone);
    let old = beat("expired", sequence);
    is_ignored(&bus, &old, "it is not newer than the last one");
    shown("expired", is_gone);
}

pub(crate) fn a_goodbye_ends_a_service_at_once() {
    let bus = Bus::of(shared());
    let sequence = now();
    bus.beat(&beat("polite", sequence));
    shown("polite", is_live);
    let mut goodbye = beat("polite", sequence + 1);
    goodbye["lease"] = 0.into();
    bus.beat(&goodbye);
    shown("polite", is_gone);
    let mut unknown = beat("polite", sequence + 2);
    unknown["instance"] = "another".into();
    unknown["lease"] = 0.into();
    is_ignored(
        &bus,
        &unknown,
        "the instance that says goodbye is not known",
    );
}

pub(crate) fn a_beat_says_only_that_a_service_is_its_own_component() {
    let bus = Bus::of(shared());
    for location in [
        "http://127.0.0.1:1",
        "lattice://default/product",
        "https://evil.example/",
    ] {
        let mut foreign = beat("elsewhere", now());
        foreign["location"] = location.into();
        foreign["instance"] = format!("i{}", location.len()).into();
        is_ignored(&bus, &foreign, "only an operator may register a location");
    }
    let answer = shared().admin().get("/services/elsewhere").send();
    answer.expect(404);
}

pub(crate) fn a_beat_does_not_lead_a_known_service_elsewhere() {
    let bus = Bus::of(shared());
    let sequence = now();
    bus.beat(&beat("steady", sequence));
    shown("steady", is_live);
    let mut foreign = beat("steady", sequence + 1);
    foreign["location"] = "http://127.0.0.1:1".into();
    is_ignored(&bus, &foreign, "only an operator may register a location");
    let service = shown("steady", is_live).body;
    assert_eq!(service["url"], "lattice://default/steady");
    assert_eq!(service["instances"][0]["sequence"], sequence);
}

pub(crate) fn a_beat_from_the_future_does_not_silence_a_service() {
    let bus = Bus::of(shared());
    let future = beat("futuristic", now() + 2 * 60 * 60 * 1_000);
    is_ignored(&bus, &future, "its sequence number is from the future");
    let most = beat("futuristic", u64::MAX);
    is_ignored(&bus, &most, "its sequence number is from the future");
    bus.beat(&beat("futuristic", now()));
    shown("futuristic", is_live);
}

pub(crate) fn what_an_operator_registered_is_renewed_and_not_changed_by_beats() {
    let (admin, bus) = (shared().admin(), Bus::of(shared()));
    let body = json!({"id": "pinned", "url": "http://127.0.0.1:1", "lease_ms": 300_000});
    let registered = admin.post("/services", &body).send().expect(201).body;

    let sequence = now();
    is_ignored(&bus, &beat("pinned", sequence), "an operator registered");
    let mut goodbye = beat("pinned", sequence);
    goodbye["lease"] = 0.into();
    is_ignored(&bus, &goodbye, "an operator registered");
    assert_eq!(shown("pinned", is_live).body["url"], registered["url"]);

    let mut renewal = beat("pinned", sequence);
    renewal["location"] = "http://127.0.0.1:1".into();
    renewal["lease"] = 600_000.into();
    bus.beat(&renewal);
    let beaten = |answer: &Answer| answer.body["instances"][0]["sequence"] == sequence;
    let renewed = shown("pinned", beaten).body;
    assert!(expires(&renewed) > expires(&registered));
    assert_eq!(renewed["instances"][0]["origin"], "operator");
}

pub(crate) fn what_is_no_beat_is_ignored() {
    let bus = Bus::of(shared());
    let good = beat("nonsense", now());
    let mut oversized = good.clone();
    oversized["padding"] = "x".repeat(16 * 1024).into();
    let mut negative = good.clone();
    negative["sequence"] = (-1).into();
    let mut other = good.clone();
    other["service"] = "somebody-else".into();
    let mut place = good.clone();
    place["location"] = "nowhere".into();
    let mut name = good.clone();
    name["instance"] = "a\nb".into();
    for (body, why) in [
        (oversized.to_string(), "it has 16"),
        (negative.to_string(), "it is not the JSON of a beat"),
        ("{".to_owned(), "it is not the JSON of a beat: EOF"),
        (String::new(), "it is not the JSON of a beat: EOF"),
        ("[]".to_owned(), "it is not the JSON of a beat"),
        (other.to_string(), "its subject is not stoa.heartbeat."),
        (place.to_string(), "its location is not valid"),
        (name.to_string(), "its instance is not valid"),
    ] {
        let line = format!("ignored a message on \"stoa.heartbeat.nonsense\": {why}");
        let before = shared().log().matches(&line).count();
        bus.publish("stoa.heartbeat.nonsense", body);
        shared().wait_for_log(&line, before + 1);
    }
    for id in ["nonsense", "somebody-else"] {
        let path = format!("/services/{id}");
        shared().admin().get(&path).send().expect(404);
    }
    bus.beat(&good);
    shown("nonsense", is_live);
}

pub(crate) fn many_instances_beat_at_once_and_none_is_lost() {
    let bus = Bus::of(shared());
    let sequence = now();
    for number in 0..32 {
        let mut one = beat("choir", sequence);
        one["instance"] = format!("i{number}").into();
        bus.beat(&one);
    }
    let all = |answer: &Answer| answer.body["instances"].as_array().map(Vec::len) == Some(32);
    shown("choir", all);
    let mut more = beat("choir", sequence);
    more["instance"] = "i32".into();
    is_ignored(&bus, &more, "the service has too many instances");
}
