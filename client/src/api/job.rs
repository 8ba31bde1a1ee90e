//! The job as the API shows it, and as a client asks for it.
//!
//! Reading is lenient: unknown fields are ignored and unknown stages kept as words, so that an older
//! client goes on working with a newer server.

use reel_core::edit::JobKind;
use reel_core::id::JobId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::secret::CapabilityUrl;

/// Where a job stands; the last two are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    /// Accepted, not yet with a renderer.
    Pending,
    /// An attempt is under way.
    Processing,
    /// The result is there.
    Complete,
    /// It failed or was cancelled.
    Error,
}

impl JobStatus {
    /// Whether nothing more will happen by itself.
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

/// What is being done, finer than [`Status`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStage {
    /// Waiting for a renderer.
    Queued,
    /// A renderer has taken it.
    Starting,
    /// The renderer fetches the input.
    Downloading,
    /// The renderer works.
    Rendering,
    /// The renderer puts the output.
    Uploading,
    /// The API checks the output.
    Verifying,
    /// Over.
    Done,
    /// A word of a newer server.
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
    /// Its identity.
    pub job_id: JobId,
    /// The project it was made for.
    #[serde(default)]
    pub project_id: i64,
    /// What it renders.
    #[serde(rename = "type")]
    pub job_type: JobKind,
    /// Where it stands.
    pub status: JobStatus,
    /// What is being done; absent from servers that do not tell.
    #[serde(default)]
    pub stage: Option<JobStage>,
    /// Whole percent of the current attempt.
    #[serde(default)]
    pub progress: f64,
    /// One line for a person.
    #[serde(default)]
    pub message: Option<String>,
    /// 1 for the first try, 0 before any.
    #[serde(default)]
    pub attempt: u32,
    /// How many tries it has in all.
    #[serde(default)]
    pub max_attempts: u32,
    /// Attempts that failed so far.
    #[serde(default)]
    pub retry_count: u32,
    /// Where the input lies in the bucket.
    #[serde(default)]
    pub input_video_key: Option<String>,
    /// Where the output lies, once complete.
    #[serde(default)]
    pub output_video_key: Option<String>,
    /// Size of the output.
    #[serde(default)]
    pub output_bytes: Option<u64>,
    /// Where to fetch the output, once complete; valid for an hour.
    #[serde(default)]
    pub output_url: Option<CapabilityUrl>,
    /// Where to fetch a picture of the output, when there is one; valid for an hour.
    #[serde(default)]
    pub poster_url: Option<CapabilityUrl>,
    /// The edit, as the server understood it.
    #[serde(default)]
    pub params: Value,
    /// Why it failed, in one sentence.
    #[serde(default)]
    pub error: Option<String>,
    /// Why it failed, as the API's closed word.
    #[serde(default)]
    pub error_code: Option<String>,
    /// Whether `retry` can help.
    #[serde(default)]
    pub retryable: Option<bool>,
    /// Number of the last stored event; absent from messages that are not stored.
    #[serde(default)]
    pub seq: Option<u64>,
    /// ISO 8601, UTC.
    #[serde(default)]
    pub created_at: Option<String>,
    /// ISO 8601, UTC: the first sign of a renderer.
    #[serde(default)]
    pub started_at: Option<String>,
    /// ISO 8601, UTC: the end, good or bad.
    #[serde(default)]
    pub completed_at: Option<String>,
    /// The GPU service's own id of the current attempt.
    #[serde(default)]
    pub runpod_job_id: Option<String>,
    /// Where to listen, relative to the API or absolute; may carry a token.
    #[serde(default)]
    pub websocket_url: Option<CapabilityUrl>,
}

/// A job to be created.
#[derive(Clone, Debug, Serialize)]
pub struct CreateJob {
    /// The project it belongs to.
    pub project_id: i64,
    /// What to render.
    #[serde(rename = "type")]
    pub job_type: JobKind,
    /// The key that [`crate::Client::upload_url`] gave.
    pub input_video_key: String,
    /// The edit; the server validates it and names every fault.
    pub params: Value,
    /// An identity chosen by the caller: sending the same job again is then harmless.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
}

/// Which jobs to list; the default asks for the newest of all.
#[derive(Clone, Debug, Default)]
pub struct JobFilter {
    /// Only this project.
    pub project_id: Option<i64>,
    /// Only jobs that stand so.
    pub status: Option<JobStatus>,
    /// Only this kind.
    pub job_type: Option<JobKind>,
    /// 1 to 100; the server's default is 20.
    pub limit: Option<u32>,
    /// [`JobPage::next_cursor`] of the page before.
    pub cursor: Option<String>,
}

/// One page of a list, newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobPage {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// For the next page; absent on the last.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unknown_fields_and_stages_of_a_newer_server_are_kept_out_of_the_way() {
        let job: Job = serde_json::from_value(json!({
            "job_id": "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50", "type": "overlay", "status": "processing",
            "stage": "colour grading", "progress": 12, "mood": "sunny"
        }))
        .unwrap();
        assert_eq!(job.stage, Some(JobStage::Other("colour grading".into())));
        assert_eq!(job.status, JobStatus::Processing);
        assert_eq!(serde_json::to_value(JobStage::Rendering).unwrap(), json!("rendering"));
    }

    #[test]
    fn a_new_job_without_an_id_sends_none() {
        let job = CreateJob {
            project_id: 1,
            job_type: JobKind::Framing,
            input_video_key: "input/a/b.mp4".into(),
            params: json!({}),
            job_id: None,
        };
        assert_eq!(
            serde_json::to_value(&job).unwrap(),
            json!({"project_id": 1, "type": "framing", "input_video_key": "input/a/b.mp4", "params": {}})
        );
    }
}
