//! The words of `status` and `stage`, as clients read them.
//!
//! A stored job with another word is not read. The index keeps words as text, and a list shows them so.

use crate::base::words::word_enum;
use crate::job::gpu_service::WorkerStage;

word_enum! {
    /// The four words of `status`.
    pub enum JobStatus {
        /// Not started.
        Pending = "pending",
        /// A renderer works on it.
        Processing = "processing",
        /// The reel is there.
        Complete = "complete",
        /// It failed or was cancelled.
        Error = "error",
    }
}

word_enum! {
    /// The words of `stage`.
    pub enum JobStage {
        /// Waiting for a renderer.
        Queued = "queued",
        /// A renderer has it.
        Starting = "starting",
        /// It fetches the input.
        Downloading = "downloading",
        /// It renders.
        Rendering = "rendering",
        /// It puts the output.
        Uploading = "uploading",
        /// We look for the output.
        Verifying = "verifying",
        /// Over.
        Done = "done",
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
