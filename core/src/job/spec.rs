//! What was asked for. Written once, never changed.

use crate::base::id::JobId;
use crate::base::object_key::ObjectKey;
use crate::base::time::Timestamp;
use crate::edit::JobType;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What was asked for. Written once, never changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobSpec {
    /// The job.
    pub id: JobId,
    /// The app's project.
    pub project_id: i64,
    /// What to render.
    #[serde(rename = "kind")]
    pub job_type: JobType,
    /// The video in the bucket.
    pub input_key: ObjectKey,
    /// The other videos that the edit names.
    #[serde(rename = "further_inputs", default, skip_serializing_if = "Vec::is_empty")]
    pub extra_inputs: Vec<ObjectKey>,
    /// The edit, validated, in a canonical spelling: two equal requests have equal text.
    pub params: Box<RawValue>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// What only an export of a project has (`POST /api/export/...`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<ProjectExport>,
}

/// How a job came out of a project: its input, and a clip's trim, were looked up there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectExport {
    /// Stands for the request as the client sent it: the project may have changed before it comes again.
    #[serde(rename = "asked")]
    pub request_fingerprint: String,
    /// Whether the result becomes the project's working video.
    pub set_working_video: bool,
}

impl JobSpec {
    /// Every video that the job reads, its own input first.
    pub fn inputs(&self) -> impl Iterator<Item = &ObjectKey> {
        std::iter::once(&self.input_key).chain(&self.extra_inputs)
    }

    /// Whether another request asks for the same thing, whenever it came.
    pub fn same_request(&self, other: &Self) -> bool {
        self.id == other.id
            && self.project_id == other.project_id
            && self.job_type == other.job_type
            && match (&self.export, &other.export) {
                (Some(mine), Some(theirs)) => mine.request_fingerprint == theirs.request_fingerprint,
                (None, None) => self.input_key == other.input_key && self.params.get() == other.params.get(),
                (Some(_), None) | (None, Some(_)) => false,
            }
    }
}
