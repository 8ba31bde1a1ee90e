//! The body of `POST /run`.
//!
//! Invariant: unknown top-level keys are dropped here, as RunPod drops them, and never reach a job.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

/// One accepted request.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// Passed to the worker and echoed by the webhook, byte for byte.
    pub input: Box<RawValue>,
    /// Called when the job completes or fails.
    pub webhook: Option<String>,
    /// How long the job may run and live.
    pub policy: RunPolicy,
}

/// RunPod's `policy`, with its defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunPolicy {
    /// The longest run; waiting in the queue does not count.
    pub execution_timeout: Duration,
    /// The longest life, from submission on, in whatever state.
    pub ttl: Duration,
    /// Runs only when nothing else waits.
    pub low_priority: bool,
}

/// The smallest values of a policy; RunPod's own by default, smaller in tests.
#[derive(Clone, Copy, Debug)]
pub struct PolicyMinimums {
    /// Below it, `policy.executionTimeout` is refused.
    pub execution_timeout: Duration,
    /// Below it, `policy.ttl` is refused.
    pub ttl: Duration,
}

/// Why a request is refused; each is a 400.
#[derive(Debug, Error)]
pub enum RunRequestError {
    /// Not the JSON that RunPod takes.
    #[error("the body is not a job in JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// RunPod would hand the worker a job that it cannot run.
    #[error("input is missing or empty")]
    NoInput,
    /// It could never be called.
    #[error("webhook must be an http or https URL")]
    InvalidWebhook,
    /// Most likely seconds where milliseconds are meant.
    #[error("policy.{field} must be between {min_ms} and {max_ms} milliseconds, not {given_ms}")]
    OutOfBounds {
        /// The key inside `policy`.
        field: &'static str,
        /// Smallest allowed value.
        min_ms: u128,
        /// Largest allowed value.
        max_ms: u128,
        /// The value of the request.
        given_ms: u64,
    },
}

#[derive(Deserialize)]
struct RawRunRequest<'a> {
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    webhook: Option<String>,
    policy: Option<RawPolicy>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPolicy {
    execution_timeout: Option<u64>,
    ttl: Option<u64>,
    low_priority: Option<bool>,
}

impl RunRequest {
    /// Reads the body; refuses what RunPod refuses, and what no worker could run.
    pub fn parse(body: &[u8], minimums: PolicyMinimums) -> Result<Self, RunRequestError> {
        let body: RawRunRequest<'_> = serde_json::from_slice(body)?;
        let input = body.input.filter(|input| !is_empty(input.get())).ok_or(RunRequestError::NoInput)?;
        let webhook = body.webhook.filter(|url| !url.is_empty());
        if webhook.as_deref().is_some_and(|url| !is_http(url)) {
            return Err(RunRequestError::InvalidWebhook);
        }
        let policy = body.policy.unwrap_or_default();
        Ok(Self {
            input: input.to_owned(),
            webhook,
            policy: RunPolicy {
                execution_timeout: bounded(
                    "executionTimeout",
                    policy.execution_timeout,
                    minimums.execution_timeout,
                    DEFAULT_EXECUTION_TIMEOUT,
                )?,
                ttl: bounded("ttl", policy.ttl, minimums.ttl, DEFAULT_TTL)?,
                low_priority: policy.low_priority.unwrap_or(false),
            },
        })
    }
}

impl Default for PolicyMinimums {
    fn default() -> Self {
        Self { execution_timeout: Duration::from_secs(5), ttl: Duration::from_secs(10) }
    }
}

/// Whether this is an HTTP URL.
fn is_http(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn is_empty(json: &str) -> bool {
    let bare: String = json.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    matches!(bare.as_str(), "{}" | "[]" | "\"\"" | "null")
}

fn bounded(
    field: &'static str,
    given_ms: Option<u64>,
    min: Duration,
    default: Duration,
) -> Result<Duration, RunRequestError> {
    let Some(given_ms) = given_ms else { return Ok(default) };
    let given = Duration::from_millis(given_ms);
    if given < min || given > MAX_DURATION {
        return Err(RunRequestError::OutOfBounds {
            field,
            min_ms: min.as_millis(),
            max_ms: MAX_DURATION.as_millis(),
            given_ms,
        });
    }
    Ok(given)
}

const DEFAULT_EXECUTION_TIMEOUT: Duration = Duration::from_mins(10);
const DEFAULT_TTL: Duration = Duration::from_hours(24);
const MAX_DURATION: Duration = Duration::from_hours(7 * 24);

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<RunRequest, String> {
        RunRequest::parse(body.as_bytes(), PolicyMinimums::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_bare_input_gets_the_default_policy() {
        let request = parse(r#"{"input":{"a": 1.50}}"#).unwrap();
        assert_eq!(request.input.get(), r#"{"a": 1.50}"#);
        assert_eq!(request.webhook, None);
        assert_eq!(
            request.policy,
            RunPolicy { execution_timeout: DEFAULT_EXECUTION_TIMEOUT, ttl: DEFAULT_TTL, low_priority: false }
        );
    }

    #[test]
    fn policy_is_read_in_milliseconds_and_unknown_keys_are_dropped() {
        let request = parse(
            r#"{"input":{"a":1},"surprise":[],"webhook":"http://127.0.0.1:1/x",
                "policy":{"executionTimeout":600000,"ttl":1560000,"lowPriority":true,"other":1}}"#,
        )
        .unwrap();
        assert_eq!(request.policy.execution_timeout, Duration::from_mins(10));
        assert_eq!(request.policy.ttl, Duration::from_mins(26));
        assert!(request.policy.low_priority);
        assert_eq!(request.webhook.as_deref(), Some("http://127.0.0.1:1/x"));
    }

    #[test]
    fn input_that_no_worker_could_run_is_refused() {
        for body in [
            "{}",
            r#"{"input":null}"#,
            r#"{"input":{}}"#,
            r#"{"input":{ } }"#,
            r#"{"input":""}"#,
            r#"{"webhook":"http://a/"}"#,
        ] {
            assert_eq!(parse(body).unwrap_err(), "input is missing or empty", "{body}");
        }
        assert!(parse("not json").unwrap_err().starts_with("the body is not a job in JSON"));
        assert!(parse("[1]").is_err());
    }

    #[test]
    fn seconds_in_place_of_milliseconds_are_refused() {
        let refused = parse(r#"{"input":{"a":1},"policy":{"executionTimeout":600}}"#).unwrap_err();
        assert_eq!(
            refused,
            "policy.executionTimeout must be between 5000 and 604800000 milliseconds, not 600"
        );
        assert!(parse(r#"{"input":{"a":1},"policy":{"ttl":9999}}"#).is_err());
        assert!(parse(r#"{"input":{"a":1},"policy":{"ttl":604800001}}"#).is_err());
    }

    #[test]
    fn a_webhook_must_be_a_url() {
        for url in ["ftp://a/b", "/relative", "http://"] {
            assert!(parse(&format!(r#"{{"input":{{"a":1}},"webhook":"{url}"}}"#)).is_err(), "{url}");
        }
    }
}
