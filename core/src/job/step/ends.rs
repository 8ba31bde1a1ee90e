//! Attempts that fail, jobs that end, and what a person asks for.

use super::Turn;
use crate::job::code::ErrorCode;
use crate::job::effect::{Kind, Outcome};
use crate::job::state::{End, State, Status, Waiting};
use crate::job::timing::{doubled, jittered};

impl Turn<'_> {
    /// This attempt is over without a result: another follows while the code and the budget allow.
    pub(super) fn attempt_failed(&mut self, code: ErrorCode, sentence: Option<String>, may_retry: bool) {
        let sentence = sentence.unwrap_or_else(|| code.sentence().to_owned());
        let next = self.job.attempt + 1;
        if !may_retry || !code.tried_again() || next > self.job.max_attempts() {
            return self.fail(code, Some(sentence));
        }
        let tries = self.job.attempt - self.job.budget_from;
        let pause = doubled(self.timing.attempt_again, tries * 2, self.timing.ask_again_max);
        self.job.attempt = next;
        let (ordinal, of) =
            (next - self.job.budget_from + 1, self.job.max_attempts() - self.job.budget_from + 1);
        self.job.state = State::Waiting(Waiting {
            since: self.now,
            due_at: self.now + jittered(pause, self.chance),
            tries: 0,
            unauthorized: false,
            message: format!("Retrying (attempt {ordinal}/{of}): {sentence}"),
        });
        self.owe_index();
        self.note(Kind::Progress);
    }

    pub(super) fn fail(&mut self, code: ErrorCode, sentence: Option<String>) {
        let progress = match &self.job.state {
            State::Rendering(work) => work.progress,
            State::Verifying { .. } => 99,
            State::Waiting(_) | State::Submitting { .. } | State::Queued { .. } | State::Ended(_) => 0,
        };
        self.job.state = State::Ended(End::Failed {
            code,
            sentence: sentence.unwrap_or_else(|| code.sentence().to_owned()),
            at: self.now,
            progress,
        });
        self.owe_index();
        self.note(Kind::Error);
    }

    pub(super) fn cancel_asked(&mut self) -> Outcome {
        match self.job.end() {
            Some(End::Complete { .. }) => Outcome::WrongStatus(Status::Complete),
            Some(End::Failed { .. }) => Outcome::Ignored,
            None => {
                self.owe_cancel(self.gpu_job());
                let left = self.job.state.clone();
                self.fail(ErrorCode::Cancelled, None);
                self.discard_unfinished(left);
                Outcome::Applied
            }
        }
    }

    pub(super) fn retry_asked(&mut self) -> Outcome {
        match self.job.end() {
            Some(End::Failed { .. }) => {
                self.job.attempt += 1;
                self.job.budget_from = self.job.attempt;
                self.job.started_at = None;
                self.job.state = State::Waiting(Waiting {
                    since: self.now,
                    due_at: self.now,
                    tries: 0,
                    unauthorized: false,
                    message: "Starting over".to_owned(),
                });
                self.owe_index();
                self.note(Kind::Status);
                Outcome::Applied
            }
            Some(End::Complete { .. }) | None => Outcome::WrongStatus(self.job.face().status),
        }
    }
}
