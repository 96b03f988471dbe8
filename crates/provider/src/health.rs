//! The answer to a host that asks how a provider is.

use wasmcloud_provider_sdk::HealthCheckResponse;

/// Healthy where nothing is wrong; otherwise everything that is, in one line.
#[must_use]
pub fn health(troubles: &[String]) -> HealthCheckResponse {
    HealthCheckResponse {
        healthy: troubles.is_empty(),
        message: (!troubles.is_empty()).then(|| troubles.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_troubles_are_told() {
        let fine = health(&[]);
        assert!(fine.healthy && fine.message.is_none());
        let ill = health(&["no disk".to_owned(), "no net".to_owned()]);
        assert!(!ill.healthy);
        assert_eq!(ill.message.as_deref(), Some("no disk; no net"));
    }
}
