//! Deadlines that ring, and debts that are paid when they do: cancels owed to RunPod, rows owed to the index.

use super::Turn;
use crate::job::code::ErrorCode;
use crate::job::deadline::{Due, first_due};
use crate::job::effect::{Effect, Outcome};
use crate::job::state::{Check, Errand, Rendering, State};
use crate::job::timing::{doubled, jittered};
use crate::runpod::GpuJobId;

impl Turn<'_> {
    pub(super) fn wake(&mut self) -> Outcome {
        let mut outcome = Outcome::Ignored;
        // Each timer that is handled moves on, so a handful of turns is enough; what is left rings again.
        for _ in 0..TIMERS_PER_WAKE {
            let Some(due) = first_due(&self.job, self.timing, self.now) else { break };
            self.ring(due);
            outcome = Outcome::Applied;
        }
        outcome
    }

    pub(super) fn ring(&mut self, due: Due) {
        match due {
            Due::Submit => {
                if let State::Waiting(waiting) = &self.job.state {
                    // Kept before it is sent: a crash must not submit twice without knowing.
                    self.job.state = State::Submitting { waiting: waiting.clone(), sent_at: self.now };
                    self.keep = true;
                    self.effects.push(Effect::Submit { attempt: self.job.attempt });
                }
            }
            Due::SubmitLost => self.submit_refused(None, false),
            Due::WaitOver => {
                let unauthorized = matches!(&self.job.state, State::Waiting(waiting) if waiting.unauthorized);
                let code = if unauthorized { ErrorCode::GpuUnauthorized } else { ErrorCode::GpuUnreachable };
                self.fail(code, None);
            }
            Due::QueueOver => {
                self.owe_cancel(self.gpu_job());
                self.fail(ErrorCode::QueueTimeout, None);
            }
            Due::ExecutionOver => {
                self.owe_cancel(self.gpu_job());
                self.look_for(self.own_output(), ErrorCode::ExecutionTimeout);
            }
            Due::Ask => self.ask(),
            Due::Look => {
                if let State::Verifying { key, poster, look_at, .. } = &mut self.job.state {
                    *look_at = self.now + self.timing.look_again;
                    let (key, poster) = (key.clone(), poster.clone());
                    self.look(&key, poster.as_ref());
                }
            }
            Due::LookOver => self.attempt_failed(ErrorCode::Internal, None, true),
            Due::Errand(place) => self.run_errand(place),
            Due::Index => {
                let pause =
                    doubled(self.timing.errand_again, self.job.index.tries, self.timing.ask_again_max);
                self.job.index.due_at = self.now + jittered(pause, self.chance);
                self.effects.push(Effect::WriteIndex { version: self.job.index.wanted });
            }
        }
    }

    /// Asks RunPod, and sets the time of the next question in case there is no answer.
    pub(super) fn ask(&mut self) {
        let (now, chance, timing) = (self.now, self.chance, *self.timing);
        let attempt = self.job.attempt;
        let (gpu_job, check) = match &mut self.job.state {
            State::Queued { gpu_job, check, .. }
            | State::Rendering(Rendering { gpu_job: Some(gpu_job), check, .. }) => (gpu_job.clone(), check),
            _ => return,
        };
        let pause = doubled(timing.ask_again, check.tries, timing.ask_again_max);
        *check = Check { next_at: now + jittered(pause, chance), tries: check.tries + 1, hinted: false };
        self.effects.push(Effect::AskStatus { attempt, gpu_job });
    }

    pub(super) fn run_errand(&mut self, place: usize) {
        let (now, chance, timing) = (self.now, self.chance, *self.timing);
        let Some(errand) = self.job.errands.get_mut(place) else { return };
        if errand.tries >= CANCEL_TRIES {
            // RunPod's own `executionTimeout` and `ttl` stop the bill from here.
            self.job.errands.remove(place);
            self.keep = true;
            return;
        }
        let pause = doubled(timing.errand_again, errand.tries, timing.ask_again_max);
        errand.due_at = now + jittered(pause, chance);
        errand.tries += 1;
        let gpu_job = errand.gpu_job.clone();
        self.effects.push(Effect::CancelGpu { gpu_job });
    }

    pub(super) fn cancel_answered(&mut self, gpu_job: &GpuJobId, settled: bool) -> Outcome {
        let before = self.job.errands.len();
        if settled {
            self.job.errands.retain(|errand| errand.gpu_job != *gpu_job);
        }
        self.keep |= self.job.errands.len() != before;
        Outcome::Applied
    }

    pub(super) fn index_answered(&mut self, version: u64, written: Option<u64>) -> Outcome {
        let index = &mut self.job.index;
        if let Some(rows) = written {
            self.job.usage.d1_rows += rows;
            index.written = index.written.max(version);
            index.tries = 0;
            // A version that came meanwhile need not wait for the pause of this one.
            index.due_at = self.now;
            self.keep = true;
        } else {
            index.tries += 1;
        }
        Outcome::Applied
    }

    /// The sweep brings the index back to the truth, whichever of the two was lost.
    pub(super) fn compared(&mut self, version: Option<u64>) -> Outcome {
        let index = &self.job.index;
        if index.wanted == index.written && version == Some(index.written) {
            return Outcome::Ignored;
        }
        self.job.index.wanted = self.job.index.wanted.max(version.unwrap_or(0));
        self.owe_index();
        self.keep = true;
        Outcome::Applied
    }

    pub(super) fn owe_cancel(&mut self, gpu_job: Option<GpuJobId>) {
        let Some(gpu_job) = gpu_job else { return };
        if self.job.errands.iter().all(|errand| errand.gpu_job != gpu_job) {
            self.job.errands.push(Errand { gpu_job, due_at: self.now, tries: 0 });
            self.keep = true;
        }
    }

    pub(super) fn owe_index(&mut self) {
        self.job.index.wanted += 1;
        self.job.index.due_at = self.now;
        self.job.index.tries = 0;
    }
}

/// More timers than a job can have due at once.
const TIMERS_PER_WAKE: usize = 16;

/// Cancels of one RunPod job before its own limits are left to end it.
const CANCEL_TRIES: u32 = 8;
