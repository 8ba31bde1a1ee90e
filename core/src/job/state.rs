//! The state of a job. Each state carries its own data, so that impossible combinations cannot be written.
//!
//! Invariant: only a client's retry leaves [`JobState::Ended`].

use serde::{Deserialize, Serialize};

use crate::base::id::JobId;
use crate::base::object_key::ObjectKey;
use crate::base::time::Timestamp;
use crate::job::companions::{Companions, WantedCompanions};
use crate::job::error_code::ErrorCode;
use crate::job::gpu_service::{RunpodJobId, WorkerStage};
use crate::job::log::{LogEntry, MessageType};
use crate::job::output_media::OutputMedia;
use crate::job::timeouts::MAX_ATTEMPTS;
use crate::job::usage::Usage;
use crate::webhook::queue::WebhookQueue;

/// The part of a job that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Id of the job.
    pub id: JobId,
    /// Number of the current attempt, from 1. A number is never used twice.
    pub attempt: u32,
    /// The first attempt that counts towards the limit of attempts. A client's retry starts a new count.
    #[serde(rename = "budget_from")]
    pub budget_start_attempt: u32,
    /// The state.
    pub state: JobState,
    /// First heartbeat of a GPU worker since the job was created or retried.
    pub started_at: Option<Timestamp>,
    /// Number of the last log entry.
    pub seq: u64,
    /// The endpoint that accepted the last submit. Polls and cancels go there.
    pub endpoint: Option<String>,
    /// RunPod jobs that must still be cancelled.
    #[serde(rename = "errands")]
    pub pending_cancels: Vec<PendingCancel>,
    /// When no GPU worker can put anything any more. It is known once a worker has got URLs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep_at: Option<Timestamp>,
    /// Which version the index has, and which it must have.
    pub index: IndexSync,
    /// When the job was last written.
    #[serde(rename = "kept_at")]
    pub persisted_at: Timestamp,
    /// Billed units so far.
    pub usage: Usage,
    /// Links of an earlier generation are revoked.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub link_generation: u32,
    /// How often it was retried by hand.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retries_by_hand: u32,
    /// Which files its output has beside the video and the poster.
    #[serde(default, skip_serializing_if = "WantedCompanions::is_empty")]
    pub companions: WantedCompanions,
    /// Who hears of its events, and what has become of that.
    #[serde(default, skip_serializing_if = "WebhookQueue::is_empty")]
    pub webhooks: WebhookQueue,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// The state of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// To be submitted to RunPod.
    #[serde(rename = "waiting")]
    PendingSubmit(PendingSubmit),
    /// Submitted; the reply is not known yet.
    Submitting {
        /// The state before the submit, to return to if RunPod did not accept.
        #[serde(rename = "waiting")]
        pending: PendingSubmit,
        /// When the request was sent.
        sent_at: Timestamp,
    },
    /// In RunPod's queue; no GPU worker has sent a callback yet.
    Queued {
        /// The RunPod job.
        #[serde(rename = "gpu_job")]
        runpod_job_id: RunpodJobId,
        /// When RunPod accepted it.
        submitted_at: Timestamp,
        /// When to poll.
        #[serde(rename = "check")]
        poll: PollSchedule,
        /// One line for a person who waits, once the load of the endpoint is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// A GPU worker has the attempt.
    Rendering(Rendering),
    /// The output should be in the bucket and is being checked.
    Verifying {
        /// The RunPod job.
        #[serde(rename = "gpu_job")]
        runpod_job_id: Option<RunpodJobId>,
        /// Key of the output.
        key: ObjectKey,
        /// Key of the poster, if the GPU worker reported one; otherwise the attempt's own key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        poster: Option<ObjectKey>,
        /// Size that the GPU worker reported. An output of another size is not accepted.
        #[serde(rename = "promised_bytes", default, skip_serializing_if = "Option::is_none")]
        reported_bytes: Option<u64>,
        /// What the GPU worker read from the output, if it reported that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        media: Option<OutputMedia>,
        /// Its companions, as reported.
        #[serde(default, skip_serializing_if = "Companions::is_empty")]
        companions: Companions,
        /// The error code if the output is missing.
        #[serde(rename = "otherwise")]
        failure_code: ErrorCode,
        /// When the check began.
        since: Timestamp,
        /// When to check again.
        #[serde(rename = "look_at")]
        next_check_at: Timestamp,
    },
    /// The job has ended.
    Ended(JobEnd),
}

/// A job that is to be submitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PendingSubmit {
    /// When this attempt began to wait.
    pub since: Timestamp,
    /// When to submit next.
    pub due_at: Timestamp,
    /// Submits of this attempt so far.
    pub tries: u32,
    /// Whether the last submit failed for a reason that only an operator can remove: RunPod rejected the API
    /// key, or no endpoint is set.
    pub unauthorized: bool,
    /// One line for a person.
    pub message: String,
}

/// A job that a GPU worker renders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rendering {
    /// The RunPod job; unknown if a callback came before RunPod's reply to the submit.
    #[serde(rename = "gpu_job")]
    pub runpod_job_id: Option<RunpodJobId>,
    /// First heartbeat in this attempt. The execution timeout counts from here.
    pub since: Timestamp,
    /// Last heartbeat.
    #[serde(rename = "heard_at")]
    pub last_heartbeat_at: Timestamp,
    /// What the GPU worker is doing.
    pub stage: WorkerStage,
    /// Whole percent, 0 to 99; never goes down within an attempt.
    pub progress: u8,
    /// One line for a person.
    pub message: String,
    /// When to poll RunPod.
    #[serde(rename = "check")]
    pub poll: PollSchedule,
}

/// When to poll RunPod about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollSchedule {
    /// The next poll, not earlier.
    pub next_at: Timestamp,
    /// Polls without a useful reply.
    pub tries: u32,
    /// A webhook came: poll even if heartbeats arrive.
    #[serde(rename = "hinted")]
    pub poll_requested: bool,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "there is one for a job, and a box would cost code")]
#[serde(rename_all = "snake_case")]
pub enum JobEnd {
    /// The output is in the bucket.
    Complete {
        /// Key of the output.
        key: ObjectKey,
        /// Size of the output.
        bytes: u64,
        /// Key of the poster, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        poster: Option<ObjectKey>,
        /// Tag of the output that was verified: only that version is served. Older jobs have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        etag: Option<String>,
        /// Tag of the poster, likewise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        poster_etag: Option<String>,
        /// What the GPU worker read from the output. Older jobs have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        media: Option<OutputMedia>,
        /// Its companions, as they were found.
        #[serde(default, skip_serializing_if = "Companions::is_empty")]
        companions: Companions,
        /// When the output was verified.
        at: Timestamp,
        /// The RunPod job that rendered it.
        #[serde(rename = "gpu_job")]
        runpod_job_id: Option<RunpodJobId>,
    },
    /// The job failed or was cancelled.
    Failed {
        /// The reason.
        code: ErrorCode,
        /// One sentence for a person.
        #[serde(rename = "sentence")]
        message: String,
        /// When it failed.
        at: Timestamp,
        /// Progress of the last attempt.
        progress: u8,
    },
}

/// A cancel that RunPod has not confirmed yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PendingCancel {
    /// The RunPod job.
    #[serde(rename = "gpu_job")]
    pub runpod_job_id: RunpodJobId,
    /// When to send the cancel next.
    pub due_at: Timestamp,
    /// Cancels sent so far.
    pub tries: u32,
}

/// Versions of the job's index row. The index is up to date if both are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexSync {
    /// Increased by every transition that changes the row.
    pub wanted: u64,
    /// The last version that was written.
    pub written: u64,
    /// When to write next.
    pub due_at: Timestamp,
    /// Failed writes in a row.
    pub tries: u32,
}

impl Job {
    /// A new job, to be submitted at once.
    pub fn new(id: JobId, now: Timestamp) -> Self {
        Self {
            id,
            attempt: 1,
            budget_start_attempt: 1,
            state: JobState::PendingSubmit(PendingSubmit {
                since: now,
                due_at: now,
                tries: 0,
                unauthorized: false,
                message: "Waiting for a renderer".to_owned(),
            }),
            started_at: None,
            seq: 1,
            endpoint: None,
            pending_cancels: Vec::new(),
            sweep_at: None,
            index: IndexSync { wanted: 1, written: 0, due_at: now, tries: 0 },
            persisted_at: now,
            usage: Usage::default(),
            link_generation: 0,
            retries_by_hand: 0,
            companions: WantedCompanions::default(),
            webhooks: WebhookQueue::default(),
        }
    }

    /// The first log entry of a new job.
    pub fn initial_entry(&self) -> LogEntry {
        LogEntry {
            seq: self.seq,
            at: self.persisted_at,
            message_type: MessageType::Status,
            snapshot: self.snapshot(),
        }
    }

    /// Number of the last attempt that is allowed.
    pub fn max_attempts(&self) -> u32 {
        self.budget_start_attempt + MAX_ATTEMPTS - 1
    }

    /// The verified tag of this key if it is the job's result, its poster or a companion; empty if none was kept.
    pub fn output_etag(&self, key: &str) -> Option<&str> {
        let Some(JobEnd::Complete { key: output, poster, etag, poster_etag, companions, .. }) = self.end()
        else {
            return None;
        };
        let etag = if output.as_str() == key {
            etag
        } else if poster.as_ref().is_some_and(|poster| poster.as_str() == key) {
            poster_etag
        } else {
            return companions.etag(key);
        };
        Some(etag.as_deref().unwrap_or_default())
    }

    /// Whether something may lie in the bucket that nobody has reported and nobody needs. A job that is
    /// complete at its first attempt has only its result: its files go with it.
    pub fn needs_sweep(&self) -> bool {
        match self.end() {
            Some(JobEnd::Complete { .. }) => self.attempt > 1,
            Some(JobEnd::Failed { .. }) => true,
            None => false,
        }
    }

    /// How it ended, if it has.
    pub fn end(&self) -> Option<&JobEnd> {
        match &self.state {
            JobState::Ended(end) => Some(end),
            JobState::PendingSubmit(_)
            | JobState::Submitting { .. }
            | JobState::Queued { .. }
            | JobState::Rendering(_)
            | JobState::Verifying { .. } => None,
        }
    }
}
