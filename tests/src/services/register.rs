//! `POST /services`

use serde_json::{Value, json};

use crate::shared;

pub(crate) fn a_new_service_is_201_and_one_that_is_there_200() {
    let admin = shared().admin();
    let first = json!({"id": "registered", "url": "http://127.0.0.1:1/v1/", "version": "2"});
    let created = admin.post("/services", &first).send().expect(201);
    assert_eq!(created.header("location"), "/services/registered");
    assert_eq!(created.header("cache-control"), "no-store");
    let instance = &created.body["instances"][0];
    assert_eq!(created.body["url"], "http://127.0.0.1:1/v1");
    assert_eq!(instance["instance"], "default");
    assert_eq!(instance["version"], "2");
    assert_eq!(instance["origin"], "operator");
    assert_eq!(instance["sequence"], 0);
    assert_eq!(instance["digest"], Value::Null);
    assert_eq!(instance["expires"], Value::Null);

    let second = json!({"id": "registered", "url": "https://[::1]:2", "version": null});
    let overwritten = admin.post("/services", &second).send().expect(200);
    assert_eq!(overwritten.header("location"), "");
    let shown = admin.get("/services/registered").send().expect(200);
    assert_eq!(shown.body["url"], "https://[::1]:2");
    assert_eq!(shown.body["instances"].as_array().map(Vec::len), Some(1));
    assert_eq!(shown.body["instances"][0]["version"], Value::Null);
}

pub(crate) fn a_service_has_up_to_32_instances() {
    let admin = shared().admin();
    let register = |number: u16| {
        let body = json!({"id": "crowd", "instance": format!("i{number:02}"), "url":
            format!("http://127.0.0.1:{}", number + 1)});
        admin.post("/services", &body).send()
    };
    register(0).expect(201);
    for number in 1..32 {
        register(number).expect(200);
    }
    register(32).problem(409, "too_many_instances");
    register(7).expect(200);
    let shown = admin.get("/services/crowd").send().expect(200);
    let instances = shown.body["instances"].as_array().expect("instances");
    assert_eq!(instances.len(), 32);
    assert_eq!(instances[0]["instance"], "i07", "the last one first");
    assert_eq!(shown.body["url"], instances[0]["url"]);
}

pub(crate) fn everything_that_is_wrong_is_said_at_once() {
    let admin = shared().admin();
    let wrong = json!({"id": "Not an id", "url": "ftp://127.0.0.1", "instance": "a b",
        "version": "", "lease_ms": 999, "lease": 1});
    let answer = admin.post("/services", &wrong).send();
    answer.problem(422, "invalid").names(&[
        ("/id", "format"),
        ("/url", "format"),
        ("/instance", "format"),
        ("/version", "format"),
        ("/lease_ms", "range"),
        ("/lease", "unknown"),
    ]);
    let types = json!({"id": 1, "url": [], "instance": {}, "version": true, "lease_ms": "1"});
    let answer = admin.post("/services", &types).send();
    answer.problem(422, "invalid").names(&[
        ("/id", "type"),
        ("/url", "type"),
        ("/instance", "type"),
        ("/version", "type"),
        ("/lease_ms", "type"),
    ]);
    let empty = admin.post("/services", &json!({"id": null})).send();
    let empty = empty.problem(422, "invalid");
    empty.names(&[("/id", "required"), ("/url", "required")]);
    for lease in [json!(86_400_001), json!(-1), json!(0)] {
        let body = json!({"id": "leased", "url": "http://a", "lease_ms": lease});
        let answer = admin.post("/services", &body).send();
        let answer = answer.problem(422, "invalid");
        answer.names(&[("/lease_ms", "range")]);
    }
    admin.get("/services/leased").send().expect(404);
}

pub(crate) fn a_url_with_more_than_a_base_is_refused() {
    for url in [
        "http://user:secret@127.0.0.1",
        "http://127.0.0.1/?a=b",
        "http://127.0.0.1/#top",
        "http://127.0.0.1/../up",
        "lattice://default/a/b",
        "//127.0.0.1",
        "127.0.0.1",
    ] {
        let body = json!({"id": "odd-url", "url": url});
        let answer = shared().admin().post("/services", &body).send();
        let answer = answer.problem(422, "invalid");
        assert!(!answer.text.contains("secret"), "{}", answer.text);
        answer.names(&[("/url", "format")]);
    }
}

pub(crate) fn a_registration_with_a_lease_ends_with_it() {
    let admin = shared().admin();
    let body = json!({"id": "brief", "url": "http://127.0.0.1:1", "lease_ms": 1000});
    let created = admin.post("/services", &body).send().expect(201);
    assert!(created.body["instances"][0]["expires"].is_string());
    admin.wait_for("/services/brief", |answer| answer.status == 404);
    let listed = admin.get("/services").send().expect(200);
    assert!(!listed.text.contains(r#""id":"brief""#));
    let gone = admin.get("/brief/any").send();
    let gone = gone.problem(503, "unavailable");
    assert_eq!(gone.header("retry-after"), "1");
    admin.post("/services", &body).send().expect(201);
}
