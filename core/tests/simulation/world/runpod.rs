//! RunPod: what it takes, what it remembers, and how it lies.

use reel_core::base::time::DurationMs;
use reel_core::job::error_code::ErrorCode;
use reel_core::job::gpu_service::{RunpodJobId, StatusReply, SubmitReply};

use super::Simulation;

/// What RunPod knows of a job.
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
    pub(super) fn submit(&mut self, attempt: u32) -> SubmitReply {
        if self.chance.chance_permille(self.weather.lies / 2) {
            return match self.chance.below(3) {
                0 => SubmitReply::Busy(Some(DurationMs::seconds(3))),
                1 => SubmitReply::Unauthorized,
                _ => SubmitReply::Unknown,
            };
        }
        let runpod_job_id =
            RunpodJobId::parse(&format!("rp{}", self.runpod.len())).expect("letters and digits");
        self.runpod.insert(runpod_job_id.as_str().to_owned(), (attempt, RunpodJobState::Queued, self.now));
        // A job that RunPod loses is never run by anybody.
        if !self.chance.chance_permille(self.weather.renderer_faults / 8) {
            let starts = if self.chance.chance_permille(50) {
                self.chance.span_ms(0, 1_200_000)
            } else {
                self.chance.span_ms(0, 20_000)
            };
            self.start_run(&runpod_job_id, attempt, starts);
            if self.chance.chance_permille(self.weather.renderer_faults / 10) {
                let again = self.chance.span_ms(0, 60_000);
                self.start_run(&runpod_job_id, attempt, starts + again);
            }
        }
        if self.chance.chance_permille(self.weather.loses) {
            SubmitReply::Unknown
        } else {
            SubmitReply::Accepted(runpod_job_id)
        }
    }

    pub(super) fn note_at_runpod(&mut self, id: &str, news: RunpodJobState) {
        if let Some((_, known, at)) = self.runpod.get_mut(id)
            && !matches!(
                known,
                RunpodJobState::Cancelled | RunpodJobState::Completed | RunpodJobState::Failed
            )
        {
            *known = news;
            *at = self.now;
        }
    }

    pub(super) fn cancel_at_runpod(&mut self, runpod_job_id: &RunpodJobId) {
        self.note_at_runpod(runpod_job_id.as_str(), RunpodJobState::Cancelled);
        // A renderer with a blocked event loop does not hear it (runpod.md 3).
        let heard = self.chance.chance_permille(800);
        for run in &mut self.runs {
            run.stopped |= heard && run.runpod_job_id == *runpod_job_id;
        }
    }

    pub(super) fn status(&mut self, runpod_job_id: &RunpodJobId) -> StatusReply {
        if self.chance.chance_permille(self.weather.lies) {
            return match self.chance.below(6) {
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
        // Results are kept for half an hour.
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
