//! What a job is. The state carries its data, so that impossible combinations cannot be written.
//!
//! Invariant: [`State::Ended`] is never left except by a retry that a person asked for.

use serde::{Deserialize, Serialize};

use crate::base::id::JobId;
use crate::base::object_key::ObjectKey;
use crate::base::time::Timestamp;
use crate::job::error_code::ErrorCode;
use crate::job::gpu_service::{RunpodJobId, WorkerStage};
use crate::job::log::{LogEntry, MessageType};
use crate::job::timeouts::MAX_ATTEMPTS;
use crate::job::usage::Usage;

/// The life of one job: all that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The job.
    pub id: JobId,
    /// Number of the current attempt, from 1; never used twice.
    pub attempt: u32,
    /// The first attempt that counts against the budget: a retry by hand starts a new one.
    #[serde(rename = "budget_from")]
    pub budget_start_attempt: u32,
    /// Where it stands.
    pub state: JobState,
    /// First sign of a renderer in this budget.
    pub started_at: Option<Timestamp>,
    /// Number of the last stored event.
    pub seq: u64,
    /// The endpoint that took the last submit; its jobs are asked about and cancelled there.
    pub endpoint: Option<String>,
    /// RunPod jobs that must still be cancelled.
    #[serde(rename = "errands")]
    pub pending_cancels: Vec<PendingCancel>,
    /// What the D1 index has yet to hear.
    pub index: IndexSync,
    /// When this record was last worth keeping.
    #[serde(rename = "kept_at")]
    pub persisted_at: Timestamp,
    /// What it has cost.
    pub usage: Usage,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// To be handed to RunPod.
    #[serde(rename = "waiting")]
    PendingSubmit(PendingSubmit),
    /// Being handed over; the answer is not known yet.
    Submitting {
        /// The wait that led here, in case it must go on.
        waiting: PendingSubmit,
        /// When the request was sent.
        sent_at: Timestamp,
    },
    /// In RunPod's queue; no renderer has spoken yet.
    Queued {
        /// RunPod's name of it.
        #[serde(rename = "gpu_job")]
        runpod_job_id: RunpodJobId,
        /// When RunPod took it.
        submitted_at: Timestamp,
        /// When to ask about it.
        #[serde(rename = "check")]
        poll: PollSchedule,
        /// One line for a person who waits, once there is something to tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// A renderer works on it.
    Rendering(Rendering),
    /// The result is said to be there, and is being looked for.
    Verifying {
        /// RunPod's name of it.
        #[serde(rename = "gpu_job")]
        runpod_job_id: Option<RunpodJobId>,
        /// Where the result should be.
        key: ObjectKey,
        /// Where its picture is, if the renderer named a place; else beside it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        poster: Option<ObjectKey>,
        /// How many bytes the renderer put, if it said so: a result of another size is none.
        #[serde(rename = "promised_bytes", default, skip_serializing_if = "Option::is_none")]
        reported_bytes: Option<u64>,
        /// What it means when it is not there.
        #[serde(rename = "otherwise")]
        failure_code: ErrorCode,
        /// When the search began.
        since: Timestamp,
        /// When to look (again).
        #[serde(rename = "look_at")]
        next_check_at: Timestamp,
    },
    /// The end.
    Ended(JobEnd),
}

/// A job that is to be handed to RunPod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PendingSubmit {
    /// When this attempt began to wait.
    pub since: Timestamp,
    /// When to hand it over (again).
    pub due_at: Timestamp,
    /// How often that was tried for this attempt.
    pub tries: u32,
    /// RunPod refused our key the last time.
    pub unauthorized: bool,
    /// One line for a person.
    pub message: String,
}

/// A job that a renderer works on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rendering {
    /// RunPod's name of it; unknown while only the renderer has spoken.
    #[serde(rename = "gpu_job")]
    pub runpod_job_id: Option<RunpodJobId>,
    /// First sign of the renderer in this attempt: the execution deadline counts from here.
    pub since: Timestamp,
    /// Last sign of the renderer.
    #[serde(rename = "heard_at")]
    pub last_heartbeat_at: Timestamp,
    /// What it is doing.
    pub stage: WorkerStage,
    /// Whole percent, 0 to 99; never goes down within an attempt.
    pub progress: u8,
    /// One line for a person.
    pub message: String,
    /// When to ask RunPod about it.
    #[serde(rename = "check")]
    pub poll: PollSchedule,
}

/// When RunPod is to be asked about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollSchedule {
    /// Not before this.
    pub next_at: Timestamp,
    /// How often it was asked in vain.
    pub tries: u32,
    /// The webhook said that there is news: do not wait for silence.
    #[serde(rename = "hinted")]
    pub poll_requested: bool,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobEnd {
    /// The reel is in the bucket.
    Complete {
        /// Where.
        key: ObjectKey,
        /// Its size.
        bytes: u64,
        /// Where a picture of it is, when there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        poster: Option<ObjectKey>,
        /// When that was verified.
        at: Timestamp,
        /// RunPod's name of the attempt that made it.
        #[serde(rename = "gpu_job")]
        runpod_job_id: Option<RunpodJobId>,
    },
    /// There is no reel.
    Failed {
        /// Why.
        code: ErrorCode,
        /// One sentence for a person.
        #[serde(rename = "sentence")]
        message: String,
        /// When.
        at: Timestamp,
        /// How far the last attempt had come.
        progress: u8,
    },
}

/// A cancel that RunPod has not confirmed yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PendingCancel {
    /// Which of RunPod's jobs.
    #[serde(rename = "gpu_job")]
    pub runpod_job_id: RunpodJobId,
    /// When to ask (again).
    pub due_at: Timestamp,
    /// How often it was asked.
    pub tries: u32,
}

/// What the D1 index knows of the job: it is right when both versions are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexSync {
    /// Raised on every transition that the index shows.
    pub wanted: u64,
    /// The last version that was written.
    pub written: u64,
    /// When to write (again).
    pub due_at: Timestamp,
    /// Failed writes in a row.
    pub tries: u32,
}

impl Job {
    /// A job that was just accepted: due at once.
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
            index: IndexSync { wanted: 1, written: 0, due_at: now, tries: 0 },
            persisted_at: now,
            usage: Usage::default(),
        }
    }

    /// The first stored event of a job that was just accepted.
    pub fn initial_entry(&self) -> LogEntry {
        LogEntry {
            seq: self.seq,
            at: self.persisted_at,
            message_type: MessageType::Status,
            snapshot: self.snapshot(),
        }
    }

    /// Number of the last attempt that this budget allows.
    pub fn max_attempts(&self) -> u32 {
        self.budget_start_attempt + MAX_ATTEMPTS - 1
    }

    /// Whether this key is its result, or the poster of it.
    pub fn has_output(&self, key: &str) -> bool {
        match self.end() {
            Some(JobEnd::Complete { key: output, poster, .. }) => {
                output.as_str() == key || poster.as_ref().is_some_and(|poster| poster.as_str() == key)
            }
            Some(JobEnd::Failed { .. }) | None => false,
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
