//! The script's text: rules, conditions, faults, and what is wrong with them.

use std::collections::HashMap;
use std::time::Duration;

use reel_core::edit::JobType;
use reel_core::job::error_code::ErrorCode;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::plan::Call;
use super::plan::Plan;

/// Why a script cannot be played.
#[derive(Debug, Error)]
pub enum ScriptError {
    /// The file.
    #[error("the chaos script cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// Its text.
    #[error("the chaos script is not valid: {0}")]
    Invalid(#[from] serde_json::Error),
    /// A number that makes no sense.
    #[error("the chaos script is not valid: {what} must lie between {min} and {max}")]
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
pub(super) struct Script {
    #[serde(default)]
    pub(super) seed: u64,
    fake_render_ms: Option<u64>,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    #[serde(default)]
    when: When,
    #[serde(default = "always")]
    chance: f64,
    faults: Vec<Fault>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct When {
    attempt: Option<u32>,
    #[serde(rename = "type")]
    kind: Option<JobType>,
    run: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Fault {
    Answer {
        to: Call,
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

/// The part of the job's input that rules look at; a job that has none of it matches empty rules.
#[derive(Default, Deserialize)]
pub(super) struct Marks {
    #[serde(default)]
    pub(super) job_id: String,
    #[serde(default)]
    pub(super) attempt: u32,
    #[serde(rename = "type")]
    kind: Option<JobType>,
}

impl Script {
    pub(super) fn check(&self) -> Result<(), ScriptError> {
        for rule in &self.rules {
            in_range("chance", rule.chance, 0, 1)?;
            for fault in &rule.faults {
                match fault {
                    Fault::CrashAt { percent } | Fault::HangAt { percent } => {
                        in_range("percent", *percent, 0, 99)?;
                    }
                    Fault::Answer { http, .. } => in_range("http", f64::from(*http), 200, 599)?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    pub(super) fn draw(&self, marks: &Marks, dice: &mut fastrand::Rng) -> Plan {
        let mut faults = Vec::new();
        for rule in &self.rules {
            // Thrown for every rule, matched or not: one job's type must not shift another's luck.
            let is_drawn = dice.f64() < rule.chance;
            if is_drawn && rule.when.matches(marks) {
                faults.extend(rule.faults.iter().map(|fault| (rule.when.run, fault.clone())));
            }
        }
        Plan::new(self.fake_render_ms.map(Duration::from_millis), faults)
    }
}

impl When {
    fn matches(&self, marks: &Marks) -> bool {
        self.attempt.is_none_or(|attempt| attempt == marks.attempt)
            && self.kind.is_none_or(|kind| Some(kind) == marks.kind)
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
