//! What a GPU worker says, and whether the result it speaks of is there.

use super::Turn;
use crate::job::code::ErrorCode;
use crate::job::effect::{Effect, Kind, Outcome};
use crate::job::event::{Found, Report};
use crate::job::state::{Check, End, Rendering, State};
use crate::object_key::ObjectKey;
use crate::runpod::GpuJobId;
use crate::wire::gpu::WorkStage;

impl Turn<'_> {
    pub(super) fn reported(&mut self, attempt: u32, report: Report) -> Outcome {
        let ended = self.job.end().is_some();
        if ended || attempt != self.job.attempt {
            if let Report::Complete { key, poster, .. } = report {
                self.discard(attempt, key, poster);
            }
            return if ended { Outcome::Ignored } else { Outcome::Stale };
        }
        match report {
            Report::Claim { gpu_job } => self.claimed(gpu_job),
            Report::Progress { percent, message, stage } => self.progressed(percent, message, stage),
            Report::Complete { key, poster, bytes } => {
                if matches!(&self.job.state, State::Verifying { key: looked, .. } if *looked == key) {
                    return Outcome::Ignored;
                }
                self.look_for_promised(key, poster, bytes, ErrorCode::OutputMissing);
                Outcome::Applied
            }
            Report::Error { code, sentence, may_retry } => {
                self.attempt_failed(code, Some(sentence), may_retry);
                if self.job.end().is_some() { Outcome::Applied } else { Outcome::Retrying }
            }
        }
    }

    pub(super) fn claimed(&mut self, claimant: Option<GpuJobId>) -> Outcome {
        match &self.job.state {
            State::Verifying { .. } => return Outcome::AlreadyClaimed,
            State::Rendering(work) => {
                let other = matches!((&work.gpu_job, &claimant), (Some(known), Some(new)) if known != new);
                if other && self.now.since(work.heard_at) < self.timing.silence {
                    self.owe_cancel(claimant);
                    return Outcome::AlreadyClaimed;
                }
            }
            State::Queued { gpu_job, .. } => {
                // A submit whose answer was lost ran after all, and the later one is not needed.
                if claimant.as_ref().is_some_and(|new| new != gpu_job) {
                    let spare = gpu_job.clone();
                    self.owe_cancel(Some(spare));
                }
            }
            State::Waiting(_) | State::Submitting { .. } | State::Ended(_) => {}
        }
        let gpu_job = claimant.or_else(|| self.gpu_job());
        self.begin(gpu_job, WorkStage::Starting);
        Outcome::Applied
    }

    pub(super) fn progressed(
        &mut self,
        percent: u8,
        message: Option<String>,
        stage: Option<WorkStage>,
    ) -> Outcome {
        if matches!(self.job.state, State::Verifying { .. }) {
            return Outcome::Ignored;
        }
        if !matches!(self.job.state, State::Rendering(_)) {
            self.begin(self.gpu_job(), stage.unwrap_or(WorkStage::Starting));
        }
        let State::Rendering(work) = &mut self.job.state else { return Outcome::Ignored };
        let before = (work.progress, work.stage, work.message.clone());
        work.heard_at = self.now;
        work.check = Check { next_at: self.now, tries: 0, hinted: false };
        work.progress = work.progress.max(percent.min(99));
        work.stage = stage.unwrap_or(work.stage);
        if let Some(message) = message {
            work.message = message;
        }
        let stage_changed = before.1 != work.stage;
        let shown = before != (work.progress, work.stage, work.message.clone());
        if stage_changed {
            self.note(Kind::Progress);
        } else {
            self.tick = shown && self.log.is_empty();
            // A clock that jumped back keeps once and goes on from there.
            let kept_for = self.now.0.abs_diff(self.job.kept_at.0);
            self.keep |= kept_for >= self.timing.keep_every.0.unsigned_abs();
        }
        Outcome::Applied
    }

    /// A renderer has the attempt: its first sign, or one that took over from another.
    pub(super) fn begin(&mut self, gpu_job: Option<GpuJobId>, stage: WorkStage) {
        let now = self.now;
        let (since, progress) = match &self.job.state {
            State::Rendering(work) => (work.since, work.progress),
            _ => (now, 0),
        };
        let first_start = self.job.started_at.is_none();
        self.job.started_at.get_or_insert(now);
        self.job.state = State::Rendering(Rendering {
            gpu_job,
            since,
            heard_at: now,
            stage,
            progress,
            message: "A renderer has taken the export".to_owned(),
            check: Check { next_at: now, tries: 0, hinted: false },
        });
        if first_start || self.job.attempt > self.job.budget_from {
            self.owe_index();
        }
        self.note(Kind::Progress);
    }

    /// Looks for a result that nobody has described.
    pub(super) fn look_for(&mut self, key: ObjectKey, otherwise: ErrorCode) {
        self.look_for_promised(key, None, None, otherwise);
    }

    fn look_for_promised(
        &mut self,
        key: ObjectKey,
        poster: Option<ObjectKey>,
        promised_bytes: Option<u64>,
        otherwise: ErrorCode,
    ) {
        let gpu_job = self.gpu_job();
        self.look(&key, poster.as_ref());
        self.job.state = State::Verifying {
            gpu_job,
            key,
            poster,
            promised_bytes,
            otherwise,
            since: self.now,
            look_at: self.now + self.timing.look_again,
        };
        self.note(Kind::Progress);
    }

    /// A picture costs no second look of its own: it is looked for with the result, also when the report
    /// was lost that would have named it.
    pub(super) fn look(&mut self, key: &ObjectKey, poster: Option<&ObjectKey>) {
        let poster = poster.cloned().unwrap_or_else(|| self.own_poster());
        self.effects.push(Effect::LookForOutput { key: key.clone(), poster });
    }

    pub(super) fn output_looked(&mut self, looked: &ObjectKey, found: Found, picture: Found) -> Outcome {
        let State::Verifying { gpu_job, key, poster, promised_bytes, otherwise, .. } = &self.job.state else {
            return Outcome::Ignored;
        };
        if key != looked {
            return Outcome::Ignored;
        }
        match found {
            Found::Bytes(bytes) if bytes > 0 && promised_bytes.is_none_or(|promised| promised == bytes) => {
                let poster = poster.clone().unwrap_or_else(|| self.own_poster());
                self.job.state = State::Ended(End::Complete {
                    key: key.clone(),
                    bytes,
                    poster: matches!(picture, Found::Bytes(1..)).then_some(poster),
                    at: self.now,
                    gpu_job: gpu_job.clone(),
                });
                self.job.started_at.get_or_insert(self.now);
                self.owe_index();
                self.note(Kind::Complete);
                Outcome::Applied
            }
            // An object that is empty, or of another size than was put, is not a reel.
            Found::Bytes(_) | Found::Missing => {
                let (attempt, key, poster, code) =
                    (self.job.attempt, key.clone(), poster.clone(), *otherwise);
                let sentence = matches!(found, Found::Bytes(1..)).then(|| CUT_OFF.to_owned());
                self.attempt_failed(code, sentence, true);
                if found != Found::Missing {
                    self.discard(attempt, key, poster);
                }
                if self.job.end().is_some() { Outcome::Applied } else { Outcome::Retrying }
            }
            Found::CannotTell => Outcome::Ignored,
        }
    }
}

const CUT_OFF: &str = "The renderer's video did not arrive whole; try the export again.";
