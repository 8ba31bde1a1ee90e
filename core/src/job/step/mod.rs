//! The transition function. It is total: every event has a result in every state, late events included.
//!
//! Invariants: the first end wins. Progress never decreases within an attempt. `seq` grows by one with every
//! log entry. An attempt number is never used twice.

mod callbacks;
mod deadlines;
mod endings;
mod orphans;
mod runpod;
mod webhooks;

use crate::base::object_key::ObjectKey;
use crate::base::time::Timestamp;
use crate::job::effect::{JobEffect, Outcome, Step};
use crate::job::event::JobEvent;
use crate::job::gpu_service::RunpodJobId;
use crate::job::log::{LogEntry, MessageType};
use crate::job::state::{Job, JobState, Rendering};
use crate::job::timeouts::Timeouts;

/// Applies `event` to `job` at `now`. `jitter_seed` is any random number.
pub fn apply(job: Job, event: JobEvent, now: Timestamp, jitter_seed: u32, timeouts: &Timeouts) -> Step {
    let mut builder = StepBuilder {
        job,
        persist: false,
        entries: Vec::new(),
        broadcast_progress: false,
        effects: Vec::new(),
        now,
        jitter_seed,
        timeouts,
    };
    let outcome = builder.handle(event);
    if builder.persist {
        builder.job.persisted_at = now;
        // One row for the job, one for each log entry.
        builder.job.usage.object_rows += 1 + u64::try_from(builder.entries.len()).unwrap_or(0);
    }
    Step {
        job: builder.job,
        persist: builder.persist,
        entries: builder.entries,
        broadcast_progress: builder.broadcast_progress,
        effects: builder.effects,
        outcome,
    }
}

/// A step while it is made.
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
                self.submit_replied(attempt, endpoint, reply)
            }
            JobEvent::CallbackReceived { attempt, report } => self.callback_received(attempt, report),
            JobEvent::WebhookReceived { attempt } => self.webhook_received(attempt),
            JobEvent::StatusPolled { attempt, reply } => self.status_polled(attempt, reply),
            JobEvent::EndpointLoadRead { attempt, load } => self.endpoint_load_read(attempt, load),
            JobEvent::OutputChecked { key, output: found, poster, companions } => {
                self.output_checked(&key, found, poster, companions)
            }
            JobEvent::CancelReplied { runpod_job_id, confirmed: settled } => {
                self.cancel_replied(&runpod_job_id, settled)
            }
            JobEvent::OutputsSwept { done } => self.outputs_swept(done),
            JobEvent::IndexWritten { version, written, endpoints } => {
                self.index_written(version, written, endpoints.as_deref())
            }
            JobEvent::DeliveryEnded(ended) => self.delivery_ended(ended),
            JobEvent::RedeliveryRequested(id) => self.redelivery_requested(id),
            JobEvent::IndexReconciled { version } => self.index_reconciled(version),
            JobEvent::CancelRequested => self.cancel_requested(),
            JobEvent::RetryRequested => self.retry_requested(),
            JobEvent::RevokeLinksRequested => self.revoke_links_requested(),
        }
    }

    fn append_entry(&mut self, message_type: MessageType) {
        self.job.seq += 1;
        self.persist = true;
        self.entries.push(LogEntry {
            seq: self.job.seq,
            at: self.now,
            message_type,
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

    fn expected_poster(&self) -> ObjectKey {
        ObjectKey::poster(self.job.id, self.job.attempt)
    }
}
