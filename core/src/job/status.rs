//! The words of `status` and `stage`, as clients read them.

use crate::job::gpu_service::WorkerStage;
use serde::{Deserialize, Serialize};

/// The four words of `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    /// Not started.
    Pending,
    /// A renderer works on it.
    Processing,
    /// The reel is there.
    Complete,
    /// It failed or was cancelled.
    Error,
}

/// The words of `stage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobStage {
    /// Waiting for a renderer.
    Queued,
    /// A renderer has it.
    Starting,
    /// It fetches the input.
    Downloading,
    /// It renders.
    Rendering,
    /// It puts the output.
    Uploading,
    /// We look for the output.
    Verifying,
    /// Over.
    Done,
}

impl JobStatus {
    /// Every status with its word on the wire.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("pending", Self::Pending),
        ("processing", Self::Processing),
        ("complete", Self::Complete),
        ("error", Self::Error),
    ];

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

impl From<WorkerStage> for JobStage {
    fn from(stage: WorkerStage) -> Self {
        match stage {
            WorkerStage::Starting => Self::Starting,
            WorkerStage::Downloading => Self::Downloading,
            WorkerStage::Rendering => Self::Rendering,
            WorkerStage::Uploading => Self::Uploading,
        }
    }
}
