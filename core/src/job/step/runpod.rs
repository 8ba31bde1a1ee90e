//! What RunPod says: answers to submits and questions, and the webhook's hints.

use crate::base::backoff::{exponential_backoff, with_jitter};
use crate::base::object_key::ObjectKey;
use crate::base::time::DurationMs;
use crate::job::effect::{JobEffect, Outcome};
use crate::job::error_code::ErrorCode;
use crate::job::gpu_service::{EndpointLoad, RunpodJobId, StatusReply, SubmitReply, WorkerStage};
use crate::job::log::MessageType;
use crate::job::state::{JobEnd, JobState, PendingSubmit, PollSchedule, Rendering};
use crate::job::step::StepBuilder;

impl StepBuilder<'_> {
    pub(super) fn submit_answered(&mut self, attempt: u32, endpoint: String, reply: SubmitReply) -> Outcome {
        match reply {
            SubmitReply::Accepted(runpod_job_id) => {
                self.job.endpoint = Some(endpoint);
                self.submit_accepted(attempt, runpod_job_id)
            }
            SubmitReply::Busy(pause) => self.submit_rejected(attempt, pause, false),
            SubmitReply::Unauthorized => {
                self.submit_rejected(attempt, Some(self.timeouts.unauthorized_backoff), true)
            }
            SubmitReply::Unknown => self.submit_rejected(attempt, None, false),
        }
    }

    pub(super) fn submit_accepted(&mut self, attempt: u32, accepted: RunpodJobId) -> Outcome {
        if attempt != self.job.attempt {
            self.request_cancel(Some(accepted));
            return Outcome::Stale;
        }
        let now = self.now;
        match &mut self.job.state {
            JobState::Submitting { .. } | JobState::PendingSubmit(_) => {
                let check = PollSchedule {
                    next_at: now + self.timeouts.first_heartbeat_timeout,
                    tries: 0,
                    poll_requested: false,
                };
                self.job.state = JobState::Queued {
                    runpod_job_id: accepted,
                    submitted_at: now,
                    poll: check,
                    message: None,
                };
                self.append_entry(MessageType::Status);
                Outcome::Applied
            }
            // The renderer was quicker than the answer: now its RunPod job has a name.
            JobState::Rendering(Rendering { runpod_job_id: known @ None, .. })
            | JobState::Verifying { runpod_job_id: known @ None, .. } => {
                *known = Some(accepted);
                self.persist = true;
                Outcome::Applied
            }
            JobState::Queued { runpod_job_id, .. }
            | JobState::Rendering(Rendering { runpod_job_id: Some(runpod_job_id), .. })
            | JobState::Verifying { runpod_job_id: Some(runpod_job_id), .. } => {
                if *runpod_job_id != accepted {
                    self.request_cancel(Some(accepted));
                }
                Outcome::Ignored
            }
            // It ran and ended before we heard that it was taken: nothing is left to cancel.
            JobState::Ended(JobEnd::Complete { .. }) => Outcome::Ignored,
            JobState::Ended(JobEnd::Failed { .. }) => {
                self.request_cancel(Some(accepted));
                Outcome::Ignored
            }
        }
    }

    pub(super) fn submit_rejected(
        &mut self,
        attempt: u32,
        pause: Option<DurationMs>,
        unauthorized: bool,
    ) -> Outcome {
        if attempt != self.job.attempt || !matches!(self.job.state, JobState::Submitting { .. }) {
            return Outcome::Ignored;
        }
        self.return_to_pending(pause, unauthorized);
        Outcome::Applied
    }

    /// Back to waiting with the same attempt: nothing is known to have run. When a submit did arrive
    /// after all, its renderer claims the attempt, and a second one is refused.
    pub(super) fn return_to_pending(&mut self, pause: Option<DurationMs>, unauthorized: bool) {
        let JobState::Submitting { waiting, .. } = &self.job.state else { return };
        let pause = pause.unwrap_or_else(|| {
            exponential_backoff(self.timeouts.submit_backoff, waiting.tries, self.timeouts.submit_backoff_max)
        });
        let message = if unauthorized {
            "The render service refuses our key; an operator has to renew it. The export waits."
        } else {
            "The render service is not taking jobs; trying again"
        };
        let news = waiting.message != message;
        self.job.state = JobState::PendingSubmit(PendingSubmit {
            since: waiting.since,
            due_at: self.now + with_jitter(pause, self.jitter_seed),
            tries: waiting.tries + 1,
            unauthorized,
            message: message.to_owned(),
        });
        self.persist = true;
        if news {
            self.append_entry(MessageType::Status);
        }
    }

    /// RunPod repeats a webhook that is not answered 200, so a hint is never refused.
    pub(super) fn poll_requested(&mut self, attempt: u32) -> Outcome {
        if attempt != self.job.attempt {
            return Outcome::Ignored;
        }
        match &mut self.job.state {
            JobState::Queued { poll: check, .. }
            | JobState::Rendering(Rendering { poll: check, runpod_job_id: Some(_), .. }) => {
                *check = PollSchedule { next_at: self.now, tries: check.tries, poll_requested: true };
                Outcome::Applied
            }
            JobState::PendingSubmit(_)
            | JobState::Submitting { .. }
            | JobState::Rendering(_)
            | JobState::Verifying { .. }
            | JobState::Ended(_) => Outcome::Ignored,
        }
    }

    pub(super) fn status_polled(&mut self, attempt: u32, reply: StatusReply) -> Outcome {
        if attempt != self.job.attempt {
            return Outcome::Stale;
        }
        let (queued_since, working) = match &self.job.state {
            JobState::Queued { submitted_at, .. } => (Some(*submitted_at), false),
            JobState::Rendering(_) => (None, true),
            JobState::PendingSubmit(_)
            | JobState::Submitting { .. }
            | JobState::Verifying { .. }
            | JobState::Ended(_) => {
                return Outcome::Ignored;
            }
        };
        match reply {
            StatusReply::Running if !working => {
                self.start_running(self.runpod_job_id(), WorkerStage::Starting)
            }
            // "Cannot tell" is its own answer: the next question is already set, deadlines go on.
            StatusReply::Queued if queued_since.is_some() => {
                self.effects.push(JobEffect::ReadEndpointLoad { attempt });
                return Outcome::Ignored;
            }
            StatusReply::Queued | StatusReply::Running | StatusReply::Unauthorized | StatusReply::Unknown => {
                return Outcome::Ignored;
            }
            StatusReply::Busy(pause) => {
                self.delay_poll(pause);
                return Outcome::Ignored;
            }
            StatusReply::NotFound => {
                // RunPod's stores lag: until a renderer has spoken, an early 404 proves nothing.
                if queued_since.is_some_and(|at| self.now.since(at) < self.timeouts.not_found_grace) {
                    return Outcome::Ignored;
                }
                self.check_output(self.expected_output(), ErrorCode::WorkerLost);
            }
            StatusReply::Completed(key) => {
                let key = key.and_then(|text| ObjectKey::parse_output_of(self.job.id, &text).ok());
                self.check_output(key.unwrap_or_else(|| self.expected_output()), ErrorCode::OutputMissing);
            }
            StatusReply::Failed(code) => self.check_output(self.expected_output(), code),
            StatusReply::Cancelled => self.check_output(self.expected_output(), ErrorCode::WorkerLost),
            StatusReply::TimedOut => {
                let code = if working { ErrorCode::ExecutionTimeout } else { ErrorCode::QueueTimeout };
                self.check_output(self.expected_output(), code);
            }
        }
        Outcome::Applied
    }

    /// Kept, since the object sleeps between two questions, but not stored as an event: numbers that move
    /// all the time are no history.
    pub(super) fn endpoint_load_read(&mut self, attempt: u32, crowd: EndpointLoad) -> Outcome {
        if attempt != self.job.attempt {
            return Outcome::Ignored;
        }
        let JobState::Queued { message, .. } = &mut self.job.state else { return Outcome::Ignored };
        let news = Some(crowd.queue_message());
        if *message != news {
            *message = news;
            self.persist = true;
            self.broadcast_progress = true;
        }
        Outcome::Applied
    }

    pub(super) fn delay_poll(&mut self, pause: Option<DurationMs>) {
        let Some(pause) = pause else { return };
        let not_before = self.now + with_jitter(pause, self.jitter_seed);
        match &mut self.job.state {
            JobState::Queued { poll: check, .. } | JobState::Rendering(Rendering { poll: check, .. }) => {
                check.next_at = check.next_at.max(not_before);
            }
            JobState::PendingSubmit(_)
            | JobState::Submitting { .. }
            | JobState::Verifying { .. }
            | JobState::Ended(_) => {}
        }
    }
}
