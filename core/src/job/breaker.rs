//! A breaker for each endpoint: when RunPod is silent for many jobs, their questions wait.
//!
//! The objects of one isolate share it. Closed, it lets everything through. Calls in a row without an answer
//! open it, and questions wait; half open, one call is on its way and shows whether the silence is over. It
//! is memory only: losing it costs a few questions, never a job. Invariants: a closed breaker stops nothing;
//! no wait is longer than [`PAUSE_MAX`]; an answer closes it, whatever the answer says.

use std::fmt;

use crate::base::id::JobId;
use crate::base::time::{DurationMs, Timestamp};

/// What is about to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunpodCall {
    /// A submit. While questions wait, it is tried more often than they are.
    Submit,
    /// A question about a job or the endpoint.
    Question,
}

/// Whether a call may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// As always.
    Send,
    /// As the one call that shows whether the endpoint answers again.
    Probe,
    /// Not now, but perhaps after this time.
    Wait(DurationMs),
}

/// What a line of the log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BreakerLog {
    /// The endpoint does not answer: questions wait.
    Paused(SilentCalls),
    /// It answers again.
    Resumed(SilentCalls),
}

/// The calls that one line stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SilentCalls {
    /// Calls without an answer.
    pub unanswered: u32,
    /// Calls that were not sent.
    pub not_sent: u32,
    /// Some of their jobs.
    pub examples: Vec<JobId>,
}

/// What one isolate knows of an endpoint's silence.
#[derive(Clone, Debug, Default)]
pub struct Breaker {
    state: BreakerState,
    calls: SilentCalls,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BreakerState {
    /// Everything is sent. The calls of the window had no answer.
    Closed { window_from: Timestamp },
    /// Questions wait until then, submits for a shorter time after the last try.
    Open { until: Timestamp, pause: DurationMs, tried_at: Timestamp, logged_at: Timestamp },
    /// One call was sent then. If nothing is heard of it, its object has died.
    HalfOpen { pause: DurationMs, tried_at: Timestamp, logged_at: Timestamp },
}

impl Default for BreakerState {
    fn default() -> Self {
        Self::Closed { window_from: Timestamp(0) }
    }
}

impl Breaker {
    /// Whether this call may be sent. What came of a call that was sent is told afterwards.
    pub fn permit(&mut self, call: RunpodCall, job: JobId, now: Timestamp) -> Permit {
        let (due_at, pause, logged_at) = match self.state {
            BreakerState::Closed { .. } => return Permit::Send,
            BreakerState::Open { until, pause, tried_at, logged_at } => match call {
                RunpodCall::Submit => (until.min(tried_at + SUBMIT_PAUSE), pause, logged_at),
                RunpodCall::Question => (until, pause, logged_at),
            },
            BreakerState::HalfOpen { pause, tried_at, logged_at } => {
                (tried_at + PROBE_TIMEOUT, pause, logged_at)
            }
        };
        let wait = due_at.since(now);
        // A clock that has jumped back must not make anybody wait for it.
        if wait > DurationMs(0) && wait <= PAUSE_MAX {
            self.calls.not_sent = self.calls.not_sent.saturating_add(1);
            self.calls.remember(job);
            return Permit::Wait(wait);
        }
        self.state = BreakerState::HalfOpen { pause, tried_at: now, logged_at };
        Permit::Probe
    }

    /// A call had an answer.
    pub fn answered(&mut self) -> Option<BreakerLog> {
        let was_closed = matches!(self.state, BreakerState::Closed { .. });
        let Self { calls, .. } = std::mem::take(self);
        (!was_closed).then_some(BreakerLog::Resumed(calls))
    }

    /// A call that had this permit had no answer in time.
    pub fn unanswered(&mut self, permit: Permit, job: JobId, now: Timestamp) -> Option<BreakerLog> {
        if let BreakerState::Closed { window_from } = self.state {
            // Negative after a jump of the clock: then a new window begins, too.
            let in_window = (0..=WINDOW.0).contains(&(now.0 - window_from.0));
            if !in_window {
                *self = Self { state: BreakerState::Closed { window_from: now }, ..Self::default() };
            }
        }
        self.calls.unanswered = self.calls.unanswered.saturating_add(1);
        self.calls.remember(job);
        let (pause, logged_at) = match self.state {
            BreakerState::Closed { .. } if self.calls.unanswered < SILENCES_TO_OPEN => return None,
            BreakerState::Closed { .. } => (PAUSE_MIN, None),
            // Calls from before it opened still come back; only the probe says something new.
            BreakerState::Open { .. } | BreakerState::HalfOpen { .. } if permit != Permit::Probe => {
                return None;
            }
            BreakerState::Open { pause, logged_at, .. } | BreakerState::HalfOpen { pause, logged_at, .. } => {
                (DurationMs(pause.0 * 2).min(PAUSE_MAX), Some(logged_at))
            }
        };
        let is_silent = logged_at.is_some_and(|at| (0..LOG_PAUSE.0).contains(&(now.0 - at.0)));
        let logged_at = logged_at.filter(|_| is_silent).unwrap_or(now);
        self.state = BreakerState::Open { until: now + pause, pause, tried_at: now, logged_at };
        (!is_silent).then(|| BreakerLog::Paused(self.calls.clone()))
    }

    /// Whether a silent call is to be logged as its job's own: while the breaker is open, one line stands
    /// for all.
    pub const fn logs_each_call(&self) -> bool {
        matches!(self.state, BreakerState::Closed { .. })
    }
}

impl SilentCalls {
    fn remember(&mut self, job: JobId) {
        if self.examples.len() < EXAMPLES_MAX && !self.examples.contains(&job) {
            self.examples.push(job);
        }
    }
}

impl fmt::Display for SilentCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} calls without an answer, {} not sent; jobs", self.unanswered, self.not_sent)?;
        for (index, job) in self.examples.iter().enumerate() {
            write!(f, "{} {job}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// So many silent calls in a row open it: more than one job asks within the window.
const SILENCES_TO_OPEN: u32 = 10;
const WINDOW: DurationMs = DurationMs::seconds(30);
/// How long questions wait at first; doubles with each probe that has no answer.
const PAUSE_MIN: DurationMs = DurationMs::seconds(5);
/// The longest wait.
pub const PAUSE_MAX: DurationMs = DurationMs::seconds(60);
/// Submits are tried this often while questions wait.
const SUBMIT_PAUSE: DurationMs = DurationMs::seconds(5);
/// More than any call to RunPod may take.
const PROBE_TIMEOUT: DurationMs = DurationMs::seconds(15);
/// A silence that goes on is logged this often.
const LOG_PAUSE: DurationMs = DurationMs::seconds(60);
const EXAMPLES_MAX: usize = 5;
