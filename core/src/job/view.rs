//! The public face of a job at one moment: what `GET`, the socket, the event log and the index show.

use serde::{Deserialize, Serialize};

use crate::job::code::ErrorCode;
use crate::job::state::{End, Job, Stage, State, Status};
use crate::time::Millis;

/// All that changes in a job's JSON. Stored as it is in the event log: renaming a field needs a migration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Face {
    /// One of four words.
    pub status: Status,
    /// Where in an attempt it is.
    pub stage: Stage,
    /// Whole percent; 100 only when complete.
    pub progress: u8,
    /// One line for a person.
    pub message: String,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Number of the last attempt that would be made.
    pub max_attempts: u32,
    /// First sign of a renderer.
    pub started_at: Option<Millis>,
    /// When it ended.
    pub completed_at: Option<Millis>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// The verified result.
    pub output: Option<Output>,
    /// RunPod's name of the current attempt.
    pub gpu_job: Option<String>,
}

/// A failed job's reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// From the closed list.
    pub code: ErrorCode,
    /// One sentence for a person.
    pub sentence: String,
}

/// A complete job's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
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
    pub fn face(&self) -> Face {
        let blank = Face {
            status: Status::Pending,
            stage: Stage::Queued,
            progress: 0,
            message: String::new(),
            attempt: self.attempt,
            max_attempts: self.max_attempts(),
            started_at: self.started_at,
            completed_at: None,
            failure: None,
            output: None,
            gpu_job: None,
        };
        match &self.state {
            State::Waiting(waiting) | State::Submitting { waiting, .. } => {
                Face { message: waiting.message.clone(), ..blank }
            }
            State::Queued { gpu_job, message, .. } => Face {
                message: message.clone().unwrap_or_else(|| "Waiting for a renderer".to_owned()),
                gpu_job: Some(gpu_job.as_str().to_owned()),
                ..blank
            },
            State::Rendering(work) => Face {
                status: Status::Processing,
                stage: work.stage.into(),
                progress: work.progress,
                message: work.message.clone(),
                gpu_job: work.gpu_job.as_ref().map(|id| id.as_str().to_owned()),
                ..blank
            },
            State::Verifying { gpu_job, .. } => Face {
                status: Status::Processing,
                stage: Stage::Verifying,
                progress: 99,
                message: "Checking the result".to_owned(),
                gpu_job: gpu_job.as_ref().map(|id| id.as_str().to_owned()),
                ..blank
            },
            State::Ended(End::Complete { key, bytes, poster, at, gpu_job }) => Face {
                status: Status::Complete,
                stage: Stage::Done,
                progress: 100,
                message: "Export complete".to_owned(),
                completed_at: Some(*at),
                output: Some(Output {
                    key: key.as_str().to_owned(),
                    bytes: *bytes,
                    poster: poster.as_ref().map(|key| key.as_str().to_owned()),
                }),
                gpu_job: gpu_job.as_ref().map(|id| id.as_str().to_owned()),
                ..blank
            },
            State::Ended(End::Failed { code, sentence, at, progress }) => Face {
                status: Status::Error,
                stage: Stage::Done,
                progress: *progress,
                message: sentence.clone(),
                completed_at: Some(*at),
                failure: Some(Failure { code: *code, sentence: sentence.clone() }),
                ..blank
            },
        }
    }
}
