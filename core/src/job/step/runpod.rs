//! RunPod's replies to submits and polls, and its webhook.

use crate::base::backoff::{exponential_backoff, spread, with_jitter};
use crate::base::object_key::ObjectKey;
use crate::base::time::DurationMs;
use crate::job::effect::{JobEffect, Outcome};
use crate::job::error_code::ErrorCode;
use crate::job::gpu_service::{EndpointLoad, RunpodJobId, StatusReply, SubmitReply, WorkerStage};
use crate::job::log::MessageType;
use crate::job::state::{JobEnd, JobState, PendingSubmit, PollSchedule, Rendering};
use crate::job::step::StepBuilder;

impl StepBuilder<'_> {
    pub(super) fn submit_replied(&mut self, attempt: u32, endpoint: String, reply: SubmitReply) -> Outcome {
        match reply {
            SubmitReply::Accepted(runpod_job_id) => {
                self.job.endpoint = Some(endpoint);
                self.submit_accepted(attempt, runpod_job_id)
            }
            SubmitReply::Busy(_)
            | SubmitReply::Unauthorized
            | SubmitReply::NoEndpoint
            | SubmitReply::NoCallbackAddress
            | SubmitReply::Unknown
            | SubmitReply::NotSent(_) => self.submit_rejected(attempt, &reply),
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
                let poll = PollSchedule {
                    next_at: now
                        + self.timeouts.first_heartbeat_timeout
                        + spread(self.timeouts.poll_spread, self.jitter_seed),
                    tries: 0,
                    poll_requested: false,
                };
                self.job.state =
                    JobState::Queued { runpod_job_id: accepted, submitted_at: now, poll, message: None };
                self.append_entry(MessageType::Status);
                Outcome::Applied
            }
            // The worker's callback came before RunPod's reply: now the RunPod job is known.
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
            // The job was complete before the reply came: nothing is left to cancel.
            JobState::Ended(JobEnd::Complete { .. }) => Outcome::Ignored,
            JobState::Ended(JobEnd::Failed { .. }) => {
                self.request_cancel(Some(accepted));
                Outcome::Ignored
            }
        }
    }

    fn submit_rejected(&mut self, attempt: u32, reply: &SubmitReply) -> Outcome {
        if attempt != self.job.attempt || !matches!(self.job.state, JobState::Submitting { .. }) {
            return Outcome::Ignored;
        }
        self.return_to_pending(reply);
        Outcome::Applied
    }

    /// Goes back to waiting with the same attempt, since nothing is known to run. If RunPod did accept the
    /// submit, its worker claims the attempt, and a second worker's claim is rejected.
    pub(super) fn return_to_pending(&mut self, reply: &SubmitReply) {
        let JobState::Submitting { pending, .. } = &self.job.state else { return };
        let (pause, needs_operator) = match reply {
            SubmitReply::Unauthorized | SubmitReply::NoEndpoint => {
                (Some(self.timeouts.unauthorized_backoff), true)
            }
            SubmitReply::NoCallbackAddress => (None, true),
            SubmitReply::Busy(pause) => (*pause, false),
            SubmitReply::NotSent(pause) => {
                let spread = spread(self.timeouts.poll_spread, self.jitter_seed);
                (Some(DurationMs(pause.0.saturating_add(spread.0))), false)
            }
            SubmitReply::Accepted(_) | SubmitReply::Unknown => (None, false),
        };
        let pause = pause.unwrap_or_else(|| {
            exponential_backoff(self.timeouts.submit_backoff, pending.tries, self.timeouts.submit_backoff_max)
        });
        let message = reply.wait_message();
        let changed = pending.message != message;
        self.job.state = JobState::PendingSubmit(PendingSubmit {
            since: pending.since,
            due_at: self.now + with_jitter(pause, self.jitter_seed),
            tries: pending.tries + 1,
            unauthorized: needs_operator,
            message: message.to_owned(),
        });
        self.persist = true;
        if changed {
            self.append_entry(MessageType::Status);
        }
    }

    /// A webhook requests a poll. It is never rejected: RunPod repeats a webhook until it gets a 200.
    pub(super) fn webhook_received(&mut self, attempt: u32) -> Outcome {
        if attempt != self.job.attempt {
            return Outcome::Ignored;
        }
        match &mut self.job.state {
            JobState::Queued { poll, .. }
            | JobState::Rendering(Rendering { poll, runpod_job_id: Some(_), .. }) => {
                *poll = PollSchedule { next_at: self.now, tries: poll.tries, poll_requested: true };
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
        let (queued_since, is_rendering) = match &self.job.state {
            JobState::Queued { submitted_at, .. } => (Some(*submitted_at), false),
            JobState::Rendering(_) => (None, true),
            JobState::PendingSubmit(_)
            | JobState::Submitting { .. }
            | JobState::Verifying { .. }
            | JobState::Ended(_) => {
                return Outcome::Ignored;
            }
        };
        if !matches!(reply, StatusReply::NotAsked(_) | StatusReply::Unknown) {
            self.silence_ended();
        }
        match reply {
            StatusReply::Running if !is_rendering => {
                self.start_running(self.runpod_job_id(), WorkerStage::Starting);
            }
            // These say nothing new: the next poll is scheduled already, and deadlines continue.
            StatusReply::Queued if queued_since.is_some() => {
                self.poll_not_before(self.timeouts.queued_poll_pause);
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
            StatusReply::NotAsked(pause) => return self.poll_deferred(pause),
            StatusReply::NotFound => {
                // RunPod may not know a new job yet: before the first heartbeat, an early 404 proves nothing.
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
                let code = if is_rendering { ErrorCode::ExecutionTimeout } else { ErrorCode::QueueTimeout };
                self.check_output(self.expected_output(), code);
            }
        }
        Outcome::Applied
    }

    /// Shows how busy the endpoint is. The message is written, since the object hibernates between two polls,
    /// but it gets no log entry, since it changes all the time.
    pub(super) fn endpoint_load_read(&mut self, attempt: u32, load: EndpointLoad) -> Outcome {
        if attempt != self.job.attempt {
            return Outcome::Ignored;
        }
        let JobState::Queued { message, .. } = &mut self.job.state else { return Outcome::Ignored };
        let new_message = Some(load.queue_message());
        if *message != new_message {
            *message = new_message;
            self.persist = true;
            self.broadcast_progress = true;
        }
        Outcome::Applied
    }

    fn delay_poll(&mut self, pause: Option<DurationMs>) {
        let Some(pause) = pause else { return };
        let not_before = self.now + with_jitter(pause, self.jitter_seed);
        if let Some(poll) = self.poll_schedule() {
            poll.next_at = poll.next_at.max(not_before);
        }
    }

    fn poll_not_before(&mut self, pause: DurationMs) {
        let not_before = self.now + pause + spread(self.timeouts.poll_spread, self.jitter_seed);
        if let Some(poll) = self.poll_schedule() {
            poll.next_at = poll.next_at.max(not_before);
        }
    }

    /// The question was not sent, so it counts for nothing, and it stays: a webhook that asked for it comes
    /// once. The log of the job says so, once for each silence.
    fn poll_deferred(&mut self, pause: DurationMs) -> Outcome {
        let next_at = self.now + pause + spread(self.timeouts.poll_spread, self.jitter_seed);
        if let Some(poll) = self.poll_schedule() {
            *poll = PollSchedule { next_at, tries: poll.tries.saturating_sub(1), poll_requested: true };
        }
        let changed = match &mut self.job.state {
            JobState::Queued { message, .. } => {
                message.replace(SILENT_MESSAGE.to_owned()).is_none_or(|before| before != SILENT_MESSAGE)
            }
            JobState::Rendering(Rendering { message, .. }) => {
                std::mem::replace(message, SILENT_MESSAGE.to_owned()) != SILENT_MESSAGE
            }
            JobState::PendingSubmit(_)
            | JobState::Submitting { .. }
            | JobState::Verifying { .. }
            | JobState::Ended(_) => return Outcome::Ignored,
        };
        if changed {
            self.append_entry(MessageType::Progress);
        }
        Outcome::Applied
    }

    /// Nobody reads of a silence that is over. The log has no entry for it: what follows is one.
    fn silence_ended(&mut self) {
        match &mut self.job.state {
            JobState::Queued { message, .. } if message.as_deref() == Some(SILENT_MESSAGE) => *message = None,
            JobState::Rendering(Rendering { message, .. }) if message == SILENT_MESSAGE => {
                ANSWERED_MESSAGE.clone_into(message);
            }
            _ => return,
        }
        self.persist = true;
        self.broadcast_progress = true;
    }

    const fn poll_schedule(&mut self) -> Option<&mut PollSchedule> {
        match &mut self.job.state {
            JobState::Queued { poll, .. } | JobState::Rendering(Rendering { poll, .. }) => Some(poll),
            JobState::PendingSubmit(_)
            | JobState::Submitting { .. }
            | JobState::Verifying { .. }
            | JobState::Ended(_) => None,
        }
    }
}

const SILENT_MESSAGE: &str =
    "The render service does not answer at the moment. The export goes on by itself once it does.";
const ANSWERED_MESSAGE: &str = "The render service answers again; waiting for the renderer";
