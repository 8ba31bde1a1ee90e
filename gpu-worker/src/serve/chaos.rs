//! Scripted faults: `--chaos SCRIPT` makes the server misbehave as RunPod and GPU workers do.
//!
//! A script is JSON: `{"seed": 7, "fake_render_ms": 300, "rules": [{"when": {"attempt": 1, "type":
//! "overlay"}, "chance": 1.0, "faults": [{"fault": "crash_at", "percent": 60}]}]}`. Every rule that
//! matches a submission adds its faults to it; [`HELP`] lists them all.
//!
//! Invariants: without a script every [`Plan`] is honest; the dice are thrown once per export job
//! and attempt, so that a submission that is sent again meets the same fault, not another one; one
//! attempt's faults never reach another attempt.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reel_core::edit::JobKind;
use reel_core::job::code::ErrorCode;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

/// What `serve --help` says about scripts.
pub const HELP: &str = "\
Play scripted faults, for tests of whoever calls this server. SCRIPT is a JSON file:

  {\"seed\": 7, \"fake_render_ms\": 300, \"rules\": [
    {\"when\": {\"attempt\": 1, \"type\": \"overlay\", \"run\": 1}, \"chance\": 0.5,
     \"faults\": [{\"fault\": \"crash_at\", \"percent\": 60}]}]}

Every rule that matches adds its faults. All of `when` is optional: the attempt of the export job, \
its type, and the run of one queue job (2 after a lost worker). `chance` is drawn once per attempt, \
from `seed`. `fake_render_ms` copies the input instead of rendering it.

Faults of the queue:
  answer {to: run|status|cancel, http, headers?, body?, delay_ms = 0, times = 1}
                                     say this instead, e.g. 429 with retry-after, 5xx, HTML, numeric status
  submit_times_out {hold_ms, runs = true}
                                     keep /run waiting so long; the job runs, or never existed
  stuck_in_queue                     no worker ever takes it
  not_found_for {ms}                 /status answers 404 so long after the submission
  lying_status {status, output?, error?, for_ms?}
                                     /status tells this, from the submission on
  forgotten_after {ms}               /status answers 404 so long after the job's end
  lost_result                        the job stays IN_PROGRESS when the worker is done
  run_twice                          two workers get the job at the same time
  webhook_lost | webhook_doubled | webhook_delayed {ms} | webhook_lies {status}
Faults of the worker:
  crash_at {percent} | hang_at {percent}
                                     die, or say nothing more, at this progress (0 to 99)
  fail {code, sentence}              report this error instead of rendering
  fake_render {ms}                   copy the input instead of rendering it
  silent_progress | shuffled_progress
                                     no progress reports, or old ones again after newer ones
  lost_complete | lost_error         the final report is never sent
  duplicate_complete {times = 1} | progress_after_complete
  complete_without_output | empty_output
                                     report an output that was never put, or has no bytes";

/// The script, and what was drawn from it so far.
#[derive(Debug, Default)]
pub struct Chaos {
    script: Script,
    drawn: Mutex<Drawn>,
}

/// The faults of one submission. The default is honest.
#[derive(Clone, Debug, Default)]
pub struct Plan(Arc<PlanInner>);

/// How the worker misbehaves in one run. The default is honest.
#[expect(clippy::struct_excessive_bools, reason = "independent faults, any of which may be scripted")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Misconduct {
    /// The worker dies at this percentage.
    pub crash_at: Option<f64>,
    /// The worker falls silent at this percentage.
    pub hang_at: Option<f64>,
    /// This error instead of a render.
    pub fail: Option<(ErrorCode, String)>,
    /// The input is copied in this time instead of being rendered.
    pub fake_render: Option<Duration>,
    /// What becomes of progress reports.
    pub reporting: Reporting,
    /// `complete` is never sent.
    pub lose_complete: bool,
    /// `error` is never sent.
    pub lose_error: bool,
    /// `complete` is sent so many times more.
    pub extra_completes: u32,
    /// One progress report follows `complete`.
    pub progress_after_complete: bool,
    /// The output is not put.
    pub skip_upload: bool,
    /// An output without bytes is put.
    pub empty_upload: bool,
}

/// What becomes of progress reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reporting {
    /// They are sent in order.
    #[default]
    Honest,
    /// None is sent.
    Mute,
    /// After each one, the one before it is sent again.
    Shuffled,
}

/// An answer from the script.
#[derive(Clone, Debug, PartialEq)]
pub struct Canned {
    /// HTTP status code.
    pub http: u16,
    /// Such as `retry-after` and `content-type`.
    pub headers: HashMap<String, String>,
    /// Text as it is; any other JSON is sent as JSON.
    pub body: Value,
    /// How long the caller waits for it.
    pub delay: Duration,
}

/// What `/status` pretends.
#[derive(Clone, Debug, PartialEq)]
pub struct Lie {
    /// Any JSON: a wrong word, an unknown one, a number.
    pub status: Value,
    /// `output`, when given.
    pub output: Option<Value>,
    /// `error`, when given.
    pub error: Option<Value>,
}

/// Which calls can be answered by the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `POST /run`.
    Run,
    /// `/status/{id}`.
    Status,
    /// `POST /cancel/{id}`.
    Cancel,
}

/// How the webhook is sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WebhookManners {
    /// Not at all.
    pub lost: bool,
    /// Twice.
    pub doubled: bool,
    /// So late.
    pub delay: Duration,
    /// With this status word.
    pub status: Option<String>,
}

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
struct Script {
    #[serde(default)]
    seed: u64,
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
    kind: Option<JobKind>,
    run: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
enum Fault {
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
}

#[derive(Debug)]
struct Drawn {
    dice: fastrand::Rng,
    plans: HashMap<(String, u32), Plan>,
}

#[derive(Debug, Default)]
struct PlanInner {
    fake_render: Option<Duration>,
    faults: Vec<Planned>,
}

#[derive(Debug)]
struct Planned {
    run: Option<u64>,
    fault: Fault,
    /// How often an `answer` may still be given.
    left: Mutex<u32>,
}

/// The part of the job's input that rules look at; a job that has none of it matches empty rules.
#[derive(Default, Deserialize)]
struct Marks {
    #[serde(default)]
    job_id: String,
    #[serde(default)]
    attempt: u32,
    #[serde(rename = "type")]
    kind: Option<JobKind>,
}

impl Chaos {
    /// Reads a script.
    ///
    /// # Errors
    /// When the file cannot be read, or [`Chaos::parse`] fails.
    pub fn load(path: &Path) -> Result<Self, ScriptError> {
        Self::parse(&std::fs::read_to_string(path)?)
    }

    /// Reads the text of a script.
    ///
    /// # Errors
    /// Names the first mistake of the script.
    pub fn parse(json: &str) -> Result<Self, ScriptError> {
        let script: Script = serde_json::from_str(json)?;
        script.check()?;
        let drawn = Drawn { dice: fastrand::Rng::with_seed(script.seed), plans: HashMap::new() };
        Ok(Self { script, drawn: Mutex::new(drawn) })
    }

    /// What is to go wrong with this submission; the same again for the same job and attempt.
    pub fn plan(&self, input: &RawValue) -> Plan {
        let marks: Marks = serde_json::from_str(input.get()).unwrap_or_default();
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let Drawn { dice, plans } = &mut *drawn;
        let key = (marks.job_id.clone(), marks.attempt);
        plans.entry(key).or_insert_with(|| self.script.draw(&marks, dice)).clone()
    }
}

impl Default for Drawn {
    fn default() -> Self {
        Self { dice: fastrand::Rng::with_seed(0), plans: HashMap::new() }
    }
}

impl Plan {
    /// The answer of the script to this call, as often as it says.
    pub fn answer(&self, call: Call) -> Option<Canned> {
        self.0.faults.iter().find_map(|planned| match &planned.fault {
            Fault::Answer { to, http, headers, body, delay_ms, .. } if *to == call && planned.use_up() => {
                Some(Canned {
                    http: *http,
                    headers: headers.clone(),
                    body: body.clone(),
                    delay: Duration::from_millis(*delay_ms),
                })
            }
            _ => None,
        })
    }

    /// How long `/run` does not answer, and whether the job runs nevertheless.
    pub fn held_submit(&self) -> Option<(Duration, bool)> {
        self.find(|fault| match fault {
            Fault::SubmitTimesOut { hold_ms, runs } => Some((Duration::from_millis(*hold_ms), *runs)),
            _ => None,
        })
    }

    /// Whether no worker may take it.
    pub fn is_stuck(&self) -> bool {
        self.find(|fault| matches!(fault, Fault::StuckInQueue).then_some(())).is_some()
    }

    /// Whether `/status` does not know the job (yet, or any more).
    pub fn hides(&self, since_submit: Duration, since_end: Option<Duration>) -> bool {
        self.find(|fault| match (fault, since_end) {
            (Fault::NotFoundFor { ms }, _) => (since_submit < Duration::from_millis(*ms)).then_some(()),
            (Fault::ForgottenAfter { ms }, Some(since)) => {
                (since >= Duration::from_millis(*ms)).then_some(())
            }
            _ => None,
        })
        .is_some()
    }

    /// What `/status` pretends at this age of the job.
    pub fn lie(&self, since_submit: Duration) -> Option<Lie> {
        self.find(|fault| match fault {
            Fault::LyingStatus { status, output, error, for_ms }
                if for_ms.is_none_or(|ms| since_submit < Duration::from_millis(ms)) =>
            {
                Some(Lie { status: status.clone(), output: output.clone(), error: error.clone() })
            }
            _ => None,
        })
    }

    /// Whether the queue never learns how this run ended.
    pub fn loses_result(&self, run: u64) -> bool {
        self.of_run(run).any(|fault| matches!(fault, Fault::LostResult))
    }

    /// Whether a second worker gets the same run.
    pub fn runs_twice(&self, run: u64) -> bool {
        self.of_run(run).any(|fault| matches!(fault, Fault::RunTwice))
    }

    /// How the webhook is sent.
    pub fn webhook(&self) -> WebhookManners {
        let mut manners = WebhookManners::default();
        for planned in &self.0.faults {
            match &planned.fault {
                Fault::WebhookLost => manners.lost = true,
                Fault::WebhookDoubled => manners.doubled = true,
                Fault::WebhookDelayed { ms } => manners.delay = Duration::from_millis(*ms),
                Fault::WebhookLies { status } => manners.status = Some(status.clone()),
                _ => {}
            }
        }
        manners
    }

    /// How the worker behaves in this run.
    pub fn misconduct(&self, run: u64) -> Misconduct {
        let mut misconduct = Misconduct { fake_render: self.0.fake_render, ..Misconduct::default() };
        for fault in self.of_run(run) {
            misconduct.add(fault);
        }
        misconduct
    }

    fn of_run(&self, run: u64) -> impl Iterator<Item = &Fault> {
        let of_run = move |planned: &&Planned| planned.run.is_none_or(|wanted| wanted == run);
        self.0.faults.iter().filter(of_run).map(|planned| &planned.fault)
    }

    fn find<T>(&self, pick: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        self.0.faults.iter().find_map(|planned| pick(&planned.fault))
    }
}

impl Misconduct {
    fn add(&mut self, fault: &Fault) {
        match fault {
            Fault::CrashAt { percent } => self.crash_at = Some(*percent),
            Fault::HangAt { percent } => self.hang_at = Some(*percent),
            Fault::Fail { code, sentence } => self.fail = Some((*code, sentence.clone())),
            Fault::FakeRender { ms } => self.fake_render = Some(Duration::from_millis(*ms)),
            Fault::SilentProgress => self.reporting = Reporting::Mute,
            Fault::ShuffledProgress => self.reporting = Reporting::Shuffled,
            Fault::LostComplete => self.lose_complete = true,
            Fault::LostError => self.lose_error = true,
            Fault::DuplicateComplete { times } => self.extra_completes = *times,
            Fault::ProgressAfterComplete => self.progress_after_complete = true,
            Fault::CompleteWithoutOutput => self.skip_upload = true,
            Fault::EmptyOutput => self.empty_upload = true,
            // Faults of the queue.
            Fault::Answer { .. }
            | Fault::SubmitTimesOut { .. }
            | Fault::StuckInQueue
            | Fault::NotFoundFor { .. }
            | Fault::LyingStatus { .. }
            | Fault::ForgottenAfter { .. }
            | Fault::LostResult
            | Fault::RunTwice
            | Fault::WebhookLost
            | Fault::WebhookDoubled
            | Fault::WebhookDelayed { .. }
            | Fault::WebhookLies { .. } => {}
        }
    }
}

impl Planned {
    fn use_up(&self) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let may = *left > 0;
        *left = left.saturating_sub(1);
        may
    }
}

impl Script {
    fn check(&self) -> Result<(), ScriptError> {
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

    fn draw(&self, marks: &Marks, dice: &mut fastrand::Rng) -> Plan {
        let mut faults = Vec::new();
        for rule in &self.rules {
            // Thrown for every rule, matched or not: one job's type must not shift another's luck.
            let is_drawn = dice.f64() < rule.chance;
            if is_drawn && rule.when.matches(marks) {
                faults.extend(rule.faults.iter().map(|fault| Planned {
                    run: rule.when.run,
                    left: Mutex::new(if let Fault::Answer { times, .. } = fault { *times } else { 0 }),
                    fault: fault.clone(),
                }));
            }
        }
        let fake_render = self.fake_render_ms.map(Duration::from_millis);
        Plan(Arc::new(PlanInner { fake_render, faults }))
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

#[cfg(test)]
mod tests;
