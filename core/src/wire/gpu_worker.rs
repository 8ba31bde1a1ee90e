//! The JSON between the API and a GPU worker.
//!
//! An attempt goes like this: RunPod passes a [`RunInput`] to the GPU worker. The worker posts to
//! `{callback.url}/claim` and gets a [`ClaimResponse`] with fresh presigned URLs. It posts
//! [`ProgressReport`]s to `/progress`, and at the end one [`CompleteReport`] to `/complete` or one
//! [`ErrorReport`] to `/error`. The response to these is a [`CallbackResponse`]. A worker may also skip the
//! claim.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::base::id::JobId;
use crate::base::object_version::ObjectVersion;
use crate::base::rendition_name::RenditionName;
use crate::edit::JobType;
use crate::job::error_code::ErrorCode;
use crate::job::filmstrip::FilmstripLayout;
use crate::job::gpu_service::WorkerStage;
use crate::job::output_media::OutputMedia;

/// `input` of the RunPod job: small, and nothing in it is valid for longer than the attempt.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunInput {
    /// The export job's id, not RunPod's.
    pub job_id: JobId,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// What to render.
    #[serde(rename = "type")]
    pub job_type: JobType,
    /// Key of the input.
    pub input_video_key: String,
    /// Key that the output must have.
    pub output_video_key: String,
    /// The edit, checked by the API.
    #[cfg_attr(feature = "describe", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub params: Box<RawValue>,
    /// A capability of this attempt, never logged. The worker appends `/claim`, `/progress`, `/complete` or
    /// `/error`. For workers that do not know `callback`.
    pub callback_url: String,
    /// The same as address and token, so that no URL is a capability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<CallbackAddress>,
}

/// Where a GPU worker reports, and what it shows there.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallbackAddress {
    /// The worker appends `/claim`, `/progress`, `/complete` or `/error`.
    pub url: String,
    /// Sent as `Authorization: Bearer`; a capability of this attempt, never logged.
    pub token: String,
}

/// `POST {callback.url}/claim`. Older workers send less, or nothing.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ClaimRequest {
    /// The RunPod job that the worker runs for. The API tells two runs of one attempt apart by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runpod_job_id: Option<String>,
    /// Whether the worker sends the `if-none-match` of a [`PresignedPut`].
    #[serde(default)]
    pub conditional_put: bool,
}

/// The response to a claim: all that a worker needs for the attempt, with fresh URLs.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClaimResponse {
    /// `false` if the job has already ended. Then there is nothing to do and the URLs are empty.
    pub applied: bool,
    /// The export job.
    pub job_id: JobId,
    /// The attempt that was claimed.
    pub attempt: u32,
    /// What to render.
    #[serde(rename = "type")]
    pub job_type: JobType,
    /// The edit.
    #[cfg_attr(feature = "describe", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    pub params: Box<RawValue>,
    /// Presigned GET of the input.
    pub input_url: String,
    /// What the input was when the job was created. The worker gets it with `If-Match`, and reports
    /// `input_changed` if it is another by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_version: Option<ObjectVersion>,
    /// Every video that the edit reads, the input first. Empty if there is only the input.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputDownload>,
    /// How long the attempt may take from now on; the worker ends it then by itself. Older APIs do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_timeout_ms: Option<u64>,
    /// Presigned PUT of the output.
    pub output: PresignedPut,
    /// Presigned PUT of the poster, a JPEG of one frame of the output. It is put before the output. The
    /// worker leaves it out if it cannot be made or put.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poster: Option<PresignedPut>,
    /// Where the edit's `outputs` go, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<RenditionPut>,
    /// Presigned PUT of a sheet of small pictures, a JPEG, if the edit has `filmstrip`. The worker leaves it
    /// out if it cannot be made or put.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filmstrip: Option<PresignedPut>,
}

/// Where one of the edit's `outputs` goes.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RenditionPut {
    /// Its name in the edit.
    #[cfg_attr(feature = "describe", schemars(with = "String"))]
    pub name: RenditionName,
    /// Presigned PUT of the video.
    pub video: PresignedPut,
    /// Presigned PUT of its poster, which is put before the video.
    pub poster: PresignedPut,
}

/// One of several videos that an edit reads.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InputDownload {
    /// The key in the edit.
    pub video_key: String,
    /// Presigned GET; a capability, never logged.
    pub url: String,
    /// What the video was when the job was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<ObjectVersion>,
}

/// A presigned PUT. The headers are part of the signature and must be sent unchanged.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PresignedPut {
    /// The URL to PUT to; a capability, never logged.
    pub url: String,
    /// The object's key, which the [`CompleteReport`] repeats.
    pub key: String,
    /// The signed `content-type`.
    pub content_type: String,
    /// The signed `if-none-match`, `*`, for a worker that asked for it: the object cannot be replaced. A 412
    /// means that an earlier PUT has arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_none_match: Option<String>,
}

/// `POST {callback.url}/progress`.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProgressReport {
    /// Percent of the whole attempt, 0 to 100; fractions are cut off.
    pub progress: f64,
    /// One line for a person, such as `Rendering 210 of 600 frames`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the worker is doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<WorkerStage>,
}

/// `POST {callback.url}/complete`, after the output was put.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CompleteReport {
    /// The key that was written; must start with `output/{job_id}/`.
    pub output_video_key: String,
    /// Size of the output. An object of another size counts as missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
    /// The key of its poster, if one was put; must start with `output/{job_id}/`, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poster_key: Option<String>,
    /// What the worker read from the finished file. Older workers do not send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputMedia>,
    /// The edit's `outputs`, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<RenditionReport>,
    /// The sheet of small pictures, if one was put.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filmstrip: Option<FilmstripReport>,
}

/// One of the edit's `outputs`, put.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RenditionReport {
    /// Its name in the edit.
    #[cfg_attr(feature = "describe", schemars(with = "String"))]
    pub name: RenditionName,
    /// The key that was written; must start with `output/{job_id}/`.
    pub video_key: String,
    /// Size of the file. An object of another size counts as missing.
    pub bytes: u64,
    /// The key of its poster, if one was put.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poster_key: Option<String>,
    /// What the worker read from the finished file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputMedia>,
}

/// A sheet of small pictures of the output, put.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FilmstripReport {
    /// The key that was written; must start with `output/{job_id}/`.
    pub key: String,
    /// How it is divided.
    pub layout: FilmstripLayout,
}

/// `POST {callback.url}/error`.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErrorReport {
    /// One sentence for a person, shown unchanged.
    pub error: String,
    /// The reason, if the worker knows it; `gpu_error` otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<ErrorCode>,
    /// `false` forbids another attempt; otherwise the code decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub should_retry: Option<bool>,
}

/// The response to a report.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackResponse {
    /// Always true: the report was read. Older workers check it.
    pub success: bool,
    /// Whether the report changed the job. `false` tells a worker to stop: the job has ended without it.
    pub applied: bool,
    /// For errors: whether another attempt follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrying: Option<bool>,
}
