//! What a GPU worker says, and whether the result it speaks of is there.

use crate::base::object_key::ObjectKey;
use crate::job::effect::{JobEffect, Outcome};
use crate::job::error_code::ErrorCode;
use crate::job::event::{ObjectCheck, Report};
use crate::job::gpu_service::{RunpodJobId, WorkerStage};
use crate::job::log::MessageType;
use crate::job::state::{JobEnd, JobState, PollSchedule, Rendering};
use crate::job::step::StepBuilder;

impl StepBuilder<'_> {
    pub(super) fn callback_received(&mut self, attempt: u32, report: Report) -> Outcome {
        let ended = self.job.end().is_some();
        if ended || attempt != self.job.attempt {
            if let Report::Complete { key, poster, .. } = report {
                self.delete_orphaned_output(attempt, key, poster);
            }
            return if ended { Outcome::Ignored } else { Outcome::Stale };
        }
        match report {
            Report::Claim { runpod_job_id } => self.claimed(runpod_job_id),
            Report::Progress { percent, message, stage } => self.progress_reported(percent, message, stage),
            Report::Complete { key, poster, bytes } => {
                if matches!(&self.job.state, JobState::Verifying { key: looked, .. } if *looked == key) {
                    return Outcome::Ignored;
                }
                self.check_reported_output(key, poster, bytes, ErrorCode::OutputMissing);
                Outcome::Applied
            }
            Report::Error { code, sentence, retryable: may_retry } => {
                self.fail_attempt(code, Some(sentence), may_retry);
                if self.job.end().is_some() { Outcome::Applied } else { Outcome::Retrying }
            }
        }
    }

    pub(super) fn claimed(&mut self, claimant: Option<RunpodJobId>) -> Outcome {
        match &self.job.state {
            JobState::Verifying { .. } => return Outcome::AlreadyClaimed,
            JobState::Rendering(work) => {
                let other =
                    matches!((&work.runpod_job_id, &claimant), (Some(known), Some(new)) if known != new);
                if other && self.now.since(work.last_heartbeat_at) < self.timeouts.heartbeat_timeout {
                    self.request_cancel(claimant);
                    return Outcome::AlreadyClaimed;
                }
            }
            JobState::Queued { runpod_job_id, .. } => {
                // A submit whose answer was lost ran after all, and the later one is not needed.
                if claimant.as_ref().is_some_and(|new| new != runpod_job_id) {
                    let spare = runpod_job_id.clone();
                    self.request_cancel(Some(spare));
                }
            }
            JobState::PendingSubmit(_) | JobState::Submitting { .. } | JobState::Ended(_) => {}
        }
        let runpod_job_id = claimant.or_else(|| self.runpod_job_id());
        self.start_running(runpod_job_id, WorkerStage::Starting);
        Outcome::Applied
    }

    pub(super) fn progress_reported(
        &mut self,
        percent: u8,
        message: Option<String>,
        stage: Option<WorkerStage>,
    ) -> Outcome {
        if matches!(self.job.state, JobState::Verifying { .. }) {
            return Outcome::Ignored;
        }
        if !matches!(self.job.state, JobState::Rendering(_)) {
            self.start_running(self.runpod_job_id(), stage.unwrap_or(WorkerStage::Starting));
        }
        let JobState::Rendering(work) = &mut self.job.state else { return Outcome::Ignored };
        let before = (work.progress, work.stage, work.message.clone());
        work.last_heartbeat_at = self.now;
        work.poll = PollSchedule { next_at: self.now, tries: 0, poll_requested: false };
        work.progress = work.progress.max(percent.min(99));
        work.stage = stage.unwrap_or(work.stage);
        if let Some(message) = message {
            work.message = message;
        }
        let stage_changed = before.1 != work.stage;
        let shown = before != (work.progress, work.stage, work.message.clone());
        if stage_changed {
            self.append_entry(MessageType::Progress);
        } else {
            self.broadcast_progress = shown && self.entries.is_empty();
            // A clock that jumped back keeps once and goes on from there.
            let kept_for = self.now.0.abs_diff(self.job.persisted_at.0);
            self.persist |= kept_for >= self.timeouts.persist_interval.0.unsigned_abs();
        }
        Outcome::Applied
    }

    /// A renderer has the attempt: its first sign, or one that took over from another.
    pub(super) fn start_running(&mut self, runpod_job_id: Option<RunpodJobId>, stage: WorkerStage) {
        let now = self.now;
        let (since, progress) = match &self.job.state {
            JobState::Rendering(work) => (work.since, work.progress),
            _ => (now, 0),
        };
        let first_start = self.job.started_at.is_none();
        self.job.started_at.get_or_insert(now);
        self.job.state = JobState::Rendering(Rendering {
            runpod_job_id,
            since,
            last_heartbeat_at: now,
            stage,
            progress,
            message: "A renderer has taken the export".to_owned(),
            poll: PollSchedule { next_at: now, tries: 0, poll_requested: false },
        });
        if first_start || self.job.attempt > self.job.budget_start_attempt {
            self.request_index_write();
        }
        self.append_entry(MessageType::Progress);
    }

    /// Looks for a result that nobody has described.
    pub(super) fn check_output(&mut self, key: ObjectKey, otherwise: ErrorCode) {
        self.check_reported_output(key, None, None, otherwise);
    }

    fn check_reported_output(
        &mut self,
        key: ObjectKey,
        poster: Option<ObjectKey>,
        reported_bytes: Option<u64>,
        otherwise: ErrorCode,
    ) {
        let runpod_job_id = self.runpod_job_id();
        self.look(&key, poster.as_ref());
        self.job.state = JobState::Verifying {
            runpod_job_id,
            key,
            poster,
            reported_bytes,
            failure_code: otherwise,
            since: self.now,
            next_check_at: self.now + self.timeouts.check_output_backoff,
        };
        self.append_entry(MessageType::Progress);
    }

    /// A picture costs no second look of its own: it is looked for with the result, also when the report
    /// was lost that would have named it.
    pub(super) fn look(&mut self, key: &ObjectKey, poster: Option<&ObjectKey>) {
        let poster = poster.cloned().unwrap_or_else(|| self.own_poster());
        self.effects.push(JobEffect::CheckOutput { key: key.clone(), poster });
    }

    pub(super) fn output_checked(
        &mut self,
        looked: &ObjectKey,
        found: ObjectCheck,
        picture: ObjectCheck,
    ) -> Outcome {
        let JobState::Verifying {
            runpod_job_id, key, poster, reported_bytes, failure_code: otherwise, ..
        } = &self.job.state
        else {
            return Outcome::Ignored;
        };
        if key != looked {
            return Outcome::Ignored;
        }
        match found {
            ObjectCheck::Present(bytes)
                if bytes > 0 && reported_bytes.is_none_or(|promised| promised == bytes) =>
            {
                let poster = poster.clone().unwrap_or_else(|| self.own_poster());
                self.job.state = JobState::Ended(JobEnd::Complete {
                    key: key.clone(),
                    bytes,
                    poster: matches!(picture, ObjectCheck::Present(1..)).then_some(poster),
                    at: self.now,
                    runpod_job_id: runpod_job_id.clone(),
                });
                self.job.started_at.get_or_insert(self.now);
                self.request_index_write();
                self.append_entry(MessageType::Complete);
                Outcome::Applied
            }
            // An object that is empty, or of another size than was put, is not a reel.
            ObjectCheck::Present(_) | ObjectCheck::Missing => {
                let (attempt, key, poster, code) =
                    (self.job.attempt, key.clone(), poster.clone(), *otherwise);
                let sentence =
                    matches!(found, ObjectCheck::Present(1..)).then(|| TRUNCATED_OUTPUT.to_owned());
                self.fail_attempt(code, sentence, true);
                if found != ObjectCheck::Missing {
                    self.delete_orphaned_output(attempt, key, poster);
                }
                if self.job.end().is_some() { Outcome::Applied } else { Outcome::Retrying }
            }
            ObjectCheck::Unknown => Outcome::Ignored,
        }
    }
}

const TRUNCATED_OUTPUT: &str = "The renderer's video did not arrive whole; try the export again.";
