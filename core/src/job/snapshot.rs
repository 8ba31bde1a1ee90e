//! The public view of a job at one moment, as `GET`, sockets, the event log and the index show it.

use serde::{Deserialize, Serialize};

use crate::base::time::Timestamp;
use crate::job::companions::Companions;
use crate::job::error_code::ErrorCode;
use crate::job::output_media::OutputMedia;
use crate::job::state::{Job, JobEnd, JobState};
use crate::job::status::{JobStage, JobStatus};

/// The part of the job JSON that changes. The event log stores it in this form, so stored names must not
/// change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The public status.
    pub status: JobStatus,
    /// The public stage.
    pub stage: JobStage,
    /// Whole percent; 100 only if complete.
    pub progress: u8,
    /// One line for a person.
    pub message: String,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Number of the last attempt that is allowed.
    pub max_attempts: u32,
    /// First heartbeat of a GPU worker.
    pub started_at: Option<Timestamp>,
    /// When the job ended.
    pub completed_at: Option<Timestamp>,
    /// Why the job failed.
    pub failure: Option<JobFailure>,
    /// The verified output.
    pub output: Option<JobOutput>,
    /// RunPod's id of the current attempt.
    #[serde(rename = "gpu_job")]
    pub runpod_job_id: Option<String>,
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobFailure {
    /// The error code.
    pub code: ErrorCode,
    /// One sentence for a person.
    pub sentence: String,
}

/// The output of a complete job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobOutput {
    /// Key of the video.
    pub key: String,
    /// Size of the video.
    pub bytes: u64,
    /// Key of the poster, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poster: Option<String>,
    /// What its renderer read from the file. Older entries have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<OutputMedia>,
    /// What lies beside it.
    #[serde(default, skip_serializing_if = "Companions::is_empty")]
    pub companions: Companions,
}

impl Job {
    /// The public view of the job.
    pub fn snapshot(&self) -> Snapshot {
        let base = Snapshot {
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
            JobState::PendingSubmit(pending) | JobState::Submitting { pending, .. } => {
                Snapshot { message: pending.message.clone(), ..base }
            }
            JobState::Queued { runpod_job_id, message, .. } => Snapshot {
                message: message.clone().unwrap_or_else(|| "Waiting for a renderer".to_owned()),
                runpod_job_id: Some(runpod_job_id.as_str().to_owned()),
                ..base
            },
            JobState::Rendering(rendering) => Snapshot {
                status: JobStatus::Processing,
                stage: rendering.stage.into(),
                progress: rendering.progress,
                message: rendering.message.clone(),
                runpod_job_id: rendering.runpod_job_id.as_ref().map(|id| id.as_str().to_owned()),
                ..base
            },
            JobState::Verifying { runpod_job_id, .. } => Snapshot {
                status: JobStatus::Processing,
                stage: JobStage::Verifying,
                progress: 99,
                message: "Checking the result".to_owned(),
                runpod_job_id: runpod_job_id.as_ref().map(|id| id.as_str().to_owned()),
                ..base
            },
            JobState::Ended(JobEnd::Complete {
                key,
                bytes,
                poster,
                media,
                companions,
                at,
                runpod_job_id,
                ..
            }) => Snapshot {
                status: JobStatus::Complete,
                stage: JobStage::Done,
                progress: 100,
                message: "Export complete".to_owned(),
                completed_at: Some(*at),
                output: Some(JobOutput {
                    key: key.as_str().to_owned(),
                    bytes: *bytes,
                    poster: poster.as_ref().map(|key| key.as_str().to_owned()),
                    media: *media,
                    companions: companions.clone(),
                }),
                runpod_job_id: runpod_job_id.as_ref().map(|id| id.as_str().to_owned()),
                ..base
            },
            JobState::Ended(JobEnd::Failed { code, message, at, progress }) => Snapshot {
                status: JobStatus::Error,
                stage: JobStage::Done,
                progress: *progress,
                message: message.clone(),
                completed_at: Some(*at),
                failure: Some(JobFailure { code: *code, sentence: message.clone() }),
                ..base
            },
        }
    }
}
