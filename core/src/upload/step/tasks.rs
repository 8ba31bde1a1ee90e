//! Completing and aborting: the order of the storage calls, and who waits for which.
//!
//! The object at the key decides, not the bucket's answer to the call before: an answer may be lost
//! after the work was done.

use super::StepBuilder;
use crate::upload::UploadState;
use crate::upload::effect::{UploadDone, UploadEffect, UploadRefusal};
use crate::upload::event::{CallId, CallerId, CompleteReply, UploadedObject};
use crate::upload::state::{Check, Goal, PendingCall, Task};

impl StepBuilder {
    /// Answers a caller who wants the upload complete or aborted, or lets it wait until that is tried.
    pub(super) fn pursue(&mut self, caller: CallerId, goal: Goal) {
        let outcome = match (goal, self.state()) {
            (Goal::Complete, UploadState::Complete { etag }) => {
                Ok(UploadDone::Completed { etag: etag.clone() })
            }
            (Goal::Complete, UploadState::Aborted) => Err(UploadRefusal::Aborted),
            (Goal::Complete, UploadState::Open) if !self.step.upload.has_all() => Err(self.parts_missing()),
            (Goal::Abort, UploadState::Aborted) => Ok(UploadDone::Aborted),
            (Goal::Abort, UploadState::Complete { .. }) => Err(UploadRefusal::CannotAbortComplete),
            (Goal::Complete | Goal::Abort, UploadState::Open | UploadState::Completing) => {
                self.step.upload.calls.waiting.push((caller, goal));
                if self.step.upload.calls.task.is_none() {
                    self.start(goal, false);
                }
                return;
            }
        };
        self.reply(caller, outcome);
    }

    pub(super) fn start(&mut self, goal: Goal, expires: bool) {
        let first = match (goal, self.state()) {
            (Goal::Abort, _) => PendingCall::Abort,
            (Goal::Complete, UploadState::Open) => {
                self.set_state(UploadState::Completing);
                PendingCall::Complete
            }
            (Goal::Complete, _) => PendingCall::CheckObject(Check::BeforeCompletion),
        };
        self.call(goal, expires, first);
    }

    pub(super) fn object_checked(&mut self, call: CallId, found: UploadedObject) {
        let Some(Task { goal, expires, pending: PendingCall::CheckObject(check), .. }) = self.awaited(call)
        else {
            return;
        };
        match (found, check) {
            (UploadedObject::Ours { size_bytes, etag }, _)
                if size_bytes == self.step.upload.record.plan.size_bytes() =>
            {
                self.set_state(UploadState::Complete { etag });
                self.end(None);
            }
            (UploadedObject::Ours { size_bytes, .. }, _) => {
                self.call(goal, expires, PendingCall::DeleteWrongSize { stored_bytes: size_bytes });
            }
            (UploadedObject::NotOurs, Check::BeforeCompletion) => {
                self.call(goal, expires, PendingCall::Complete);
            }
            (UploadedObject::NotOurs, Check::AfterCompletion(CompleteReply::Gone)) => {
                self.set_state(UploadState::Aborted);
                self.end(Some(&UploadRefusal::LostByStorage));
            }
            (UploadedObject::NotOurs, Check::AfterCompletion(CompleteReply::WrongParts)) => {
                self.set_state(UploadState::Open);
                self.end(Some(&UploadRefusal::PartsDiffer));
            }
            (UploadedObject::NotOurs, Check::AfterAbort) => {
                self.set_state(UploadState::Aborted);
                self.end(None);
            }
            (UploadedObject::NotOurs, Check::AfterCompletion(CompleteReply::PerhapsDone))
            | (UploadedObject::Unknown, _) => self.end(Some(&UploadRefusal::OutcomeUnknown)),
        }
    }

    pub(super) fn complete_replied(&mut self, call: CallId, reply: CompleteReply) {
        let Some(Task { goal, expires, pending: PendingCall::Complete, .. }) = self.awaited(call) else {
            return;
        };
        self.call(goal, expires, PendingCall::CheckObject(Check::AfterCompletion(reply)));
    }

    /// Parts that are dropped can no longer be assembled; whether they were before, the object says.
    pub(super) fn abort_replied(&mut self, call: CallId, done: bool) {
        let Some(Task { goal, expires, pending: PendingCall::Abort, .. }) = self.awaited(call) else {
            return;
        };
        if done {
            self.call(goal, expires, PendingCall::CheckObject(Check::AfterAbort));
        } else {
            self.end(Some(&UploadRefusal::OutcomeUnknown));
        }
    }

    pub(super) fn object_deleted(&mut self, call: CallId, done: bool) {
        let Some(Task { goal, pending: PendingCall::DeleteWrongSize { stored_bytes }, .. }) =
            self.awaited(call)
        else {
            return;
        };
        if done {
            self.set_state(UploadState::Aborted);
            // Who wanted the abort has it.
            let refusal = UploadRefusal::WrongSize { stored_bytes };
            self.end((goal == Goal::Complete).then_some(&refusal));
        } else {
            self.end(Some(&UploadRefusal::OutcomeUnknown));
        }
    }

    /// The task that waits for this call; `None` when the answer is late or doubled.
    fn awaited(&self, call: CallId) -> Option<Task> {
        self.step.upload.calls.task.clone().filter(|task| task.call == call)
    }

    fn call(&mut self, goal: Goal, expires: bool, pending: PendingCall) {
        let call = self.step.upload.calls.next_id();
        self.step.upload.calls.task = Some(Task { goal, expires, call, pending });
        self.run(match pending {
            PendingCall::CheckObject(_) => UploadEffect::CheckObject { call },
            PendingCall::Complete => UploadEffect::CompleteInBucket { call },
            PendingCall::Abort => UploadEffect::AbortInBucket { call },
            PendingCall::DeleteWrongSize { .. } => UploadEffect::DeleteObject { call },
        });
    }

    /// Ends the task. Callers with its goal get its refusal, if there is one; everyone else is looked at
    /// anew, and the first who still needs the bucket starts the next task.
    fn end(&mut self, refusal: Option<&UploadRefusal>) {
        let calls = &mut self.step.upload.calls;
        let Some(task) = calls.task.take() else { return };
        for (caller, goal) in std::mem::take(&mut calls.waiting) {
            match refusal {
                Some(refusal) if goal == task.goal => self.reply(caller, Err(refusal.clone())),
                _ => self.pursue(caller, goal),
            }
        }
        if task.expires {
            self.finish_expiry();
        }
    }

    fn parts_missing(&self) -> UploadRefusal {
        let missing = || self.step.upload.missing();
        UploadRefusal::PartsMissing {
            count: missing().count(),
            first: missing().take(MISSING_NAMED).collect(),
        }
    }
}

/// Enough to act on; `GET .../parts` lists what is there.
const MISSING_NAMED: usize = 20;
