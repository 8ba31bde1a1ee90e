//! Callbacks of GPU workers, and the check of the output that they report.

use crate::base::backoff::spread;
use crate::base::object_key::ObjectKey;
use crate::base::object_version::ObjectVersion;
use crate::job::companions::{Companions, RenditionFault, picture_etag};
use crate::job::effect::{JobEffect, Outcome};
use crate::job::error_code::ErrorCode;
use crate::job::event::{ObjectCheck, Report};
use crate::job::gpu_service::{RunpodJobId, WorkerStage};
use crate::job::log::MessageType;
use crate::job::output_media::OutputMedia;
use crate::job::state::{JobEnd, JobState, PollSchedule, Rendering};
use crate::job::step::StepBuilder;
use crate::webhook::event_type::WebhookEventType;

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
            Report::Claim { runpod_job_id, .. } => self.claim_received(runpod_job_id),
            Report::Progress { percent, message, stage } => self.progress_reported(percent, message, stage),
            Report::Complete { key, poster, bytes, media, companions } => {
                let companions = self.job.companions.completed(companions, self.job.id, attempt);
                if let JobState::Verifying { key: checked, media: known, companions: beside, .. } =
                    &mut self.job.state
                    && *checked == key
                {
                    // A poll may have found the output before its report came.
                    if known.is_some() || media.is_none() {
                        return Outcome::Ignored;
                    }
                    *known = media;
                    // The check in flight does not look for a filmstrip, and at no other keys than these.
                    let described = Companions { filmstrip: None, ..companions };
                    if beside.keys() == described.keys() {
                        *beside = described;
                    }
                    self.persist = true;
                    return Outcome::Applied;
                }
                let output = ReportedOutput { key, poster, bytes, media, companions };
                self.check_reported_output(output, ErrorCode::OutputMissing);
                Outcome::Applied
            }
            Report::Error { code, sentence, retryable } => {
                self.fail_attempt(code, Some(sentence), retryable);
                if self.job.end().is_some() { Outcome::Applied } else { Outcome::Retrying }
            }
        }
    }

    pub(super) fn claim_received(&mut self, claimant: Option<RunpodJobId>) -> Outcome {
        match &self.job.state {
            JobState::Verifying { .. } => return Outcome::AlreadyClaimed,
            JobState::Rendering(rendering) => {
                let is_other =
                    matches!((&rendering.runpod_job_id, &claimant), (Some(known), Some(new)) if known != new);
                if is_other && self.now.since(rendering.last_heartbeat_at) < self.timeouts.heartbeat_timeout {
                    self.request_cancel(claimant);
                    return Outcome::AlreadyClaimed;
                }
            }
            JobState::Queued { runpod_job_id, .. } => {
                // A submit without a known reply was accepted after all, so the later one is not needed.
                if claimant.as_ref().is_some_and(|new| new != runpod_job_id) {
                    let unneeded = runpod_job_id.clone();
                    self.request_cancel(Some(unneeded));
                }
            }
            JobState::PendingSubmit(_) | JobState::Submitting { .. } | JobState::Ended(_) => {}
        }
        let runpod_job_id = claimant.or_else(|| self.runpod_job_id());
        self.start_running(runpod_job_id, WorkerStage::Starting);
        // With every claim goes a set of new URLs.
        let sweep_at = self.now + self.timeouts.worker_url_lifetime + self.timeouts.late_put_grace;
        self.job.sweep_at = self.job.sweep_at.max(Some(sweep_at));
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
        let poll = self.poll_without_heartbeat();
        let JobState::Rendering(rendering) = &mut self.job.state else { return Outcome::Ignored };
        let before = (rendering.progress, rendering.stage, rendering.message.clone());
        rendering.last_heartbeat_at = self.now;
        rendering.poll = poll;
        rendering.progress = rendering.progress.max(percent.min(99));
        rendering.stage = stage.unwrap_or(rendering.stage);
        if let Some(message) = message {
            rendering.message = message;
        }
        let stage_changed = before.1 != rendering.stage;
        let visible_change = before != (rendering.progress, rendering.stage, rendering.message.clone());
        if stage_changed {
            self.append_entry(MessageType::Progress);
        } else {
            self.broadcast_progress = visible_change && self.entries.is_empty();
            // `abs_diff`: if the clock jumped back, the job is written once with the new time.
            let since_persisted = self.now.0.abs_diff(self.job.persisted_at.0);
            self.persist |= since_persisted >= self.timeouts.persist_interval.0.unsigned_abs();
        }
        Outcome::Applied
    }

    /// A GPU worker has the attempt: the first one, or one that replaces a silent one.
    pub(super) fn start_running(&mut self, runpod_job_id: Option<RunpodJobId>, stage: WorkerStage) {
        let now = self.now;
        let (since, progress) = match &self.job.state {
            JobState::Rendering(rendering) => (rendering.since, rendering.progress),
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
            message: "Starting the renderer".to_owned(),
            poll: self.poll_without_heartbeat(),
        });
        if first_start || self.job.attempt > self.job.budget_start_attempt {
            self.request_index_write();
        }
        self.append_entry(MessageType::Progress);
        if first_start {
            self.announce(WebhookEventType::Started);
        }
    }

    /// The poll that becomes due when no heartbeat follows: not for all jobs at once whose heartbeats end.
    fn poll_without_heartbeat(&self) -> PollSchedule {
        let spread = spread(self.timeouts.poll_spread, self.jitter_seed);
        let next_at = self.now + self.timeouts.heartbeat_timeout + spread;
        PollSchedule { next_at, tries: 0, poll_requested: false }
    }

    /// Checks an output that no report has described.
    pub(super) fn check_output(&mut self, key: ObjectKey, failure_code: ErrorCode) {
        let companions = self.job.companions.expected(self.job.id, self.job.attempt);
        let output = ReportedOutput { key, poster: None, bytes: None, media: None, companions };
        self.check_reported_output(output, failure_code);
    }

    fn check_reported_output(&mut self, output: ReportedOutput, failure_code: ErrorCode) {
        let ReportedOutput { key, poster, bytes: reported_bytes, media, companions } = output;
        let runpod_job_id = self.runpod_job_id();
        self.request_output_check(&key, poster.as_ref(), companions.keys());
        self.job.state = JobState::Verifying {
            runpod_job_id,
            key,
            poster,
            reported_bytes,
            media,
            companions,
            failure_code,
            since: self.now,
            next_check_at: self.now + self.timeouts.check_output_backoff,
        };
        self.append_entry(MessageType::Progress);
    }

    /// Checks the output together with its poster, even if no report has given the poster's key.
    pub(super) fn request_output_check(
        &mut self,
        key: &ObjectKey,
        poster: Option<&ObjectKey>,
        companions: Vec<ObjectKey>,
    ) {
        let poster = poster.cloned().unwrap_or_else(|| self.expected_poster());
        self.effects.push(JobEffect::CheckOutput { key: key.clone(), poster, companions });
    }

    pub(super) fn output_checked(
        &mut self,
        checked_key: &ObjectKey,
        output_check: ObjectCheck,
        poster_check: ObjectCheck,
        companion_checks: Vec<ObjectCheck>,
    ) -> Outcome {
        let JobState::Verifying {
            runpod_job_id,
            key,
            poster,
            reported_bytes,
            media,
            companions,
            failure_code,
            ..
        } = &self.job.state
        else {
            return Outcome::Ignored;
        };
        if key != checked_key {
            return Outcome::Ignored;
        }
        let companions = match companions.clone().verified(companion_checks) {
            Ok(companions) => Some(companions),
            Err(RenditionFault::Unknown) if matches!(output_check, ObjectCheck::Present(_)) => {
                return Outcome::Ignored;
            }
            Err(RenditionFault::Missing | RenditionFault::Truncated | RenditionFault::Unknown) => None,
        };
        match (output_check, companions) {
            (ObjectCheck::Present(ObjectVersion { etag, bytes }), Some(companions))
                if bytes > 0 && reported_bytes.is_none_or(|reported| reported == bytes) =>
            {
                let poster_etag = picture_etag(poster_check);
                let poster = poster.clone().unwrap_or_else(|| self.expected_poster());
                self.job.state = JobState::Ended(JobEnd::Complete {
                    key: key.clone(),
                    bytes,
                    poster: poster_etag.is_some().then_some(poster),
                    etag: Some(etag),
                    poster_etag,
                    media: *media,
                    companions,
                    at: self.now,
                    runpod_job_id: runpod_job_id.clone(),
                });
                self.job.started_at.get_or_insert(self.now);
                self.request_index_write();
                self.append_entry(MessageType::Complete);
                self.announce(WebhookEventType::Complete);
                Outcome::Applied
            }
            // An empty object, or one of another size than reported, is not the output; nor is one without all of
            // the job's renditions.
            (output_check @ (ObjectCheck::Present(_) | ObjectCheck::Missing), _) => {
                let (attempt, key, poster, code) =
                    (self.job.attempt, key.clone(), poster.clone(), *failure_code);
                let found = match output_check {
                    ObjectCheck::Present(version) => Some(version.bytes),
                    ObjectCheck::Missing | ObjectCheck::Unknown => None,
                };
                // Of a worker that ran out of time, what it has not uploaded is only a consequence.
                let is_done = code == ErrorCode::OutputMissing;
                let message =
                    found.filter(|bytes| is_done && *bytes > 0).map(|_| TRUNCATED_OUTPUT.to_owned());
                self.fail_attempt(code, message, true);
                if found.is_some() {
                    self.delete_orphaned_output(attempt, key, poster);
                }
                if self.job.end().is_some() { Outcome::Applied } else { Outcome::Retrying }
            }
            (ObjectCheck::Unknown, _) => Outcome::Ignored,
        }
    }
}

/// An output as its report describes it; of one that a poll found, only the key is known.
struct ReportedOutput {
    key: ObjectKey,
    poster: Option<ObjectKey>,
    bytes: Option<u64>,
    media: Option<OutputMedia>,
    companions: Companions,
}

const TRUNCATED_OUTPUT: &str = "The rendered video was not uploaded completely. Try the export again.";
