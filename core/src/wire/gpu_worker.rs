//! What the Worker and a GPU worker say to each other.
//!
//! The way of one attempt: RunPod hands the GPU worker a [`RunInput`]; the worker posts to
//! `{callback_url}/claim` and gets a [`ClaimResponse`] with fresh presigned URLs, posts [`ProgressReport`]s to
//! `/progress`, and ends with one [`CompleteReport`] to `/complete` or one [`ErrorReport`] to `/error`.
//! Every answer but the grant is a [`CallbackResponse`]. A worker that skips the claim, as the plan's first
//! worker does, is understood too.

use crate::job::gpu_service::WorkerStage;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::base::id::JobId;
use crate::edit::JobType;
use crate::job::error_code::ErrorCode;

/// `input` of the job at RunPod: small, and without anything that outlives the attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunInput {
    /// The export job, not RunPod's own id.
    pub job_id: JobId,
    /// 1 for the first try.
    pub attempt: u32,
    /// What to render.
    #[serde(rename = "type")]
    pub job_type: JobType,
    /// Where the input lies in the bucket.
    pub input_video_key: String,
    /// Where the output must go.
    pub output_video_key: String,
    /// The edit, as the client sent it and the Worker has validated it.
    pub params: Box<RawValue>,
    /// A capability of this attempt: never logged. `/claim`, `/progress`, `/complete` and `/error` follow.
    pub callback_url: String,
}

/// The answer to a claim: all that a worker needs to do the attempt, with fresh URLs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClaimResponse {
    /// `false` when the job has already ended: there is nothing to do, and the URLs are empty.
    pub applied: bool,
    /// The export job.
    pub job_id: JobId,
    /// The attempt that was claimed.
    pub attempt: u32,
    /// What to render.
    #[serde(rename = "type")]
    pub job_type: JobType,
    /// The edit.
    pub params: Box<RawValue>,
    /// Presigned GET of the input.
    pub input_url: String,
    /// Every video that the edit reads, the input first; empty when there is only the input.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputDownload>,
    /// Presigned PUT of the output.
    pub output: PresignedPut,
    /// Presigned PUT of a picture of the output, as a JPEG. It is put before the output; one that cannot be
    /// made or put is left out, and costs nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poster: Option<PresignedPut>,
}

/// One of several videos that an edit reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InputDownload {
    /// As the edit names it.
    pub video_key: String,
    /// Presigned GET; a capability, never logged.
    pub url: String,
}

/// One upload, signed: the headers belong to the signature and must be sent as they are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PresignedPut {
    /// Where to send the bytes; a capability, never logged.
    pub url: String,
    /// The object's key, to be named in the [`CompleteReport`].
    pub key: String,
    /// `content-type` of the object, signed.
    pub content_type: String,
}

/// `POST {callback_url}/progress`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProgressReport {
    /// Overall percent of this attempt, 0 to 100; fractions are cut.
    pub progress: f64,
    /// One line for a person, such as `Rendering 210 of 600 frames`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the worker is doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<WorkerStage>,
}

/// `POST {callback_url}/complete`, after the output was put.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CompleteReport {
    /// The key that was written; must lie under `output/{job_id}/`.
    pub output_video_key: String,
    /// Size of the output as it was put: an object of another size counts as missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
    /// The key of its picture, when one was put; under `output/{job_id}/`, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poster_key: Option<String>,
}

/// `POST {callback_url}/error`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErrorReport {
    /// One sentence for a person; shown as it is.
    pub error: String,
    /// The reason, when the worker knows it; `gpu_error` otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<ErrorCode>,
    /// `false` forbids another attempt; otherwise the code decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub should_retry: Option<bool>,
}

/// The answer to a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackResponse {
    /// Always true: the report was understood. The plan's first worker reads it.
    pub success: bool,
    /// Whether it changed anything; `false` tells a worker to stop: the job has ended without it.
    pub applied: bool,
    /// For errors: whether another attempt follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrying: Option<bool>,
}
