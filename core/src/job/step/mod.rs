//! The one transition function. Total: every event in every state has an answer, and late news is one.
//!
//! Invariants: the first end wins; progress never goes down within an attempt; `seq` grows by one with
//! every stored event; an attempt number is never used twice.

mod callbacks;
mod deadlines;
mod endings;
mod orphans;
mod runpod;

use crate::base::object_key::ObjectKey;
use crate::base::time::Timestamp;
use crate::job::effect::{JobEffect, Outcome, Step};
use crate::job::event::JobEvent;
use crate::job::gpu_service::RunpodJobId;
use crate::job::log::{LogEntry, MessageType};
use crate::job::state::{Job, JobState, Rendering};
use crate::job::timeouts::Timeouts;

/// What follows when `event` happens to `job` at `now`. `chance` is any random number, for jitter.
pub fn apply(job: Job, event: JobEvent, now: Timestamp, chance: u32, timing: &Timeouts) -> Step {
    let mut turn = StepBuilder {
        job,
        persist: false,
        entries: Vec::new(),
        broadcast_progress: false,
        effects: Vec::new(),
        now,
        jitter_seed: chance,
        timeouts: timing,
    };
    let outcome = turn.handle(event);
    if turn.persist {
        turn.job.persisted_at = now;
        // One row for the job, one for each event.
        turn.job.usage.object_rows += 1 + u64::try_from(turn.entries.len()).unwrap_or(0);
    }
    Step {
        job: turn.job,
        persist: turn.persist,
        entries: turn.entries,
        broadcast_progress: turn.broadcast_progress,
        effects: turn.effects,
        outcome,
    }
}

/// A step in the making.
struct StepBuilder<'t> {
    job: Job,
    persist: bool,
    entries: Vec<LogEntry>,
    broadcast_progress: bool,
    effects: Vec<JobEffect>,
    now: Timestamp,
    jitter_seed: u32,
    timeouts: &'t Timeouts,
}

impl StepBuilder<'_> {
    fn handle(&mut self, event: JobEvent) -> Outcome {
        match event {
            JobEvent::AlarmFired => self.alarm_fired(),
            JobEvent::SubmitReplied { attempt, endpoint, reply } => {
                self.submit_answered(attempt, endpoint, reply)
            }
            JobEvent::CallbackReceived { attempt, report } => self.callback_received(attempt, report),
            JobEvent::WebhookReceived { attempt } => self.poll_requested(attempt),
            JobEvent::StatusPolled { attempt, reply } => self.status_polled(attempt, reply),
            JobEvent::EndpointLoadRead { attempt, crowd } => self.endpoint_load_read(attempt, crowd),
            JobEvent::OutputChecked { key, found, poster } => self.output_checked(&key, found, poster),
            JobEvent::CancelReplied { runpod_job_id, settled } => {
                self.cancel_answered(&runpod_job_id, settled)
            }
            JobEvent::IndexWritten { version, written } => self.index_answered(version, written),
            JobEvent::IndexReconciled { version } => self.index_reconciled(version),
            JobEvent::CancelRequested => self.cancel_requested(),
            JobEvent::RetryRequested => self.retry_requested(),
        }
    }

    fn append_entry(&mut self, kind: MessageType) {
        self.job.seq += 1;
        self.persist = true;
        self.entries.push(LogEntry {
            seq: self.job.seq,
            at: self.now,
            message_type: kind,
            snapshot: self.job.snapshot(),
        });
    }

    fn runpod_job_id(&self) -> Option<RunpodJobId> {
        match &self.job.state {
            JobState::Queued { runpod_job_id, .. } => Some(runpod_job_id.clone()),
            JobState::Rendering(Rendering { runpod_job_id, .. })
            | JobState::Verifying { runpod_job_id, .. } => runpod_job_id.clone(),
            JobState::PendingSubmit(_) | JobState::Submitting { .. } | JobState::Ended(_) => None,
        }
    }

    fn expected_output(&self) -> ObjectKey {
        ObjectKey::output(self.job.id, self.job.attempt)
    }

    fn own_poster(&self) -> ObjectKey {
        ObjectKey::poster(self.job.id, self.job.attempt)
    }
}
