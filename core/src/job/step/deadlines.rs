//! Deadlines that ring, and debts that are paid when they do: cancels owed to RunPod, rows owed to the index.

use crate::base::backoff::{exponential_backoff, with_jitter};
use crate::job::deadline::{Deadline, first_due_deadline};
use crate::job::effect::{JobEffect, Outcome};
use crate::job::error_code::ErrorCode;
use crate::job::gpu_service::RunpodJobId;
use crate::job::state::{JobState, PendingCancel, PollSchedule, Rendering};
use crate::job::step::StepBuilder;

impl StepBuilder<'_> {
    pub(super) fn alarm_fired(&mut self) -> Outcome {
        let mut outcome = Outcome::Ignored;
        // Each timer that is handled moves on, so a handful of turns is enough; what is left rings again.
        for _ in 0..TIMERS_PER_WAKE {
            let Some(due) = first_due_deadline(&self.job, self.timeouts, self.now) else { break };
            self.deadline_due(due);
            outcome = Outcome::Applied;
        }
        outcome
    }

    pub(super) fn deadline_due(&mut self, due: Deadline) {
        match due {
            Deadline::Submit => {
                if let JobState::PendingSubmit(waiting) = &self.job.state {
                    // Kept before it is sent: a crash must not submit twice without knowing.
                    self.job.state = JobState::Submitting { waiting: waiting.clone(), sent_at: self.now };
                    self.persist = true;
                    self.effects.push(JobEffect::Submit { attempt: self.job.attempt });
                }
            }
            Deadline::SubmitReplyTimeout => self.return_to_pending(None, false),
            Deadline::SubmitTimeout => {
                let unauthorized =
                    matches!(&self.job.state, JobState::PendingSubmit(waiting) if waiting.unauthorized);
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
                if let JobState::Verifying { key, poster, next_check_at, .. } = &mut self.job.state {
                    *next_check_at = self.now + self.timeouts.check_output_backoff;
                    let (key, poster) = (key.clone(), poster.clone());
                    self.look(&key, poster.as_ref());
                }
            }
            Deadline::CheckOutputTimeout => self.fail_attempt(ErrorCode::Internal, None, true),
            Deadline::PendingCancel(place) => self.retry_cancel(place),
            Deadline::Index => {
                let pause = exponential_backoff(
                    self.timeouts.outbox_backoff,
                    self.job.index.tries,
                    self.timeouts.poll_backoff_max,
                );
                self.job.index.due_at = self.now + with_jitter(pause, self.jitter_seed);
                self.effects.push(JobEffect::WriteIndex { version: self.job.index.wanted });
            }
        }
    }

    /// Asks RunPod, and sets the time of the next question in case there is no answer.
    pub(super) fn poll_status(&mut self) {
        let (now, chance, timing) = (self.now, self.jitter_seed, *self.timeouts);
        let attempt = self.job.attempt;
        let (runpod_job_id, check) = match &mut self.job.state {
            JobState::Queued { runpod_job_id, poll: check, .. }
            | JobState::Rendering(Rendering { runpod_job_id: Some(runpod_job_id), poll: check, .. }) => {
                (runpod_job_id.clone(), check)
            }
            _ => return,
        };
        let pause = exponential_backoff(timing.poll_backoff, check.tries, timing.poll_backoff_max);
        *check = PollSchedule {
            next_at: now + with_jitter(pause, chance),
            tries: check.tries + 1,
            poll_requested: false,
        };
        self.effects.push(JobEffect::PollStatus { attempt, runpod_job_id });
    }

    pub(super) fn retry_cancel(&mut self, place: usize) {
        let (now, chance, timing) = (self.now, self.jitter_seed, *self.timeouts);
        let Some(errand) = self.job.pending_cancels.get_mut(place) else { return };
        if errand.tries >= CANCEL_TRIES {
            // RunPod's own `executionTimeout` and `ttl` stop the bill from here.
            self.job.pending_cancels.remove(place);
            self.persist = true;
            return;
        }
        let pause = exponential_backoff(timing.outbox_backoff, errand.tries, timing.poll_backoff_max);
        errand.due_at = now + with_jitter(pause, chance);
        errand.tries += 1;
        let runpod_job_id = errand.runpod_job_id.clone();
        self.effects.push(JobEffect::CancelRunpodJob { runpod_job_id });
    }

    pub(super) fn cancel_answered(&mut self, runpod_job_id: &RunpodJobId, settled: bool) -> Outcome {
        let before = self.job.pending_cancels.len();
        if settled {
            self.job.pending_cancels.retain(|errand| errand.runpod_job_id != *runpod_job_id);
        }
        self.persist |= self.job.pending_cancels.len() != before;
        Outcome::Applied
    }

    pub(super) fn index_answered(&mut self, version: u64, written: Option<u64>) -> Outcome {
        let index = &mut self.job.index;
        if let Some(rows) = written {
            self.job.usage.d1_rows += rows;
            index.written = index.written.max(version);
            index.tries = 0;
            // A version that came meanwhile need not wait for the pause of this one.
            index.due_at = self.now;
            self.persist = true;
        } else {
            index.tries += 1;
        }
        Outcome::Applied
    }

    /// The sweep brings the index back to the truth, whichever of the two was lost.
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
        if self.job.pending_cancels.iter().all(|errand| errand.runpod_job_id != runpod_job_id) {
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

/// More timers than a job can have due at once.
const TIMERS_PER_WAKE: usize = 16;

/// Cancels of one RunPod job before its own limits are left to end it.
const CANCEL_TRIES: u32 = 8;
