//! Why a job failed: a closed list that people, retries and dashboards read alike.

use serde::{Deserialize, Serialize};

/// The reason of a failed attempt or job (design.md 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Somebody asked for it.
    Cancelled,
    /// The video or the edit cannot be rendered, however often it is tried.
    InvalidInput,
    /// The renderer broke off for a reason of its own.
    GpuError,
    /// The renderer ran out of memory.
    GpuOutOfMemory,
    /// The GPU service refused or could not be reached.
    GpuUnreachable,
    /// The GPU service does not accept our key.
    GpuUnauthorized,
    /// No GPU took the job in time.
    QueueTimeout,
    /// The render took longer than it may.
    ExecutionTimeout,
    /// The renderer fell silent and the GPU service no longer knows the job.
    WorkerLost,
    /// The renderer said it was done, and its file is not there.
    OutputMissing,
    /// A fault of this API.
    Internal,
}

impl ErrorCode {
    /// Every code, for tests and for the API's description.
    pub const ALL: [Self; 11] = [
        Self::Cancelled,
        Self::InvalidInput,
        Self::GpuError,
        Self::GpuOutOfMemory,
        Self::GpuUnreachable,
        Self::GpuUnauthorized,
        Self::QueueTimeout,
        Self::ExecutionTimeout,
        Self::WorkerLost,
        Self::OutputMissing,
        Self::Internal,
    ];

    /// Its word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::InvalidInput => "invalid_input",
            Self::GpuError => "gpu_error",
            Self::GpuOutOfMemory => "gpu_out_of_memory",
            Self::GpuUnreachable => "gpu_unreachable",
            Self::GpuUnauthorized => "gpu_unauthorized",
            Self::QueueTimeout => "queue_timeout",
            Self::ExecutionTimeout => "execution_timeout",
            Self::WorkerLost => "worker_lost",
            Self::OutputMissing => "output_missing",
            Self::Internal => "internal",
        }
    }

    /// Whether trying the same job again can help: the retry rule and `retryable` read this.
    pub const fn retryable(self) -> bool {
        match self {
            Self::Cancelled | Self::InvalidInput => false,
            Self::GpuError
            | Self::GpuOutOfMemory
            | Self::GpuUnreachable
            | Self::GpuUnauthorized
            | Self::QueueTimeout
            | Self::ExecutionTimeout
            | Self::WorkerLost
            | Self::OutputMissing
            | Self::Internal => true,
        }
    }

    /// Whether the job is dispatched again by itself. Narrower than `retryable`: a queue or a service that
    /// has failed for its whole deadline will not be better a second later.
    pub const fn auto_retry(self) -> bool {
        match self {
            Self::GpuError
            | Self::GpuOutOfMemory
            | Self::ExecutionTimeout
            | Self::WorkerLost
            | Self::OutputMissing
            | Self::Internal => true,
            Self::Cancelled
            | Self::InvalidInput
            | Self::GpuUnreachable
            | Self::GpuUnauthorized
            | Self::QueueTimeout => false,
        }
    }

    /// What a person is told when nobody has a better sentence.
    pub const fn default_message(self) -> &'static str {
        match self {
            Self::Cancelled => "The export was cancelled.",
            Self::InvalidInput => {
                "This video or edit cannot be rendered; check the file and try another one."
            }
            Self::GpuError => "The renderer failed; try the export again.",
            Self::GpuOutOfMemory => {
                "The renderer ran out of memory; try a smaller output size or a shorter clip."
            }
            Self::GpuUnreachable => {
                "The render service could not be reached; try the export again in a few minutes."
            }
            Self::GpuUnauthorized => {
                "The render service refused our key; an operator must renew RUNPOD_API_KEY, then retry the export."
            }
            Self::QueueTimeout => "No renderer became free in time; try the export again later.",
            Self::ExecutionTimeout => "The render took too long and was stopped; try a shorter clip.",
            Self::WorkerLost => "The renderer stopped answering; try the export again.",
            Self::OutputMissing => "The renderer finished without leaving a video; try the export again.",
            Self::Internal => "Something went wrong on our side; try the export again.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_on_the_wire_are_pinned() {
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{}\"", code.as_str()));
        }
    }
}
