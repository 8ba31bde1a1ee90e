//! The end of an upload's time: the bucket drops its parts, and the object forgets everything.

use super::StepBuilder;
use crate::base::time::DurationMs;
use crate::upload::UploadState;
use crate::upload::effect::UploadEffect;
use crate::upload::state::Goal;

impl StepBuilder {
    /// A bucket that never answers is left alone after a week: R2 has then dropped the parts by itself.
    pub(super) fn alarm_fired(&mut self) {
        let expires_at = self.step.upload.record.expires_at;
        if self.now < expires_at {
            self.step.alarm = Some(expires_at);
        } else if self.step.upload.calls.task.is_some() {
            self.try_expiry_later();
        } else if self.is_unfinished() && self.now.since(expires_at) < R2_UPLOAD_TTL {
            self.start(Goal::Abort, true);
        } else {
            self.forget();
        }
    }

    /// The task that the alarm started has ended.
    pub(super) fn finish_expiry(&mut self) {
        if self.is_unfinished() {
            self.try_expiry_later();
        } else {
            self.forget();
        }
    }

    pub(super) fn try_expiry_later(&mut self) {
        self.step.alarm = Some(self.now + EXPIRY_RETRY_DELAY);
    }

    fn forget(&mut self) {
        // Nobody would answer them later.
        if let Some(listing) = self.step.upload.calls.listing.take() {
            for caller in listing.callers {
                self.show(caller);
            }
        }
        self.run(UploadEffect::Forget);
    }

    const fn is_unfinished(&self) -> bool {
        matches!(self.state(), UploadState::Open | UploadState::Completing)
    }
}

/// A pause after an expiry that could not be carried out, before the next try.
pub const EXPIRY_RETRY_DELAY: DurationMs = DurationMs::minutes(5);
/// R2's own time for an upload (Cloudflare, "Multipart upload limits").
const R2_UPLOAD_TTL: DurationMs = DurationMs::minutes(7 * 24 * 60);
