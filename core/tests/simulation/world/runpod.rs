//! RunPod: what it takes, what it remembers, and how it lies.

use reel_core::job::code::ErrorCode;
use reel_core::runpod::{GpuJobId, StatusReply, SubmitReply};
use reel_core::time::Span;

use super::World;

/// What RunPod knows of a job.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Known {
    Queued,
    Running,
    Completed,
    Failed,
    Cancelled,
    Forgotten,
}

impl World {
    pub(super) fn submit(&mut self, attempt: u32) -> SubmitReply {
        if self.chance.permille(self.weather.lies / 2) {
            return match self.chance.below(3) {
                0 => SubmitReply::Busy(Some(Span::seconds(3))),
                1 => SubmitReply::Unauthorized,
                _ => SubmitReply::Unknown,
            };
        }
        let gpu_job = GpuJobId::parse(&format!("rp{}", self.runpod.len())).expect("letters and digits");
        self.runpod.insert(gpu_job.as_str().to_owned(), (attempt, Known::Queued, self.now));
        // A job that RunPod loses is never run by anybody.
        if !self.chance.permille(self.weather.renderer_faults / 8) {
            let starts = if self.chance.permille(50) {
                self.chance.span_ms(0, 1_200_000)
            } else {
                self.chance.span_ms(0, 20_000)
            };
            self.start_run(&gpu_job, attempt, starts);
            if self.chance.permille(self.weather.renderer_faults / 10) {
                let again = self.chance.span_ms(0, 60_000);
                self.start_run(&gpu_job, attempt, starts + again);
            }
        }
        if self.chance.permille(self.weather.loses) {
            SubmitReply::Unknown
        } else {
            SubmitReply::Accepted(gpu_job)
        }
    }

    pub(super) fn note_at_runpod(&mut self, id: &str, news: Known) {
        if let Some((_, known, at)) = self.runpod.get_mut(id)
            && !matches!(known, Known::Cancelled | Known::Completed | Known::Failed)
        {
            *known = news;
            *at = self.now;
        }
    }

    pub(super) fn cancel_at_runpod(&mut self, gpu_job: &GpuJobId) {
        self.note_at_runpod(gpu_job.as_str(), Known::Cancelled);
        // A renderer with a blocked event loop does not hear it (runpod.md 3).
        let heard = self.chance.permille(800);
        for run in &mut self.runs {
            run.stopped |= heard && run.gpu_job == *gpu_job;
        }
    }

    pub(super) fn status(&mut self, gpu_job: &GpuJobId) -> StatusReply {
        if self.chance.permille(self.weather.lies) {
            return match self.chance.below(6) {
                0 => StatusReply::CannotTell,
                1 => StatusReply::Busy(Some(Span::seconds(2))),
                2 => StatusReply::Unauthorized,
                3 => StatusReply::Running,
                4 => StatusReply::Completed(None),
                _ => StatusReply::Queued,
            };
        }
        let Some((_, known, at)) = self.runpod.get_mut(gpu_job.as_str()) else { return StatusReply::Gone };
        // Results are kept for half an hour.
        if matches!(known, Known::Completed | Known::Failed) && self.now.since(*at) > Span::minutes(30) {
            *known = Known::Forgotten;
        }
        match known {
            Known::Queued => StatusReply::Queued,
            Known::Running => StatusReply::Running,
            Known::Completed => StatusReply::Completed(None),
            Known::Failed => StatusReply::Failed(ErrorCode::GpuError),
            Known::Cancelled => StatusReply::Cancelled,
            Known::Forgotten => StatusReply::Gone,
        }
    }
}
