//! The routes, each with the bucket in memory.

use serde_json::{Value, json};
use stoa_kit::bindings::stoa::http::types::{Header, Parameter};
use stoa_kit::problem::Place;
use stoa_kit::{Method, Principal, Problem, Request, Response, Service};

use crate::store::fake::Fake;
use crate::{Registry, list, register, remove, show};

const NOW: i64 = 1_772_366_400_000;

fn request(method: Method, path: &[&str], body: &Value) -> Request {
    Request {
        id: "request-1".to_owned(),
        method,
        path: path.iter().map(ToString::to_string).collect(),
        query: Vec::new(),
        headers: vec![Header {
            name: "content-type".to_owned(),
            value: "application/json".to_owned(),
        }],
        body: body.to_string(),
        principal: Principal::Anonymous,
        client: String::new(),
    }
}

fn post(bucket: &Fake, body: &Value, now: i64) -> Result<Response, Problem> {
    register::run(bucket, &request(Method::Post, &["services"], body), now)
}

fn body(response: &Response) -> Value {
    serde_json::from_str(&response.body).unwrap()
}

#[test]
fn a_registered_service_is_created_shown_overwritten_and_removed() {
    let bucket = Fake::default();
    let tax = json!({"id": "tax", "url": "https://tax.example/v1/", "version": "2.0.0"});
    let created = post(&bucket, &tax, NOW).unwrap();
    assert_eq!(created.status, 201);
    assert_eq!(created.get_header("location"), Some("/services/tax"));

    let shown = show::run(&bucket, "tax", NOW + 5).unwrap();
    assert_eq!(shown.get_header("cache-control"), Some("no-store"));
    assert_eq!(
        body(&shown),
        json!({
            "id": "tax",
            "url": "https://tax.example/v1",
            "instances": [{
                "instance": "default",
                "url": "https://tax.example/v1",
                "version": "2.0.0",
                "digest": null,
                "origin": "operator",
                "sequence": 0,
                "registered": "2026-03-01T12:00:00Z",
                "beat": "2026-03-01T12:00:00Z",
                "age_ms": 5,
                "expires": null,
            }],
        })
    );

    let moved = json!({"id": "tax", "url": "http://10.0.0.7:8080", "lease_ms": 1000});
    let overwritten = post(&bucket, &moved, NOW + 10).unwrap();
    assert_eq!(overwritten.status, 200);
    assert_eq!(overwritten.get_header("location"), None);
    assert_eq!(
        body(&overwritten)["instances"][0]["expires"],
        "2026-03-01T12:00:01.01Z"
    );

    let removed = remove::run(&bucket, "tax", NOW + 20).unwrap();
    assert_eq!(removed.status, 200);
    assert_eq!(body(&removed)["url"], "http://10.0.0.7:8080");
    assert_eq!(
        show::run(&bucket, "tax", NOW + 20).unwrap_err().status(),
        404
    );
    assert_eq!(
        remove::run(&bucket, "tax", NOW + 20).unwrap_err().status(),
        404
    );
    assert_eq!(post(&bucket, &tax, NOW + 30).unwrap().status, 201);
}

#[test]
fn an_expired_service_is_not_found_and_comes_back_with_201() {
    let bucket = Fake::default();
    let tax = json!({"id": "tax", "url": "https://tax.example", "lease_ms": 1000});
    post(&bucket, &tax, NOW).unwrap();
    assert_eq!(
        show::run(&bucket, "tax", NOW + 1000).unwrap_err().status(),
        404
    );
    assert_eq!(
        remove::run(&bucket, "tax", NOW + 1000)
            .unwrap_err()
            .status(),
        404
    );
    assert_eq!(post(&bucket, &tax, NOW + 1000).unwrap().status, 201);
}

#[test]
fn the_list_has_the_live_services_ordered_by_id() {
    let bucket = Fake::default();
    for (id, lease) in [("tax", 9000), ("gone", 1000), ("mail-2", 9000)] {
        let service = json!({"id": id, "url": "https://example.com", "lease_ms": lease});
        post(&bucket, &service, NOW).unwrap();
    }
    let mut asked = request(Method::Get, &["services"], &Value::Null);
    let listed = body(&list::run(&bucket, &asked, NOW + 1000).unwrap());
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    assert_eq!(listed["data"][0]["id"], "mail-2");
    assert_eq!(listed["data"][1]["id"], "tax");
    assert_eq!(listed["next"], Value::Null);

    asked.query.push(Parameter {
        name: "limit".to_owned(),
        value: "1".to_owned(),
    });
    let problem = list::run(&bucket, &asked, NOW).unwrap_err();
    assert_eq!(problem.code(), "invalid_query");
}

#[test]
fn every_wrong_field_of_a_registration_is_named_at_once() {
    let bucket = Fake::default();
    let wrong = json!({
        "id": "Tax", "url": "https://user:secret@tax.example", "instance": "a b",
        "version": "", "lease_ms": 999, "weight": 1,
    });
    let problem = post(&bucket, &wrong, NOW).unwrap_err();
    assert_eq!(problem.status(), 422);
    let pointers: Vec<_> = problem
        .errors()
        .iter()
        .map(|error| match &error.place {
            Place::Pointer(pointer) => pointer.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        pointers,
        [
            "/id",
            "/url",
            "/instance",
            "/version",
            "/lease_ms",
            "/weight"
        ]
    );
    assert_eq!(
        post(&bucket, &json!({}), NOW).unwrap_err().errors().len(),
        2
    );
    assert_eq!(bucket.attempts(), 0);
}

#[test]
fn a_service_with_too_many_live_instances_takes_no_more() {
    let bucket = Fake::default();
    let instance = |number: usize| json!({"id": "tax", "url": "https://tax.example", "instance": number.to_string()});
    for number in 0..32 {
        post(&bucket, &instance(number), NOW).unwrap();
    }
    let problem = post(&bucket, &instance(32), NOW).unwrap_err();
    assert_eq!(
        (problem.status(), problem.code()),
        (409, "too_many_instances")
    );
    assert_eq!(post(&bucket, &instance(0), NOW).unwrap().status, 200);
}

#[test]
fn what_cannot_be_an_id_is_not_found() {
    let bucket = Fake::default();
    bucket.go_away();
    assert_eq!(show::run(&bucket, "No.Id", NOW).unwrap_err().status(), 404);
    assert_eq!(
        remove::run(&bucket, "No.Id", NOW).unwrap_err().status(),
        404
    );
    assert_eq!(show::run(&bucket, "tax", NOW).unwrap_err().status(), 503);
}

#[test]
fn only_administrators_get_past_the_door() {
    use stoa_kit::{Identity, Role};
    let handle = |method, path: &[&str], principal| {
        let mut request = request(method, path, &Value::Null);
        request.principal = principal;
        Registry::handle(&request).unwrap_err()
    };
    let identity = |role| {
        Principal::Account(Identity {
            account_id: "a".to_owned(),
            session_id: "session".to_owned(),
            roles: vec![role],
        })
    };
    let problem = handle(Method::Get, &["services"], Principal::Anonymous);
    assert_eq!(problem.status(), 401);
    let problem = handle(
        Method::Delete,
        &["services", "tax"],
        identity(Role::Customer),
    );
    assert_eq!(problem.status(), 403);
    let problem = handle(Method::Put, &["services", "tax"], identity(Role::Admin));
    assert_eq!(problem.status(), 405);
    let problem = handle(Method::Delete, &["services"], identity(Role::Admin));
    assert_eq!(problem.status(), 405);
    let problem = handle(
        Method::Get,
        &["services", "tax", "more"],
        identity(Role::Admin),
    );
    assert_eq!(problem.status(), 404);
}
