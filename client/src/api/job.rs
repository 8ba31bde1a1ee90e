//! The job as the API shows it, and as a client asks for it.
//!
//! Reading is lenient: unknown fields are ignored and unknown stages are kept, so that an older client works with
//! a newer server.

use std::fmt;

use reel_core::base::id::JobId;
use reel_core::edit::JobType;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::capability_url::CapabilityUrl;

/// The status of a job; the last two are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    /// Waiting for a renderer.
    Pending,
    /// Being rendered.
    Processing,
    /// The output exists.
    Complete,
    /// Failed or cancelled.
    Error,
}

impl JobStatus {
    /// Whether the job has ended.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Complete | Self::Error)
    }

    /// Its word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Complete => "complete",
            Self::Error => "error",
        }
    }
}

/// What is being done, finer than [`JobStatus`].
///
/// The core has the same list without `Other`: the server knows all its stages, and a client may be older than
/// the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStage {
    /// Waiting for a renderer.
    Queued,
    /// A renderer has the job.
    Starting,
    /// The renderer downloads the input.
    Downloading,
    /// The renderer renders.
    Rendering,
    /// The renderer uploads the output.
    Uploading,
    /// The API checks the output.
    Verifying,
    /// Ended.
    Done,
    /// A stage of a newer server.
    #[serde(untagged)]
    Other(String),
}

impl JobStage {
    /// Its word on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Queued => "queued",
            Self::Starting => "starting",
            Self::Downloading => "downloading",
            Self::Rendering => "rendering",
            Self::Uploading => "uploading",
            Self::Verifying => "verifying",
            Self::Done => "done",
            Self::Other(word) => word,
        }
    }
}

/// One export job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Identifies the job.
    pub job_id: JobId,
    /// The project it belongs to.
    #[serde(default)]
    pub project_id: i64,
    /// What it renders.
    #[serde(rename = "type")]
    pub job_type: JobType,
    /// Its status.
    pub status: JobStatus,
    /// What is being done; absent from older servers.
    pub stage: Option<JobStage>,
    /// Percent of the current attempt, 0 to 100.
    #[serde(default)]
    pub progress: f64,
    /// One line for a person.
    pub message: Option<String>,
    /// The current attempt, from 1; 0 before the first.
    #[serde(default)]
    pub attempt: u32,
    /// How many attempts it may have.
    #[serde(default)]
    pub max_attempts: u32,
    /// How many attempts have failed.
    #[serde(default)]
    pub retry_count: u32,
    /// Key of the input in the bucket.
    pub input_video_key: Option<String>,
    /// Key of the output in the bucket, once complete.
    pub output_video_key: Option<String>,
    /// Size of the output, once complete.
    pub output_bytes: Option<u64>,
    /// What was made, once complete; absent from older servers and of jobs of older renderers.
    pub output: Option<MadeReel>,
    /// Where to download the output, once complete; valid for an hour.
    pub output_url: Option<CapabilityUrl>,
    /// Where to download a still of the output, if there is one; valid for an hour.
    pub poster_url: Option<CapabilityUrl>,
    /// The edit's further outputs, once complete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<FurtherOutput>,
    /// A sheet of small pictures of the output, if the edit asks for one; once complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filmstrip: Option<Filmstrip>,
    /// The edit as the server understood it.
    #[serde(default)]
    pub params: Value,
    /// Why it failed, in one sentence.
    pub error: Option<String>,
    /// Why it failed, as a word that programs can match on.
    pub error_code: Option<String>,
    /// Whether a retry can help.
    pub retryable: Option<bool>,
    /// Number of the last log entry; absent from messages that are not stored.
    pub seq: Option<u64>,
    /// ISO 8601, UTC.
    pub created_at: Option<String>,
    /// ISO 8601, UTC: when a renderer first reported.
    pub started_at: Option<String>,
    /// ISO 8601, UTC: when the job ended.
    pub completed_at: Option<String>,
    /// RunPod's id of the current attempt.
    pub runpod_job_id: Option<String>,
    /// The job's WebSocket, absolute or relative to the API; may carry a token.
    pub websocket_url: Option<CapabilityUrl>,
}

/// One of an edit's `outputs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FurtherOutput {
    /// Its name in the edit.
    pub name: String,
    /// Key in the bucket.
    pub output_video_key: Option<String>,
    /// Size of the video.
    pub output_bytes: Option<u64>,
    /// What was made.
    pub output: Option<MadeReel>,
    /// Where to download it; valid for an hour.
    pub output_url: Option<CapabilityUrl>,
    /// Where to download a still of it, if there is one; valid for an hour.
    pub poster_url: Option<CapabilityUrl>,
}

/// A sheet of small pictures; they go from left to right, then down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Filmstrip {
    /// Where to download the sheet; valid for an hour.
    pub url: CapabilityUrl,
    /// Path of the `WebVTT` that says which part shows which moment.
    pub vtt_url: CapabilityUrl,
    /// Pixels across of one picture.
    pub tile_width: u32,
    /// Pixels down of one picture.
    pub tile_height: u32,
    /// Pictures in a row.
    pub columns: u32,
    /// Pictures in all.
    pub tiles: u32,
    /// From one picture to the next.
    pub interval_ms: u64,
}

/// A finished reel, as its renderer read it from the file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MadeReel {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Frames per second.
    pub fps: f64,
    /// Frames in the file.
    pub frames: u64,
    /// From the first frame to the end of the last.
    pub duration_ms: u64,
    /// Size of the file.
    pub bytes: u64,
}

impl fmt::Display for MadeReel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width, height, fps, frames, duration_ms, .. } = self;
        let (seconds, thousandths) = (duration_ms / 1000, duration_ms % 1000);
        write!(f, "{width}x{height}, {frames} frames at {fps} a second, {seconds}.{thousandths:03} s")
    }
}

/// The request that creates a job.
#[derive(Clone, Debug, Serialize)]
pub struct CreateJob {
    /// The project it belongs to.
    pub project_id: i64,
    /// What to render.
    #[serde(rename = "type")]
    pub job_type: JobType,
    /// The key of an upload.
    pub input_video_key: String,
    /// The edit; the server validates it.
    pub params: Value,
    /// An id chosen by the caller, so that sending the same request again creates no second job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
}

/// Which jobs to list; by default all, newest first.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Only jobs of this project.
    pub project_id: Option<i64>,
    /// Only jobs with this status.
    pub status: Option<JobStatus>,
    /// Only jobs of this type.
    pub job_type: Option<JobType>,
    /// Jobs per page, 1 to 100; the server's default is 20.
    pub limit: Option<u32>,
    /// [`JobPage::next_cursor`] of the previous page.
    pub cursor: Option<String>,
}

impl JobFilter {
    /// The query parameters of a list.
    pub(crate) fn query(&self) -> impl Iterator<Item = (&'static str, String)> {
        [
            ("project_id", self.project_id.map(|id| id.to_string())),
            ("status", self.status.map(|status| status.as_str().to_owned())),
            ("type", self.job_type.map(|job_type| job_type.as_str().to_owned())),
            ("limit", self.limit.map(|limit| limit.to_string())),
            ("cursor", self.cursor.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }
}

/// One page of a list, newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobPage {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// The cursor of the next page; absent from the last.
    pub next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_job_of_a_newer_server_can_be_read() {
        let job: Job = serde_json::from_value(json!({
            "job_id": "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50", "type": "overlay", "status": "processing",
            "stage": "colour grading", "progress": 12, "new_field": "sunny"
        }))
        .unwrap();
        assert_eq!(job.stage, Some(JobStage::Other("colour grading".into())));
        assert_eq!(job.status, JobStatus::Processing);
        assert_eq!(serde_json::to_value(JobStage::Rendering).unwrap(), json!("rendering"));
    }

    #[test]
    fn what_was_made_is_read_and_shown_in_one_line() {
        let job: Job = serde_json::from_value(json!({
            "job_id": "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50", "type": "overlay", "status": "complete",
            "output": {"width": 1080, "height": 1920, "fps": 29.97, "frames": 90, "duration_ms": 3003,
                "bytes": 1_048_576, "codec": "h264"}
        }))
        .unwrap();
        let line = job.output.unwrap().to_string();
        assert_eq!(line, "1080x1920, 90 frames at 29.97 a second, 3.003 s");
    }

    #[test]
    fn a_request_without_an_id_sends_none() {
        let request = CreateJob {
            project_id: 1,
            job_type: JobType::Framing,
            input_video_key: "input/a/b.mp4".into(),
            params: json!({}),
            job_id: None,
        };
        assert_eq!(
            serde_json::to_value(&request).unwrap(),
            json!({"project_id": 1, "type": "framing", "input_video_key": "input/a/b.mp4", "params": {}})
        );
    }

    #[test]
    fn a_filter_sends_only_what_is_set() {
        let filter = JobFilter {
            status: Some(JobStatus::Error),
            job_type: Some(JobType::Overlay),
            limit: Some(5),
            ..JobFilter::default()
        };
        let query: Vec<_> = filter.query().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(query, ["status=error", "type=overlay", "limit=5"]);
    }
}
