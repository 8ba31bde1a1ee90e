//! The faults of the worker in one run, as [`FaultyBackend`](super::FaultyBackend) reads them.

use std::time::Duration;

use reel_core::job::error_code::ErrorCode;

use super::script::FaultSpec;

/// The faults of the worker in one run; none by default.
#[expect(clippy::struct_excessive_bools, reason = "independent faults, any of which may be scripted")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorkerFaults {
    /// The worker dies at this percentage.
    pub crash_at: Option<f64>,
    /// The worker hangs at this percentage.
    pub hang_at: Option<f64>,
    /// The render fails with this error.
    pub fail: Option<(ErrorCode, String)>,
    /// The input is copied in this time instead of being rendered.
    pub fake_render: Option<Duration>,
    /// What happens to progress reports.
    pub progress: ProgressFault,
    /// `complete` is never sent.
    pub lose_complete: bool,
    /// `error` is never sent.
    pub lose_error: bool,
    /// `complete` is sent this many times more.
    pub extra_completes: u32,
    /// One progress report follows `complete`.
    pub progress_after_complete: bool,
    /// Nothing is uploaded.
    pub skip_upload: bool,
    /// Only this share of the output is uploaded, but its full size is reported.
    pub truncate_upload: Option<f64>,
    /// The poster is uploaded in a way that storage refuses.
    pub refused_poster: bool,
}

/// What happens to progress reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProgressFault {
    /// They are sent in order.
    #[default]
    None,
    /// None is sent.
    Silent,
    /// After each one, the one before it is sent again.
    Shuffled,
}

impl WorkerFaults {
    pub(super) fn add(&mut self, fault: &FaultSpec) {
        match fault {
            FaultSpec::CrashAt { percent } => self.crash_at = Some(*percent),
            FaultSpec::HangAt { percent } => self.hang_at = Some(*percent),
            FaultSpec::Fail { code, sentence } => self.fail = Some((*code, sentence.clone())),
            FaultSpec::FakeRender { ms } => self.fake_render = Some(Duration::from_millis(*ms)),
            FaultSpec::SilentProgress => self.progress = ProgressFault::Silent,
            FaultSpec::ShuffledProgress => self.progress = ProgressFault::Shuffled,
            FaultSpec::LostComplete => self.lose_complete = true,
            FaultSpec::LostError => self.lose_error = true,
            FaultSpec::DuplicateComplete { times } => self.extra_completes = *times,
            FaultSpec::ProgressAfterComplete => self.progress_after_complete = true,
            FaultSpec::CompleteWithoutOutput => self.skip_upload = true,
            FaultSpec::EmptyOutput => self.truncate_upload = Some(0.0),
            FaultSpec::TruncatedOutput => self.truncate_upload = Some(0.5),
            FaultSpec::RefusedPoster => self.refused_poster = true,
            // Faults of the queue.
            FaultSpec::Answer { .. }
            | FaultSpec::SubmitTimesOut { .. }
            | FaultSpec::StuckInQueue
            | FaultSpec::ScaledToZero
            | FaultSpec::NotFoundFor { .. }
            | FaultSpec::LyingStatus { .. }
            | FaultSpec::ForgottenAfter { .. }
            | FaultSpec::LostResult
            | FaultSpec::RunTwice
            | FaultSpec::WebhookLost
            | FaultSpec::WebhookDoubled
            | FaultSpec::WebhookDelayed { .. }
            | FaultSpec::WebhookLies { .. } => {}
        }
    }
}
