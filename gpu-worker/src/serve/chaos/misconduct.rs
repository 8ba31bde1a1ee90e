//! How a worker misbehaves in one run: plain switches that the attempt reads where they matter.

use std::time::Duration;

use reel_core::job::error_code::ErrorCode;

use super::script::Fault;

/// How the worker misbehaves in one run. The default is honest.
#[expect(clippy::struct_excessive_bools, reason = "independent faults, any of which may be scripted")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Misconduct {
    /// The worker dies at this percentage.
    pub crash_at: Option<f64>,
    /// The worker falls silent at this percentage.
    pub hang_at: Option<f64>,
    /// This error instead of a render.
    pub fail: Option<(ErrorCode, String)>,
    /// The input is copied in this time instead of being rendered.
    pub fake_render: Option<Duration>,
    /// What becomes of progress reports.
    pub reporting: Reporting,
    /// `complete` is never sent.
    pub lose_complete: bool,
    /// `error` is never sent.
    pub lose_error: bool,
    /// `complete` is sent so many times more.
    pub extra_completes: u32,
    /// One progress report follows `complete`.
    pub progress_after_complete: bool,
    /// The output is not put.
    pub skip_upload: bool,
    /// Only this share of the output is put, and all of it is reported.
    pub truncate_upload: Option<f64>,
    /// The picture is put in a way that storage refuses.
    pub refused_poster: bool,
}

/// What becomes of progress reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reporting {
    /// They are sent in order.
    #[default]
    Honest,
    /// None is sent.
    Mute,
    /// After each one, the one before it is sent again.
    Shuffled,
}

impl Misconduct {
    pub(super) fn add(&mut self, fault: &Fault) {
        match fault {
            Fault::CrashAt { percent } => self.crash_at = Some(*percent),
            Fault::HangAt { percent } => self.hang_at = Some(*percent),
            Fault::Fail { code, sentence } => self.fail = Some((*code, sentence.clone())),
            Fault::FakeRender { ms } => self.fake_render = Some(Duration::from_millis(*ms)),
            Fault::SilentProgress => self.reporting = Reporting::Mute,
            Fault::ShuffledProgress => self.reporting = Reporting::Shuffled,
            Fault::LostComplete => self.lose_complete = true,
            Fault::LostError => self.lose_error = true,
            Fault::DuplicateComplete { times } => self.extra_completes = *times,
            Fault::ProgressAfterComplete => self.progress_after_complete = true,
            Fault::CompleteWithoutOutput => self.skip_upload = true,
            Fault::EmptyOutput => self.truncate_upload = Some(0.0),
            Fault::TruncatedOutput => self.truncate_upload = Some(0.5),
            Fault::RefusedPoster => self.refused_poster = true,
            // Faults of the queue.
            Fault::Answer { .. }
            | Fault::SubmitTimesOut { .. }
            | Fault::StuckInQueue
            | Fault::ScaledToZero
            | Fault::NotFoundFor { .. }
            | Fault::LyingStatus { .. }
            | Fault::ForgottenAfter { .. }
            | Fault::LostResult
            | Fault::RunTwice
            | Fault::WebhookLost
            | Fault::WebhookDoubled
            | Fault::WebhookDelayed { .. }
            | Fault::WebhookLies { .. } => {}
        }
    }
}
