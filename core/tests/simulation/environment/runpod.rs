//! RunPod: submits, statuses and cancels, and its wrong replies.

use reel_core::base::id::JobId;
use reel_core::base::time::DurationMs;
use reel_core::job::breaker::{Permit, RunpodCall};
use reel_core::job::error_code::ErrorCode;
use reel_core::job::gpu_service::{RunpodJobId, StatusReply, SubmitReply};

use super::Simulation;

/// RunPod's state of a job.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum RunpodJobState {
    Queued,
    Running,
    Completed,
    Failed,
    Cancelled,
    Forgotten,
}

impl Simulation {
    /// RunPod falls silent now and then, and other jobs of the isolate ask and submit all the time.
    pub(super) fn other_jobs_ask(&mut self) {
        if self.rng.chance_permille(self.fault_rates.wrong_reply_permille / 40) {
            self.silent_until = self.now + DurationMs(self.rng.between_ms(0, 1_200_000));
        }
        let is_silent = self.now < self.silent_until;
        for _ in 0..self.rng.below(if is_silent { 12 } else { 2 }) {
            let call = if self.rng.chance_permille(500) { RunpodCall::Submit } else { RunpodCall::Question };
            let permit = self.breaker.permit(call, JobId::from_random([4; 16]), self.now);
            self.call_ended(permit, is_silent);
        }
    }

    /// What the breaker is told, unless the object that sent the call died.
    fn call_ended(&mut self, permit: Permit, is_silent: bool) {
        if matches!(permit, Permit::Wait(_)) || self.rng.chance_permille(self.fault_rates.crash_permille) {
            return;
        }
        if is_silent {
            self.breaker.unanswered(permit, self.stored.id, self.now);
        } else {
            self.breaker.answered();
        }
    }

    pub(super) fn submit_or_wait(&mut self, attempt: u32) -> SubmitReply {
        let permit = self.breaker.permit(RunpodCall::Submit, self.stored.id, self.now);
        if let Permit::Wait(pause) = permit {
            self.not_sent += 1;
            return SubmitReply::NotSent(pause);
        }
        let reply = self.submit(attempt);
        let is_silent = self.now < self.silent_until;
        self.call_ended(permit, is_silent);
        // What RunPod did not answer it may have accepted.
        if is_silent { SubmitReply::Unknown } else { reply }
    }

    pub(super) fn ask_or_wait(&mut self, runpod_job_id: &RunpodJobId) -> StatusReply {
        let permit = self.breaker.permit(RunpodCall::Question, self.stored.id, self.now);
        if let Permit::Wait(pause) = permit {
            self.not_sent += 1;
            return StatusReply::NotAsked(pause);
        }
        let reply = self.status(runpod_job_id);
        let is_silent = self.now < self.silent_until;
        self.call_ended(permit, is_silent);
        if is_silent { StatusReply::Unknown } else { reply }
    }

    fn submit(&mut self, attempt: u32) -> SubmitReply {
        if self.rng.chance_permille(self.fault_rates.wrong_reply_permille / 2) {
            return match self.rng.below(5) {
                0 => SubmitReply::Busy(Some(DurationMs::seconds(3))),
                1 => SubmitReply::Unauthorized,
                2 => SubmitReply::NoEndpoint,
                3 => SubmitReply::NoCallbackAddress,
                _ => SubmitReply::Unknown,
            };
        }
        let runpod_job_id =
            RunpodJobId::parse(&format!("rp{}", self.runpod.len())).expect("letters and digits");
        self.runpod.insert(runpod_job_id.as_str().to_owned(), (attempt, RunpodJobState::Queued, self.now));
        // A job that RunPod loses is never run.
        if !self.rng.chance_permille(self.fault_rates.worker_fault_permille / 8) {
            let start_ms = if self.rng.chance_permille(50) {
                self.rng.between_ms(0, 1_200_000)
            } else {
                self.rng.between_ms(0, 20_000)
            };
            self.start_attempt(&runpod_job_id, attempt, start_ms);
            if self.rng.chance_permille(self.fault_rates.worker_fault_permille / 10) {
                let again_ms = self.rng.between_ms(0, 60_000);
                self.start_attempt(&runpod_job_id, attempt, start_ms + again_ms);
            }
        }
        if self.rng.chance_permille(self.fault_rates.lost_permille) {
            SubmitReply::Unknown
        } else {
            SubmitReply::Accepted(runpod_job_id)
        }
    }

    pub(super) fn set_runpod_status(&mut self, id: &str, new: RunpodJobState) {
        if let Some((_, known, at)) = self.runpod.get_mut(id)
            && !matches!(
                known,
                RunpodJobState::Cancelled | RunpodJobState::Completed | RunpodJobState::Failed
            )
        {
            *known = new;
            *at = self.now;
        }
    }

    pub(super) fn cancel_at_runpod(&mut self, runpod_job_id: &RunpodJobId) {
        self.set_runpod_status(runpod_job_id.as_str(), RunpodJobState::Cancelled);
        // A worker whose event loop is blocked is not stopped.
        let stops = self.rng.chance_permille(800);
        for worker in &mut self.attempts {
            worker.stopped |= stops && worker.runpod_job_id == *runpod_job_id;
        }
    }

    fn status(&mut self, runpod_job_id: &RunpodJobId) -> StatusReply {
        if self.rng.chance_permille(self.fault_rates.wrong_reply_permille) {
            return match self.rng.below(6) {
                0 => StatusReply::Unknown,
                1 => StatusReply::Busy(Some(DurationMs::seconds(2))),
                2 => StatusReply::Unauthorized,
                3 => StatusReply::Running,
                4 => StatusReply::Completed(None),
                _ => StatusReply::Queued,
            };
        }
        let Some((_, known, at)) = self.runpod.get_mut(runpod_job_id.as_str()) else {
            return StatusReply::NotFound;
        };
        // RunPod keeps results for half an hour.
        if matches!(known, RunpodJobState::Completed | RunpodJobState::Failed)
            && self.now.since(*at) > DurationMs::minutes(30)
        {
            *known = RunpodJobState::Forgotten;
        }
        match known {
            RunpodJobState::Queued => StatusReply::Queued,
            RunpodJobState::Running => StatusReply::Running,
            RunpodJobState::Completed => StatusReply::Completed(None),
            RunpodJobState::Failed => StatusReply::Failed(ErrorCode::GpuError),
            RunpodJobState::Cancelled => StatusReply::Cancelled,
            RunpodJobState::Forgotten => StatusReply::NotFound,
        }
    }
}
