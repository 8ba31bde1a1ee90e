//! Failed attempts, the end of a job, and what clients ask for: cancel, retry, new links.

use crate::base::backoff::{exponential_backoff, with_jitter};
use crate::job::effect::Outcome;
use crate::job::error_code::ErrorCode;
use crate::job::log::MessageType;
use crate::job::state::{JobEnd, JobState, PendingSubmit};
use crate::job::status::JobStatus;
use crate::job::step::StepBuilder;
use crate::webhook::event_type::WebhookEventType;

impl StepBuilder<'_> {
    /// The attempt ends without an output. Another one follows if error code, report and limit allow it.
    pub(super) fn fail_attempt(&mut self, code: ErrorCode, message: Option<String>, retryable: bool) {
        let message = message.unwrap_or_else(|| code.default_message().to_owned());
        let next = self.job.attempt + 1;
        if !retryable || !code.auto_retry() || next > self.job.max_attempts() {
            return self.fail_job(code, Some(message));
        }
        let tries = self.job.attempt - self.job.budget_start_attempt;
        let pause =
            exponential_backoff(self.timeouts.attempt_backoff, tries * 2, self.timeouts.poll_backoff_max);
        self.job.attempt = next;
        let (ordinal, of) = (
            next - self.job.budget_start_attempt + 1,
            self.job.max_attempts() - self.job.budget_start_attempt + 1,
        );
        self.job.state = JobState::PendingSubmit(PendingSubmit {
            since: self.now,
            due_at: self.now + with_jitter(pause, self.jitter_seed),
            tries: 0,
            unauthorized: false,
            message: format!("Retrying (attempt {ordinal}/{of}): {message}"),
        });
        self.request_index_write();
        self.append_entry(MessageType::Progress);
    }

    pub(super) fn fail_job(&mut self, code: ErrorCode, message: Option<String>) {
        let progress = match &self.job.state {
            JobState::Rendering(rendering) => rendering.progress,
            JobState::Verifying { .. } => 99,
            JobState::PendingSubmit(_)
            | JobState::Submitting { .. }
            | JobState::Queued { .. }
            | JobState::Ended(_) => 0,
        };
        self.job.state = JobState::Ended(JobEnd::Failed {
            code,
            message: message.unwrap_or_else(|| code.default_message().to_owned()),
            at: self.now,
            progress,
        });
        self.request_index_write();
        self.append_entry(MessageType::Error);
        let is_cancelled = code == ErrorCode::Cancelled;
        self.announce(if is_cancelled { WebhookEventType::Cancelled } else { WebhookEventType::Error });
    }

    pub(super) fn cancel_requested(&mut self) -> Outcome {
        match self.job.end() {
            Some(JobEnd::Complete { .. }) => Outcome::WrongStatus(JobStatus::Complete),
            Some(JobEnd::Failed { .. }) => Outcome::Ignored,
            None => {
                self.request_cancel(self.runpod_job_id());
                let state = self.job.state.clone();
                self.fail_job(ErrorCode::Cancelled, None);
                self.delete_unfinished_output(state);
                Outcome::Applied
            }
        }
    }

    pub(super) fn retry_requested(&mut self) -> Outcome {
        match self.job.end() {
            Some(JobEnd::Failed { .. }) => {
                self.job.attempt += 1;
                self.job.budget_start_attempt = self.job.attempt;
                self.job.retries_by_hand = self.job.retries_by_hand.saturating_add(1);
                self.job.started_at = None;
                self.job.state = JobState::PendingSubmit(PendingSubmit {
                    since: self.now,
                    due_at: self.now,
                    tries: 0,
                    unauthorized: false,
                    message: "Starting over".to_owned(),
                });
                self.request_index_write();
                self.append_entry(MessageType::Status);
                Outcome::Applied
            }
            Some(JobEnd::Complete { .. }) | None => Outcome::WrongStatus(self.job.snapshot().status),
        }
    }

    /// Whatever the state: a link to an ended job shows its output.
    pub(super) const fn revoke_links_requested(&mut self) -> Outcome {
        self.job.link_generation = self.job.link_generation.saturating_add(1);
        self.persist = true;
        Outcome::Applied
    }
}
