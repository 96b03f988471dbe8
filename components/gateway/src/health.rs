//! Health: whether the gateway runs, and whether the API is whole.

use std::collections::BTreeMap;

use stoa_kit::{Problem, Response, Timestamp};

use crate::registry;
use crate::routes::ROUTES;

/// The gateway runs: nothing is asked for this answer.
pub fn live() -> Result<Response, Problem> {
    Response::json(&serde_json::json!({ "status": "live" }))
}

/// Every service of the route table has a live instance.
///
/// Errors: `unavailable` (503), naming those that have none.
pub fn ready() -> Result<Response, Problem> {
    let services = services();
    let records = registry::find_all(&services)?;
    let Timestamp(now) = Timestamp::now();
    let is_live = records
        .iter()
        .map(|record| record.as_ref().is_some_and(|r| r.is_live(now)));
    verdict(&services, is_live)
}

fn verdict(services: &[&str], is_live: impl Iterator<Item = bool>) -> Result<Response, Problem> {
    let (live, missing): (Vec<_>, Vec<_>) = services
        .iter()
        .zip(is_live)
        .partition(|(_, is_live)| *is_live);
    if missing.is_empty() {
        let services: BTreeMap<_, _> = live.iter().map(|(service, _)| (service, "live")).collect();
        return Response::json(&serde_json::json!({ "status": "ready", "services": services }));
    }
    let missing: Vec<_> = missing.iter().map(|(service, _)| **service).collect();
    let missing = missing.join(", ");
    Err(Problem::unavailable(
        format!("Not there yet: {missing}."),
        format!("missing: {missing}"),
    ))
}

/// The services of the route table, each once.
fn services() -> Vec<&'static str> {
    let mut services: Vec<_> = ROUTES.iter().map(|route| route.service).collect();
    services.sort_unstable();
    services.dedup();
    services
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_ready_when_every_service_of_the_table_is_live() {
        let services = services();
        assert_eq!(
            services,
            [
                "account", "auth", "email", "gateway", "payment", "product", "registry"
            ],
        );
        let response = verdict(&["a", "b"], [true, true].into_iter()).unwrap();
        let body: serde_json::Value = serde_json::from_str(&response.body).unwrap();
        let expected =
            serde_json::json!({ "status": "ready", "services": { "a": "live", "b": "live" } });
        assert_eq!(body, expected);
    }

    #[test]
    fn those_that_are_missing_are_named() {
        let problem = verdict(&["a", "b", "c"], [false, true, false].into_iter()).unwrap_err();
        let response = problem.into_response("r");
        assert_eq!(response.status, 503);
        assert!(
            response.body.contains("Not there yet: a, c."),
            "{}",
            response.body
        );
    }
}
