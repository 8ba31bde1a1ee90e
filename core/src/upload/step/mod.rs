//! The one transition function. Total: every event in every state has an answer, and late news is one.
//!
//! Invariants: a complete upload stays complete; at most one task at a time changes anything in the
//! bucket; `Completing` is stored before the bucket is asked, so that a crash cannot hide a completion;
//! every caller is answered once.

mod expiry;
mod parts;
mod tasks;

pub use expiry::EXPIRY_RETRY_DELAY;

use crate::base::time::Timestamp;
use crate::upload::effect::{Step, UploadDone, UploadEffect, UploadOutcome, UploadRefusal};
use crate::upload::event::{CallerId, UploadEvent};
use crate::upload::state::Goal;
use crate::upload::{Upload, UploadRecord, UploadState};

/// The first step of an upload: its record is written, and its expiry set.
pub fn create(record: UploadRecord) -> Step {
    let alarm = Some(record.expires_at);
    Step { persist: true, alarm, ..Step::unchanged(Upload::new(record, [])) }
}

/// What follows when `event` happens to `upload` at `now`.
pub fn apply(upload: Upload, event: UploadEvent, now: Timestamp) -> Step {
    let mut builder = StepBuilder { step: Step::unchanged(upload), now };
    builder.handle(event);
    builder.step
}

/// A step in the making.
struct StepBuilder {
    step: Step,
    now: Timestamp,
}

impl Step {
    fn unchanged(upload: Upload) -> Self {
        Self {
            upload,
            persist: false,
            new_parts: Vec::new(),
            alarm: None,
            effects: Vec::new(),
            replies: Vec::new(),
        }
    }
}

impl StepBuilder {
    fn handle(&mut self, event: UploadEvent) {
        match event {
            UploadEvent::SignRequested { caller, part_numbers } => self.sign_requested(caller, part_numbers),
            UploadEvent::PartsConfirmed { caller, parts } => self.parts_confirmed(caller, parts),
            UploadEvent::ShowRequested { caller } => self.show_requested(caller),
            UploadEvent::CompleteRequested { caller, parts } => self.complete_requested(caller, parts),
            UploadEvent::AbortRequested { caller } => self.pursue(caller, Goal::Abort),
            UploadEvent::PartsListed { call, page } => self.parts_listed(call, page),
            UploadEvent::ObjectChecked { call, found } => self.object_checked(call, found),
            UploadEvent::CompleteReplied { call, reply } => self.complete_replied(call, reply),
            UploadEvent::AbortReplied { call, done } => self.abort_replied(call, done),
            UploadEvent::ObjectDeleted { call, done } => self.object_deleted(call, done),
            UploadEvent::AlarmFired => self.alarm_fired(),
            UploadEvent::ForgetFailed => self.try_expiry_later(),
        }
    }

    const fn state(&self) -> &UploadState {
        &self.step.upload.record.state
    }

    fn set_state(&mut self, state: UploadState) {
        if self.step.upload.record.state != state {
            self.step.upload.record.state = state;
            self.step.persist = true;
        }
    }

    fn run(&mut self, effect: UploadEffect) {
        self.step.effects.push(effect);
    }

    fn reply(&mut self, caller: CallerId, outcome: Result<UploadDone, UploadRefusal>) {
        let outcome = match outcome {
            Ok(done) => UploadOutcome::Done(done),
            Err(refusal) => UploadOutcome::Refused(refusal),
        };
        self.step.replies.push((caller, outcome));
    }
}

#[cfg(test)]
mod tests;
