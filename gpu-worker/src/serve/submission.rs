//! What a client may put into `POST /run`, read once at the door.
//!
//! Invariant: unknown top-level keys are dropped here, as RunPod drops them, and never reach a job.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

/// One accepted order.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Handed to the renderer and echoed by the webhook, byte for byte.
    pub input: Box<RawValue>,
    /// Told once when the job completes or fails.
    pub webhook: Option<String>,
    /// How long the job may run and live.
    pub policy: Policy,
}

/// RunPod's `policy`, with its defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The longest run; waiting in the queue does not count.
    pub execution_timeout: Duration,
    /// The longest life, from submission on, in whatever state.
    pub ttl: Duration,
    /// Runs only when nothing else waits.
    pub low_priority: bool,
}

/// The smallest values that a policy may name; RunPod's own by default, less in tests.
#[derive(Clone, Copy, Debug)]
pub struct PolicyFloor {
    /// Below it, `policy.executionTimeout` is refused.
    pub execution_timeout: Duration,
    /// Below it, `policy.ttl` is refused.
    pub ttl: Duration,
}

/// Why a submission is refused; each is a 400.
#[derive(Debug, Error)]
pub enum BadSubmission {
    /// Not the JSON that RunPod takes.
    #[error("the body is not the JSON of a job: {0}")]
    NotJson(#[from] serde_json::Error),
    /// RunPod would hand the worker a job that it cannot run.
    #[error("input is missing or empty")]
    NoInput,
    /// Nothing could ever be told there.
    #[error("webhook must be an http or https URL")]
    BadWebhook,
    /// Most likely seconds where milliseconds are meant.
    #[error("policy.{field} must lie between {min_ms} and {max_ms} milliseconds, not {given_ms}")]
    OutOfBounds {
        /// The key inside `policy`.
        field: &'static str,
        /// Smallest allowed value.
        min_ms: u128,
        /// Largest allowed value.
        max_ms: u128,
        /// What came.
        given_ms: u64,
    },
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    webhook: Option<String>,
    policy: Option<BodyPolicy>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BodyPolicy {
    execution_timeout: Option<u64>,
    ttl: Option<u64>,
    low_priority: Option<bool>,
}

impl Submission {
    /// Reads the body of `POST /run`.
    ///
    /// # Errors
    /// When RunPod would not take it, or would take it and never be able to run it.
    pub fn parse(body: &[u8], floor: PolicyFloor) -> Result<Self, BadSubmission> {
        let body: Body<'_> = serde_json::from_slice(body)?;
        let input = body.input.filter(|input| !is_empty(input.get())).ok_or(BadSubmission::NoInput)?;
        let webhook = body.webhook.filter(|url| !url.is_empty());
        if webhook.as_deref().is_some_and(|url| !is_http(url)) {
            return Err(BadSubmission::BadWebhook);
        }
        let policy = body.policy.unwrap_or_default();
        Ok(Self {
            input: input.to_owned(),
            webhook,
            policy: Policy {
                execution_timeout: bounded(
                    "executionTimeout",
                    policy.execution_timeout,
                    floor.execution_timeout,
                    DEFAULT_EXECUTION_TIMEOUT,
                )?,
                ttl: bounded("ttl", policy.ttl, floor.ttl, DEFAULT_TTL)?,
                low_priority: policy.low_priority.unwrap_or(false),
            },
        })
    }
}

impl Default for PolicyFloor {
    fn default() -> Self {
        Self { execution_timeout: Duration::from_secs(5), ttl: Duration::from_secs(10) }
    }
}

/// Whether this could be asked over HTTP at all.
pub fn is_http(url: &str) -> bool {
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
) -> Result<Duration, BadSubmission> {
    let Some(given_ms) = given_ms else { return Ok(default) };
    let given = Duration::from_millis(given_ms);
    if given < min || given > LONGEST {
        return Err(BadSubmission::OutOfBounds {
            field,
            min_ms: min.as_millis(),
            max_ms: LONGEST.as_millis(),
            given_ms,
        });
    }
    Ok(given)
}

const DEFAULT_EXECUTION_TIMEOUT: Duration = Duration::from_mins(10);
const DEFAULT_TTL: Duration = Duration::from_hours(24);
const LONGEST: Duration = Duration::from_hours(7 * 24);

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<Submission, String> {
        Submission::parse(body.as_bytes(), PolicyFloor::default()).map_err(|bad| bad.to_string())
    }

    #[test]
    fn a_bare_input_gets_the_default_policy() {
        let submission = parse(r#"{"input":{"a": 1.50}}"#).unwrap();
        assert_eq!(submission.input.get(), r#"{"a": 1.50}"#);
        assert_eq!(submission.webhook, None);
        assert_eq!(
            submission.policy,
            Policy { execution_timeout: DEFAULT_EXECUTION_TIMEOUT, ttl: DEFAULT_TTL, low_priority: false }
        );
    }

    #[test]
    fn policy_is_read_in_milliseconds_and_unknown_keys_are_dropped() {
        let submission = parse(
            r#"{"input":{"a":1},"surprise":[],"webhook":"http://127.0.0.1:1/x",
                "policy":{"executionTimeout":600000,"ttl":1560000,"lowPriority":true,"other":1}}"#,
        )
        .unwrap();
        assert_eq!(submission.policy.execution_timeout, Duration::from_mins(10));
        assert_eq!(submission.policy.ttl, Duration::from_mins(26));
        assert!(submission.policy.low_priority);
        assert_eq!(submission.webhook.as_deref(), Some("http://127.0.0.1:1/x"));
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
        assert!(parse("not json").unwrap_err().starts_with("the body is not the JSON of a job"));
        assert!(parse("[1]").is_err());
    }

    #[test]
    fn seconds_in_place_of_milliseconds_are_refused() {
        let refused = parse(r#"{"input":{"a":1},"policy":{"executionTimeout":600}}"#).unwrap_err();
        assert_eq!(
            refused,
            "policy.executionTimeout must lie between 5000 and 604800000 milliseconds, not 600"
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
