//! The API's description says what the route table says, and is whole.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use gateway::routes::{Access, Place, ROUTES, find};
use serde_json::Value;
use stoa_kit::Method;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn description() -> Value {
    serde_norway::from_str(include_str!("../../../docs/openapi.yaml")).unwrap()
}

/// Every operation of the description, by path and method.
fn operations(description: &Value) -> BTreeMap<(&str, &str), &Value> {
    let mut operations = BTreeMap::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if method == "parameters" {
                continue;
            }
            assert!(METHODS.contains(&method.as_str()), "{method} {path}");
            operations.insert((path.as_str(), method.as_str()), operation);
        }
    }
    operations
}

fn name(method: Method) -> &'static str {
    match method {
        Method::Get => "get",
        Method::Post => "post",
        Method::Put => "put",
        Method::Patch => "patch",
        Method::Delete => "delete",
    }
}

/// Whether an operation may be used without a token: nothing is asked for, or
/// nothing is one of the choices.
fn is_public(description: &Value, operation: &Value) -> bool {
    let security = operation
        .get("security")
        .unwrap_or(&description["security"]);
    let choices = security.as_array().unwrap();
    for choice in choices {
        let choice = choice.as_object().unwrap();
        assert!(choice.keys().all(|scheme| scheme == "bearerAuth"));
    }
    choices.is_empty()
        || choices
            .iter()
            .any(|choice| choice == &serde_json::json!({}))
}

/// The service of this repository that answers at a path without being in the
/// gateway's table.
fn dynamic_service(path: &str) -> Option<String> {
    let segments: Vec<_> = path.split('/').skip(1).map(str::to_owned).collect();
    let Some(Place::Dynamic(service)) = find(&segments) else {
        return None;
    };
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap();
    let component = std::path::Path::new(&here).with_file_name(service);
    component.exists().then(|| service.to_owned())
}

#[test]
fn it_has_the_routes_of_the_table_and_their_access() {
    let description = description();
    let described: BTreeMap<_, _> = operations(&description)
        .into_iter()
        .filter(|((path, _), _)| dynamic_service(path).is_none())
        .map(|(place, operation)| (place, is_public(&description, operation)))
        .collect();
    let listed: BTreeMap<_, _> = ROUTES
        .iter()
        .map(|route| {
            (
                (route.pattern, name(route.method)),
                route.access == Access::Public,
            )
        })
        .collect();
    assert_eq!(described, listed);
}

#[test]
fn what_is_not_in_the_table_is_for_whoever_is_signed_in() {
    let description = description();
    for ((path, method), operation) in operations(&description) {
        if dynamic_service(path).is_some() {
            assert!(!is_public(&description, operation), "{method} {path}");
            let responses = &operation["responses"];
            assert!(responses.get("401").is_some(), "{method} {path}");
        }
    }
}

#[test]
fn what_needs_an_administrator_says_whom_it_refuses() {
    let description = description();
    let operations = operations(&description);
    for route in ROUTES.iter().filter(|route| route.access == Access::Admin) {
        let operation = operations[&(route.pattern, name(route.method))];
        for status in ["401", "403"] {
            assert!(
                operation["responses"].get(status).is_some(),
                "{} {status}",
                route.pattern
            );
        }
    }
}

#[test]
fn no_answer_of_auth_may_be_kept() {
    let description = description();
    let operations = operations(&description);
    for route in ROUTES.iter().filter(|route| route.service == "auth") {
        let operation = operations[&(route.pattern, name(route.method))];
        for (status, response) in operation["responses"].as_object().unwrap() {
            if status.starts_with('2') {
                let reference = response["$ref"].as_str().unwrap();
                let response = description.pointer(&reference[1..]).unwrap();
                let header = &response["headers"]["Cache-Control"]["$ref"];
                assert_eq!(header, "#/components/headers/NoStore", "{}", route.pattern);
            }
        }
        assert!(operation["responses"].get("401").is_some());
    }
}

#[test]
fn services_added_at_run_time_are_described() {
    let description = description();
    assert_eq!(
        description["x-dynamic-services"]["methods"],
        serde_json::json!(METHODS)
    );
    let prose = description["info"]["description"].as_str().unwrap();
    assert!(prose.contains("`/{service}/...`"));
}

#[test]
fn every_operation_has_an_id_of_its_own_and_declares_its_path_parameters() {
    let description = description();
    let mut ids = Vec::new();
    for ((path, method), operation) in operations(&description) {
        ids.push(operation["operationId"].as_str().unwrap());
        let parameters = description["paths"][path]["parameters"].as_array();
        let declared: Vec<_> = parameters
            .into_iter()
            .flatten()
            .map(|p| &p["name"])
            .collect();
        let named: Vec<_> = path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        assert_eq!(declared, named, "{method} {path}");
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn every_reference_leads_somewhere_and_every_answer_carries_its_request() {
    let description = description();
    let mut references = 0;
    walk(&description, &mut |value| {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            references += 1;
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(description.pointer(pointer).is_some(), "{reference}");
        }
    });
    assert!(references > 100, "only {references} references were found");
    for (place, operation) in operations(&description) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let response = match response.get("$ref").and_then(Value::as_str) {
                Some(reference) => description.pointer(&reference[1..]).unwrap(),
                None => response,
            };
            let headers = &response["headers"];
            assert!(headers.get("X-Request-Id").is_some(), "{place:?} {status}");
        }
    }
}

fn walk(value: &Value, visit: &mut impl FnMut(&Value)) {
    visit(value);
    match value {
        Value::Object(fields) => fields.values().for_each(|value| walk(value, visit)),
        Value::Array(items) => items.iter().for_each(|value| walk(value, visit)),
        _ => {}
    }
}
