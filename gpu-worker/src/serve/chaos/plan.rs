//! What a script wants to go wrong with one submission, as the queue and the worker ask for it.
//!
//! Invariant: the default of everything here is honest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::misconduct::Misconduct;
use super::script::Fault;

/// The faults of one submission. The default is honest.
#[derive(Clone, Debug, Default)]
pub struct Plan(Arc<PlanInner>);

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

impl Plan {
    /// `faults` with the run each is meant for; every run when it names none.
    pub(super) fn new(fake_render: Option<Duration>, faults: Vec<(Option<u64>, Fault)>) -> Self {
        let planned = faults.into_iter().map(|(run, fault)| Planned {
            run,
            left: Mutex::new(if let Fault::Answer { times, .. } = fault { times } else { 0 }),
            fault,
        });
        Self(Arc::new(PlanInner { fake_render, faults: planned.collect() }))
    }

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
        self.find(|fault| matches!(fault, Fault::StuckInQueue | Fault::ScaledToZero).then_some(())).is_some()
    }

    /// Whether `/health` shows no worker while it waits.
    pub fn hides_workers(&self) -> bool {
        self.find(|fault| matches!(fault, Fault::ScaledToZero).then_some(())).is_some()
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

impl Planned {
    fn use_up(&self) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let may = *left > 0;
        *left = left.saturating_sub(1);
        may
    }
}
