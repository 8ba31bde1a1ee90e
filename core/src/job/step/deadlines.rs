//! Deadlines that are due, and the outbox: cancels that RunPod has not confirmed, and index writes.

use crate::base::backoff::{exponential_backoff, with_jitter};
use crate::job::deadline::{Deadline, first_due_deadline};
use crate::job::effect::{JobEffect, Outcome};
use crate::job::error_code::ErrorCode;
use crate::job::gpu_service::{RunpodJobId, SubmitReply};
use crate::job::state::{JobState, PendingCancel, PollSchedule, Rendering};
use crate::job::step::StepBuilder;
use crate::webhook::delivery::Subscription;

impl StepBuilder<'_> {
    pub(super) fn alarm_fired(&mut self) -> Outcome {
        let mut outcome = Outcome::Ignored;
        // Each handled deadline moves on, so few rounds are enough. The next alarm handles what is left.
        for _ in 0..DEADLINES_PER_ALARM {
            let Some(deadline) = first_due_deadline(&self.job, self.timeouts, self.now) else { break };
            self.deadline_due(deadline);
            outcome = Outcome::Applied;
        }
        outcome
    }

    pub(super) fn deadline_due(&mut self, deadline: Deadline) {
        match deadline {
            Deadline::Submit => {
                if let JobState::PendingSubmit(pending) = &self.job.state {
                    // Written before the request is sent, so that a crash cannot submit twice unnoticed.
                    self.job.state = JobState::Submitting { pending: pending.clone(), sent_at: self.now };
                    self.persist = true;
                    self.effects.push(JobEffect::Submit { attempt: self.job.attempt });
                }
            }
            Deadline::SubmitReplyTimeout => self.return_to_pending(&SubmitReply::Unknown),
            Deadline::SubmitTimeout => {
                let unauthorized =
                    matches!(&self.job.state, JobState::PendingSubmit(pending) if pending.unauthorized);
                let code = if unauthorized { ErrorCode::GpuUnauthorized } else { ErrorCode::GpuUnreachable };
                self.fail_job(code, None);
            }
            Deadline::QueueTimeout => {
                self.request_cancel(self.runpod_job_id());
                self.fail_job(ErrorCode::QueueTimeout, None);
            }
            Deadline::ExecutionTimeout => {
                self.request_cancel(self.runpod_job_id());
                self.check_output(self.expected_output(), ErrorCode::ExecutionTimeout);
            }
            Deadline::Poll => self.poll_status(),
            Deadline::CheckOutput => {
                if let JobState::Verifying { key, poster, companions, next_check_at, .. } =
                    &mut self.job.state
                {
                    *next_check_at = self.now + self.timeouts.check_output_backoff;
                    let (key, poster, companions) = (key.clone(), poster.clone(), companions.keys());
                    self.request_output_check(&key, poster.as_ref(), companions);
                }
            }
            Deadline::CheckOutputTimeout => self.fail_attempt(ErrorCode::Internal, None, true),
            Deadline::PendingCancel(index) => self.retry_cancel(index),
            Deadline::SweepOutputs => self.sweep_outputs(),
            Deadline::Index => {
                let pause = exponential_backoff(
                    self.timeouts.outbox_backoff,
                    self.job.index.tries,
                    self.timeouts.poll_backoff_max,
                );
                self.job.index.due_at = self.now + with_jitter(pause, self.jitter_seed);
                let find_endpoints = !self.job.webhooks.announced.is_empty();
                self.effects.push(JobEffect::WriteIndex { version: self.job.index.wanted, find_endpoints });
            }
            Deadline::Webhook(id) => self.delivery_due(id),
        }
    }

    /// Polls RunPod, and schedules the next poll in case there is no reply.
    pub(super) fn poll_status(&mut self) {
        let (now, jitter_seed, timeouts) = (self.now, self.jitter_seed, *self.timeouts);
        let attempt = self.job.attempt;
        let (runpod_job_id, poll) = match &mut self.job.state {
            JobState::Queued { runpod_job_id, poll, .. }
            | JobState::Rendering(Rendering { runpod_job_id: Some(runpod_job_id), poll, .. }) => {
                (runpod_job_id.clone(), poll)
            }
            _ => return,
        };
        let pause = exponential_backoff(timeouts.poll_backoff, poll.tries, timeouts.poll_backoff_max);
        *poll = PollSchedule {
            next_at: now + with_jitter(pause, jitter_seed),
            tries: poll.tries + 1,
            poll_requested: false,
        };
        self.effects.push(JobEffect::PollStatus { attempt, runpod_job_id });
    }

    pub(super) fn retry_cancel(&mut self, index: usize) {
        let (now, jitter_seed, timeouts) = (self.now, self.jitter_seed, *self.timeouts);
        let Some(cancel) = self.job.pending_cancels.get_mut(index) else { return };
        if cancel.tries >= CANCEL_TRIES {
            // From here on, RunPod's own `executionTimeout` and `ttl` limit the cost.
            self.job.pending_cancels.remove(index);
            self.persist = true;
            return;
        }
        let pause = exponential_backoff(timeouts.outbox_backoff, cancel.tries, timeouts.poll_backoff_max);
        cancel.due_at = now + with_jitter(pause, jitter_seed);
        cancel.tries += 1;
        let runpod_job_id = cancel.runpod_job_id.clone();
        self.effects.push(JobEffect::CancelRunpodJob { runpod_job_id });
    }

    pub(super) fn cancel_replied(&mut self, runpod_job_id: &RunpodJobId, settled: bool) -> Outcome {
        let before = self.job.pending_cancels.len();
        if settled {
            self.job.pending_cancels.retain(|cancel| cancel.runpod_job_id != *runpod_job_id);
        }
        self.persist |= self.job.pending_cancels.len() != before;
        Outcome::Applied
    }

    pub(super) fn index_written(
        &mut self,
        version: u64,
        written: Option<u64>,
        endpoints: Option<&[Subscription]>,
    ) -> Outcome {
        let index = &mut self.job.index;
        if let Some(rows) = written {
            self.job.usage.d1_rows += rows;
            index.written = index.written.max(version);
            index.tries = 0;
            // A newer version does not wait for this one's backoff.
            index.due_at = self.now;
            self.persist = true;
            if let Some(endpoints) = endpoints {
                self.job.webhooks.fan_out(endpoints, self.now);
            }
        } else {
            index.tries += 1;
        }
        Outcome::Applied
    }

    /// The cron job compares the index with the object: a row or a version that was lost is written again.
    pub(super) fn index_reconciled(&mut self, version: Option<u64>) -> Outcome {
        let index = &self.job.index;
        if index.wanted == index.written && version == Some(index.written) {
            return Outcome::Ignored;
        }
        self.job.index.wanted = self.job.index.wanted.max(version.unwrap_or(0));
        self.request_index_write();
        self.persist = true;
        Outcome::Applied
    }

    pub(super) fn request_cancel(&mut self, runpod_job_id: Option<RunpodJobId>) {
        let Some(runpod_job_id) = runpod_job_id else { return };
        if self.job.pending_cancels.iter().all(|cancel| cancel.runpod_job_id != runpod_job_id) {
            self.job.pending_cancels.push(PendingCancel { runpod_job_id, due_at: self.now, tries: 0 });
            self.persist = true;
        }
    }

    pub(super) fn request_index_write(&mut self) {
        self.job.index.wanted += 1;
        self.job.index.due_at = self.now;
        self.job.index.tries = 0;
    }
}

/// More deadlines than a job can have due at once.
const DEADLINES_PER_ALARM: usize = 16;

/// Cancels of one RunPod job. After these, only RunPod's own limits end it.
const CANCEL_TRIES: u32 = 8;
