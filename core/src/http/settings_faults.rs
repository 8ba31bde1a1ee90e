//! Who is told which settings are wrong. Everybody is told that something is.

use crate::auth::service_keys::ServiceKeys;
use crate::config::{Setting, is_loopback};
use crate::http::problem::{Problem, ProblemCode};

/// Whether a caller may read the faults of the settings: with the API key, or on this machine in development.
/// The settings are wrong, so that they are asked one by one.
pub fn may_read_faults(
    read: &dyn Fn(Setting) -> Option<String>,
    host: &str,
    authorization: Option<&str>,
) -> bool {
    let value = |setting| read(setting).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let development = value(Setting::Environment).as_deref() == Some("development");
    let has_key = value(Setting::WorkersApiKey)
        .and_then(|keys| ServiceKeys::parse(&keys).ok())
        .is_some_and(|keys| keys.caller(authorization).is_some());
    has_key || (development && is_loopback(host))
}

impl Problem {
    /// What everybody else is told.
    pub fn not_configured() -> Self {
        Self::new(
            ProblemCode::NotConfigured,
            "This deployment is not configured. Its operator finds the reason in the log, or with the API key at GET /health.",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_read(environment: &str, key: &str, host: &str, authorization: Option<&str>) -> bool {
        let read = |setting| match setting {
            Setting::Environment => Some(environment.to_owned()),
            Setting::WorkersApiKey => Some(key.to_owned()),
            _ => None,
        };
        may_read_faults(&read, host, authorization)
    }

    const KEY: &str = "api-key-0123456789abcdef0123456789";
    const BEARER: Option<&str> = Some("Bearer api-key-0123456789abcdef0123456789");

    #[test]
    fn strangers_do_not_read_which_settings_are_wrong() {
        for environment in ["production", "", "Development"] {
            for host in ["api.example", "localhost:8787", "127.0.0.1"] {
                for authorization in [None, Some("Bearer wrong"), Some("Bearer "), Some("")] {
                    assert!(!may_read(environment, KEY, host, authorization));
                    assert!(!may_read(environment, "", host, authorization), "no key opens nothing");
                }
                assert!(may_read(environment, KEY, host, BEARER));
            }
        }
        assert!(may_read("development", KEY, "localhost:8787", None));
        assert!(!may_read("development", KEY, "api.example", None), "development that was deployed");
    }
}
