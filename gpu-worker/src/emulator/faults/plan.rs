//! The faults of one submission, as the queue and the slots ask for them.
//!
//! Invariant: the default of everything here is a job without faults.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::script::FaultSpec;
use super::worker::WorkerFaults;

/// The faults of one submission.
#[derive(Debug, Default)]
pub struct FaultPlan {
    fake_render: Option<Duration>,
    faults: Vec<PlannedFault>,
}

/// A response from the script.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptedResponse {
    /// HTTP status code.
    pub http: u16,
    /// Such as `retry-after` and `content-type`.
    pub headers: HashMap<String, String>,
    /// Text as it is; any other JSON is sent as JSON.
    pub body: Value,
    /// How long the caller waits for the response.
    pub delay: Duration,
}

/// A false response of `/status`.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusOverride {
    /// Any JSON: a wrong status, an unknown one, a number.
    pub status: Value,
    /// `output`, when given.
    pub output: Option<Value>,
    /// `error`, when given.
    pub error: Option<Value>,
}

/// Which endpoints can have scripted responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// `POST /run`.
    Run,
    /// `/status/{id}`.
    Status,
    /// `POST /cancel/{id}`.
    Cancel,
}

/// How the webhook is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookFaults {
    /// How often.
    pub copies: u32,
    /// How late.
    pub delay: Duration,
    /// With this status instead of the job's.
    pub status: Option<String>,
}

#[derive(Debug)]
struct PlannedFault {
    /// The run that it is meant for; `None` for every run.
    run: Option<u64>,
    fault: FaultSpec,
    /// How often an `answer` may still be given.
    remaining: AtomicU32,
}

impl FaultPlan {
    /// `faults` with the run each is meant for; `None` for every run.
    pub(super) fn new(fake_render: Option<Duration>, faults: Vec<(Option<u64>, FaultSpec)>) -> Self {
        let planned = faults.into_iter().map(|(run, fault)| PlannedFault {
            run,
            remaining: AtomicU32::new(if let FaultSpec::Answer { times, .. } = fault { times } else { 0 }),
            fault,
        });
        Self { fake_render, faults: planned.collect() }
    }

    /// The scripted response of an endpoint, as often as the script says.
    pub fn scripted_response(&self, endpoint: Endpoint) -> Option<ScriptedResponse> {
        self.faults.iter().find_map(|planned| match &planned.fault {
            FaultSpec::Answer { to, http, headers, body, delay_ms, .. }
                if *to == endpoint && planned.consume() =>
            {
                Some(ScriptedResponse {
                    http: *http,
                    headers: headers.clone(),
                    body: body.clone(),
                    delay: Duration::from_millis(*delay_ms),
                })
            }
            _ => None,
        })
    }

    /// How long `/run` does not respond, and whether the job runs nevertheless.
    pub fn submit_timeout(&self) -> Option<(Duration, bool)> {
        self.find(|fault| match fault {
            FaultSpec::SubmitTimesOut { hold_ms, runs } => Some((Duration::from_millis(*hold_ms), *runs)),
            _ => None,
        })
    }

    /// Whether no worker may take it.
    pub fn never_starts(&self) -> bool {
        self.has(|fault| matches!(fault, FaultSpec::StuckInQueue | FaultSpec::ScaledToZero))
    }

    /// Whether `/health` shows no worker while it waits.
    pub fn hides_workers(&self) -> bool {
        self.has(|fault| matches!(fault, FaultSpec::ScaledToZero))
    }

    /// Whether `/status` does not know the job yet, or no longer.
    pub fn returns_not_found(&self, since_submit: Duration, since_end: Option<Duration>) -> bool {
        self.has(|fault| match fault {
            FaultSpec::NotFoundFor { ms } => since_submit < Duration::from_millis(*ms),
            FaultSpec::ForgottenAfter { ms } => {
                since_end.is_some_and(|since| since >= Duration::from_millis(*ms))
            }
            _ => false,
        })
    }

    /// The false response of `/status` at this age of the job.
    pub fn status_override(&self, since_submit: Duration) -> Option<StatusOverride> {
        self.find(|fault| match fault {
            FaultSpec::LyingStatus { status, output, error, for_ms }
                if for_ms.is_none_or(|ms| since_submit < Duration::from_millis(ms)) =>
            {
                Some(StatusOverride { status: status.clone(), output: output.clone(), error: error.clone() })
            }
            _ => None,
        })
    }

    /// Whether the queue never learns how this run ended.
    pub fn loses_result(&self, run: u64) -> bool {
        self.of_run(run).any(|fault| matches!(fault, FaultSpec::LostResult))
    }

    /// Whether a second worker gets the same run.
    pub fn runs_twice(&self, run: u64) -> bool {
        self.of_run(run).any(|fault| matches!(fault, FaultSpec::RunTwice))
    }

    /// How the webhook is sent.
    pub fn webhook(&self) -> WebhookFaults {
        let mut faults = WebhookFaults::default();
        for planned in &self.faults {
            match &planned.fault {
                FaultSpec::WebhookLost => faults.copies = 0,
                // A lost webhook stays lost.
                FaultSpec::WebhookDoubled => faults.copies = faults.copies.min(1) * 2,
                FaultSpec::WebhookDelayed { ms } => faults.delay = Duration::from_millis(*ms),
                FaultSpec::WebhookLies { status } => faults.status = Some(status.clone()),
                _ => {}
            }
        }
        faults
    }

    /// The faults of the worker in this run.
    pub fn worker_faults(&self, run: u64) -> WorkerFaults {
        let mut faults = WorkerFaults { fake_render: self.fake_render, ..WorkerFaults::default() };
        for fault in self.of_run(run) {
            faults.add(fault);
        }
        faults
    }

    fn of_run(&self, run: u64) -> impl Iterator<Item = &FaultSpec> {
        let of_run = move |planned: &&PlannedFault| planned.run.is_none_or(|wanted| wanted == run);
        self.faults.iter().filter(of_run).map(|planned| &planned.fault)
    }

    fn find<T>(&self, pick: impl Fn(&FaultSpec) -> Option<T>) -> Option<T> {
        self.faults.iter().find_map(|planned| pick(&planned.fault))
    }

    fn has(&self, is_wanted: impl Fn(&FaultSpec) -> bool) -> bool {
        self.faults.iter().any(|planned| is_wanted(&planned.fault))
    }
}

impl PlannedFault {
    /// Whether it may be used once more.
    fn consume(&self) -> bool {
        let one_less = |remaining: u32| remaining.checked_sub(1);
        self.remaining.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }
}

impl Default for WebhookFaults {
    fn default() -> Self {
        Self { copies: 1, delay: Duration::ZERO, status: None }
    }
}
