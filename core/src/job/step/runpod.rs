//! What RunPod says: answers to submits and questions, and the webhook's hints.

use super::Turn;
use crate::job::code::ErrorCode;
use crate::job::effect::{Effect, Kind, Outcome};
use crate::job::state::{Check, End, Rendering, State, Waiting};
use crate::job::timing::{doubled, jittered};
use crate::object_key::ObjectKey;
use crate::runpod::{Crowd, GpuJobId, StatusReply, SubmitReply};
use crate::time::Span;
use crate::wire::gpu::WorkStage;

impl Turn<'_> {
    pub(super) fn submit_answered(&mut self, attempt: u32, endpoint: String, reply: SubmitReply) -> Outcome {
        match reply {
            SubmitReply::Accepted(gpu_job) => {
                self.job.endpoint = Some(endpoint);
                self.submit_accepted(attempt, gpu_job)
            }
            SubmitReply::Busy(pause) => self.submit_not_taken(attempt, pause, false),
            SubmitReply::Unauthorized => {
                self.submit_not_taken(attempt, Some(self.timing.unauthorized_again), true)
            }
            SubmitReply::Unknown => self.submit_not_taken(attempt, None, false),
        }
    }

    pub(super) fn submit_accepted(&mut self, attempt: u32, accepted: GpuJobId) -> Outcome {
        if attempt != self.job.attempt {
            self.owe_cancel(Some(accepted));
            return Outcome::Stale;
        }
        let now = self.now;
        match &mut self.job.state {
            State::Submitting { .. } | State::Waiting(_) => {
                let check = Check { next_at: now + self.timing.first_sign, tries: 0, hinted: false };
                self.job.state = State::Queued { gpu_job: accepted, submitted_at: now, check, message: None };
                self.note(Kind::Status);
                Outcome::Applied
            }
            // The renderer was quicker than the answer: now its RunPod job has a name.
            State::Rendering(Rendering { gpu_job: known @ None, .. })
            | State::Verifying { gpu_job: known @ None, .. } => {
                *known = Some(accepted);
                self.keep = true;
                Outcome::Applied
            }
            State::Queued { gpu_job, .. }
            | State::Rendering(Rendering { gpu_job: Some(gpu_job), .. })
            | State::Verifying { gpu_job: Some(gpu_job), .. } => {
                if *gpu_job != accepted {
                    self.owe_cancel(Some(accepted));
                }
                Outcome::Ignored
            }
            // It ran and ended before we heard that it was taken: nothing is left to cancel.
            State::Ended(End::Complete { .. }) => Outcome::Ignored,
            State::Ended(End::Failed { .. }) => {
                self.owe_cancel(Some(accepted));
                Outcome::Ignored
            }
        }
    }

    pub(super) fn submit_not_taken(
        &mut self,
        attempt: u32,
        pause: Option<Span>,
        unauthorized: bool,
    ) -> Outcome {
        if attempt != self.job.attempt || !matches!(self.job.state, State::Submitting { .. }) {
            return Outcome::Ignored;
        }
        self.submit_refused(pause, unauthorized);
        Outcome::Applied
    }

    /// Back to waiting with the same attempt: nothing is known to have run. When a submit did arrive
    /// after all, its renderer claims the attempt, and a second one is refused.
    pub(super) fn submit_refused(&mut self, pause: Option<Span>, unauthorized: bool) {
        let State::Submitting { waiting, .. } = &self.job.state else { return };
        let pause = pause.unwrap_or_else(|| {
            doubled(self.timing.submit_again, waiting.tries, self.timing.submit_again_max)
        });
        let message = if unauthorized {
            "The render service refuses our key; an operator has to renew it. The export waits."
        } else {
            "The render service is not taking jobs; trying again"
        };
        let news = waiting.message != message;
        self.job.state = State::Waiting(Waiting {
            since: waiting.since,
            due_at: self.now + jittered(pause, self.chance),
            tries: waiting.tries + 1,
            unauthorized,
            message: message.to_owned(),
        });
        self.keep = true;
        if news {
            self.note(Kind::Status);
        }
    }

    /// RunPod repeats a webhook that is not answered 200, so a hint is never refused.
    pub(super) fn hinted(&mut self, attempt: u32) -> Outcome {
        if attempt != self.job.attempt {
            return Outcome::Ignored;
        }
        match &mut self.job.state {
            State::Queued { check, .. } | State::Rendering(Rendering { check, gpu_job: Some(_), .. }) => {
                *check = Check { next_at: self.now, tries: check.tries, hinted: true };
                Outcome::Applied
            }
            State::Waiting(_)
            | State::Submitting { .. }
            | State::Rendering(_)
            | State::Verifying { .. }
            | State::Ended(_) => Outcome::Ignored,
        }
    }

    pub(super) fn status_read(&mut self, attempt: u32, reply: StatusReply) -> Outcome {
        if attempt != self.job.attempt {
            return Outcome::Stale;
        }
        let (queued_since, working) = match &self.job.state {
            State::Queued { submitted_at, .. } => (Some(*submitted_at), false),
            State::Rendering(_) => (None, true),
            State::Waiting(_) | State::Submitting { .. } | State::Verifying { .. } | State::Ended(_) => {
                return Outcome::Ignored;
            }
        };
        match reply {
            StatusReply::Running if !working => self.begin(self.gpu_job(), WorkStage::Starting),
            // "Cannot tell" is its own answer: the next question is already set, deadlines go on.
            StatusReply::Queued if queued_since.is_some() => {
                self.effects.push(Effect::AskCrowd { attempt });
                return Outcome::Ignored;
            }
            StatusReply::Queued
            | StatusReply::Running
            | StatusReply::Unauthorized
            | StatusReply::CannotTell => return Outcome::Ignored,
            StatusReply::Busy(pause) => {
                self.ask_not_before(pause);
                return Outcome::Ignored;
            }
            StatusReply::Gone => {
                // RunPod's stores lag: until a renderer has spoken, an early 404 proves nothing.
                if queued_since.is_some_and(|at| self.now.since(at) < self.timing.gone_grace) {
                    return Outcome::Ignored;
                }
                self.look_for(self.own_output(), ErrorCode::WorkerLost);
            }
            StatusReply::Completed(key) => {
                let key = key.and_then(|text| ObjectKey::parse_output_of(self.job.id, &text).ok());
                self.look_for(key.unwrap_or_else(|| self.own_output()), ErrorCode::OutputMissing);
            }
            StatusReply::Failed(code) => self.look_for(self.own_output(), code),
            StatusReply::Cancelled => self.look_for(self.own_output(), ErrorCode::WorkerLost),
            StatusReply::TimedOut => {
                let code = if working { ErrorCode::ExecutionTimeout } else { ErrorCode::QueueTimeout };
                self.look_for(self.own_output(), code);
            }
        }
        Outcome::Applied
    }

    /// Kept, since the object sleeps between two questions, but not stored as an event: numbers that move
    /// all the time are no history.
    pub(super) fn crowd_seen(&mut self, attempt: u32, crowd: Crowd) -> Outcome {
        if attempt != self.job.attempt {
            return Outcome::Ignored;
        }
        let State::Queued { message, .. } = &mut self.job.state else { return Outcome::Ignored };
        let news = Some(crowd.sentence());
        if *message != news {
            *message = news;
            self.keep = true;
            self.tick = true;
        }
        Outcome::Applied
    }

    pub(super) fn ask_not_before(&mut self, pause: Option<Span>) {
        let Some(pause) = pause else { return };
        let not_before = self.now + jittered(pause, self.chance);
        match &mut self.job.state {
            State::Queued { check, .. } | State::Rendering(Rendering { check, .. }) => {
                check.next_at = check.next_at.max(not_before);
            }
            State::Waiting(_) | State::Submitting { .. } | State::Verifying { .. } | State::Ended(_) => {}
        }
    }
}
