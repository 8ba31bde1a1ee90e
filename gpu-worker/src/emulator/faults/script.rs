//! The script as JSON: rules, filters, faults, and their checks.

use std::collections::HashMap;
use std::time::Duration;

use reel_core::edit::JobType;
use reel_core::job::error_code::ErrorCode;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::plan::{Endpoint, FaultPlan};

/// Why a script is refused.
#[derive(Debug, Error)]
pub enum ScriptError {
    /// The file.
    #[error("the chaos script cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// Its text.
    #[error("the chaos script is not valid: {0}")]
    Invalid(#[from] serde_json::Error),
    /// A number out of range.
    #[error("the chaos script is not valid: {what} must be between {min} and {max}")]
    OutOfRange {
        /// Which number.
        what: &'static str,
        /// Its smallest value.
        min: u32,
        /// Its largest value.
        max: u32,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultScript {
    #[serde(default)]
    pub(super) seed: u64,
    fake_render_ms: Option<u64>,
    #[serde(default)]
    rules: Vec<FaultRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultRule {
    #[serde(default)]
    when: RuleFilter,
    #[serde(default = "always")]
    chance: f64,
    faults: Vec<FaultSpec>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFilter {
    attempt: Option<u32>,
    #[serde(rename = "type")]
    kind: Option<JobType>,
    run: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum FaultSpec {
    Answer {
        to: Endpoint,
        http: u16,
        #[serde(default)]
        headers: HashMap<String, String>,
        #[serde(default)]
        body: Value,
        #[serde(default)]
        delay_ms: u64,
        #[serde(default = "once")]
        times: u32,
    },
    SubmitTimesOut {
        hold_ms: u64,
        #[serde(default = "yes")]
        runs: bool,
    },
    StuckInQueue,
    ScaledToZero,
    NotFoundFor {
        ms: u64,
    },
    LyingStatus {
        status: Value,
        output: Option<Value>,
        error: Option<Value>,
        for_ms: Option<u64>,
    },
    ForgottenAfter {
        ms: u64,
    },
    LostResult,
    RunTwice,
    WebhookLost,
    WebhookDoubled,
    WebhookDelayed {
        ms: u64,
    },
    WebhookLies {
        status: String,
    },
    CrashAt {
        percent: f64,
    },
    HangAt {
        percent: f64,
    },
    Fail {
        code: ErrorCode,
        sentence: String,
    },
    FakeRender {
        ms: u64,
    },
    SilentProgress,
    ShuffledProgress,
    LostComplete,
    LostError,
    DuplicateComplete {
        #[serde(default = "once")]
        times: u32,
    },
    ProgressAfterComplete,
    CompleteWithoutOutput,
    EmptyOutput,
    TruncatedOutput,
    RefusedPoster,
}

/// The part of the job's input that rules filter by; a job without it matches empty filters.
#[derive(Default, Deserialize)]
pub(super) struct JobAttributes {
    #[serde(default)]
    pub(super) job_id: String,
    #[serde(default)]
    pub(super) attempt: u32,
    #[serde(rename = "type")]
    kind: Option<JobType>,
}

impl FaultScript {
    pub(super) fn check(&self) -> Result<(), ScriptError> {
        for rule in &self.rules {
            in_range("chance", rule.chance, 0, 1)?;
            for fault in &rule.faults {
                match fault {
                    FaultSpec::CrashAt { percent } | FaultSpec::HangAt { percent } => {
                        in_range("percent", *percent, 0, 99)?;
                    }
                    FaultSpec::Answer { http, .. } => in_range("http", f64::from(*http), 200, 599)?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    pub(super) fn select_faults(&self, job: &JobAttributes, rng: &mut fastrand::Rng) -> FaultPlan {
        let mut faults = Vec::new();
        for rule in &self.rules {
            // Drawn for every rule, matched or not: the type of one job must not change the draws of
            // another.
            let is_drawn = rng.f64() < rule.chance;
            if is_drawn && rule.when.matches(job) {
                faults.extend(rule.faults.iter().map(|fault| (rule.when.run, fault.clone())));
            }
        }
        FaultPlan::new(self.fake_render_ms.map(Duration::from_millis), faults)
    }
}

impl RuleFilter {
    fn matches(&self, job: &JobAttributes) -> bool {
        self.attempt.is_none_or(|attempt| attempt == job.attempt)
            && self.kind.is_none_or(|kind| Some(kind) == job.kind)
    }
}

fn in_range(what: &'static str, value: f64, min: u32, max: u32) -> Result<(), ScriptError> {
    if (f64::from(min)..=f64::from(max)).contains(&value) {
        Ok(())
    } else {
        Err(ScriptError::OutOfRange { what, min, max })
    }
}

const fn always() -> f64 {
    1.0
}

const fn once() -> u32 {
    1
}

const fn yes() -> bool {
    true
}
