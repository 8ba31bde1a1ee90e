//! The public face of a job at one moment: what `GET`, the socket, the event log and the index show.

use serde::{Deserialize, Serialize};

use crate::base::time::Timestamp;
use crate::job::error_code::ErrorCode;
use crate::job::state::{Job, JobEnd, JobState};
use crate::job::status::{JobStage, JobStatus};

/// All that changes in a job's JSON. Stored as it is in the event log: renaming a field needs a migration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// One of four words.
    pub status: JobStatus,
    /// Where in an attempt it is.
    pub stage: JobStage,
    /// Whole percent; 100 only when complete.
    pub progress: u8,
    /// One line for a person.
    pub message: String,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Number of the last attempt that would be made.
    pub max_attempts: u32,
    /// First sign of a renderer.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Why it failed.
    pub failure: Option<JobFailure>,
    /// The verified result.
    pub output: Option<JobOutput>,
    /// RunPod's name of the current attempt.
    #[serde(rename = "gpu_job")]
    pub runpod_job_id: Option<String>,
}

/// A failed job's reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobFailure {
    /// From the closed list.
    pub code: ErrorCode,
    /// One sentence for a person.
    pub sentence: String,
}

/// A complete job's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobOutput {
    /// Key in the bucket.
    pub key: String,
    /// Size.
    pub bytes: u64,
    /// Key of a picture of it, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poster: Option<String>,
}

impl Job {
    /// How the job looks now.
    pub fn snapshot(&self) -> Snapshot {
        let blank = Snapshot {
            status: JobStatus::Pending,
            stage: JobStage::Queued,
            progress: 0,
            message: String::new(),
            attempt: self.attempt,
            max_attempts: self.max_attempts(),
            started_at: self.started_at,
            completed_at: None,
            failure: None,
            output: None,
            runpod_job_id: None,
        };
        match &self.state {
            JobState::PendingSubmit(waiting) | JobState::Submitting { waiting, .. } => {
                Snapshot { message: waiting.message.clone(), ..blank }
            }
            JobState::Queued { runpod_job_id, message, .. } => Snapshot {
                message: message.clone().unwrap_or_else(|| "Waiting for a renderer".to_owned()),
                runpod_job_id: Some(runpod_job_id.as_str().to_owned()),
                ..blank
            },
            JobState::Rendering(work) => Snapshot {
                status: JobStatus::Processing,
                stage: work.stage.into(),
                progress: work.progress,
                message: work.message.clone(),
                runpod_job_id: work.runpod_job_id.as_ref().map(|id| id.as_str().to_owned()),
                ..blank
            },
            JobState::Verifying { runpod_job_id, .. } => Snapshot {
                status: JobStatus::Processing,
                stage: JobStage::Verifying,
                progress: 99,
                message: "Checking the result".to_owned(),
                runpod_job_id: runpod_job_id.as_ref().map(|id| id.as_str().to_owned()),
                ..blank
            },
            JobState::Ended(JobEnd::Complete { key, bytes, poster, at, runpod_job_id }) => Snapshot {
                status: JobStatus::Complete,
                stage: JobStage::Done,
                progress: 100,
                message: "Export complete".to_owned(),
                completed_at: Some(*at),
                output: Some(JobOutput {
                    key: key.as_str().to_owned(),
                    bytes: *bytes,
                    poster: poster.as_ref().map(|key| key.as_str().to_owned()),
                }),
                runpod_job_id: runpod_job_id.as_ref().map(|id| id.as_str().to_owned()),
                ..blank
            },
            JobState::Ended(JobEnd::Failed { code, message: sentence, at, progress }) => Snapshot {
                status: JobStatus::Error,
                stage: JobStage::Done,
                progress: *progress,
                message: sentence.clone(),
                completed_at: Some(*at),
                failure: Some(JobFailure { code: *code, sentence: sentence.clone() }),
                ..blank
            },
        }
    }
}
