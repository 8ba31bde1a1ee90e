//! The spec of a job: what the client requested.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::base::id::JobId;
use crate::base::object_key::ObjectKey;
use crate::base::object_version::ObjectVersion;
use crate::base::owner::OwnerId;
use crate::base::time::{DurationMs, Timestamp};
use crate::edit::JobType;
use crate::job::companions::WantedCompanions;
use crate::job::execution_timeout::EXECUTION_TIMEOUT_MIN;
use crate::job::labels::Labels;

/// What the client requested. It is written once and never changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobSpec {
    /// Id of the job.
    pub id: JobId,
    /// The end user who owns it; none for a job of a service, or from before there were owners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerId>,
    /// The frontend's project.
    pub project_id: i64,
    /// What to render.
    #[serde(rename = "kind")]
    pub job_type: JobType,
    /// Key of the input.
    pub input_key: ObjectKey,
    /// Keys of the other videos that the edit reads.
    #[serde(rename = "further_inputs", default, skip_serializing_if = "Vec::is_empty")]
    pub extra_inputs: Vec<ObjectKey>,
    /// What each video was when the job was created, in the order of [`JobSpec::inputs`]: another video under
    /// the same key is not rendered. Older jobs have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_versions: Vec<ObjectVersion>,
    /// The checked edit as canonical JSON: equal edits have equal text.
    pub params: Box<RawValue>,
    /// How long an attempt may take. Older jobs have the shortest, [`EXECUTION_TIMEOUT_MIN`].
    #[serde(default = "shortest_timeout", skip_serializing_if = "is_shortest_timeout")]
    pub execution_timeout: DurationMs,
    /// Which files its output has beside the video and the poster.
    #[serde(default, skip_serializing_if = "WantedCompanions::is_empty")]
    pub companions: WantedCompanions,
    /// What the caller has noted on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    /// When the job was accepted.
    pub created_at: Timestamp,
    /// Only for a job that came from a project (`POST /api/export/…`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<ProjectExport>,
}

const fn shortest_timeout() -> DurationMs {
    EXECUTION_TIMEOUT_MIN
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_shortest_timeout(timeout: &DurationMs) -> bool {
    *timeout == EXECUTION_TIMEOUT_MIN
}

/// For a job whose input, and a clip's trim, came from a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectExport {
    /// Hash of the request as the client sent it. The project may have changed when the request is repeated,
    /// so repeated requests are compared by this hash.
    #[serde(rename = "asked")]
    pub request_fingerprint: String,
    /// Whether the output becomes the project's working video.
    pub set_working_video: bool,
}

impl JobSpec {
    /// Every video that the job reads, the input first.
    pub fn inputs(&self) -> impl Iterator<Item = &ObjectKey> {
        std::iter::once(&self.input_key).chain(&self.extra_inputs)
    }

    /// Whether another spec comes from an equal request. Times are not compared.
    pub fn same_request(&self, other: &Self) -> bool {
        self.id == other.id
            && self.owner == other.owner
            && self.project_id == other.project_id
            && self.job_type == other.job_type
            && self.labels == other.labels
            && match (&self.export, &other.export) {
                (Some(export), Some(other)) => export.request_fingerprint == other.request_fingerprint,
                (None, None) => self.input_key == other.input_key && self.params.get() == other.params.get(),
                (Some(_), None) | (None, Some(_)) => false,
            }
    }
}
