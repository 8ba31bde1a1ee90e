//! Why a job failed: a closed list that people, retries and dashboards read alike.

use crate::base::words::word_enum;

/// What follows from an error code.
struct ErrorFacts {
    retryable: bool,
    auto_retry: bool,
    default_message: &'static str,
}

word_enum! {
    /// The reason of a failed attempt or job.
    ///
    /// A stored job with the code of a newer version is not read: it would retry, or tell people, something
    /// else. The index keeps codes as text. A callback with an unknown code is a `gpu_error`: the GPU worker
    /// may be newer than this API, and the attempt has failed whatever the reason.
    pub enum ErrorCode: ErrorFacts {
        /// Somebody asked for it.
        Cancelled = "cancelled" {
            retryable: false, auto_retry: false,
            default_message: "The export was cancelled."
        },
        /// The video or the edit cannot be rendered, however often it is tried.
        InvalidInput = "invalid_input" {
            retryable: false, auto_retry: false,
            default_message: "This video or edit cannot be rendered; check the file and try another one."
        },
        /// A video was put again after the job was created.
        InputChanged = "input_changed" {
            retryable: false, auto_retry: false,
            default_message: "The video was replaced after the export was created. Create the export again."
        },
        /// The videos do not fit on the renderer's disk.
        InputsTooLarge = "inputs_too_large" {
            retryable: false, auto_retry: false,
            default_message: "The videos of this export are too large for the renderer's disk. Use fewer or smaller videos."
        },
        /// The renderer broke off for a reason of its own.
        GpuError = "gpu_error" {
            retryable: true, auto_retry: true,
            default_message: "The renderer failed; try the export again."
        },
        /// The renderer ran out of memory.
        GpuOutOfMemory = "gpu_out_of_memory" {
            retryable: true, auto_retry: true,
            default_message: "The renderer ran out of memory; try a smaller output size or a shorter clip."
        },
        /// The GPU service refused or could not be reached.
        GpuUnreachable = "gpu_unreachable" {
            retryable: true, auto_retry: false,
            default_message: "The render service could not be reached; try the export again in a few minutes."
        },
        /// The GPU service does not accept our key.
        GpuUnauthorized = "gpu_unauthorized" {
            retryable: true, auto_retry: false,
            default_message: "The render service rejected the API key. An operator must replace RUNPOD_API_KEY before the export can be retried."
        },
        /// No GPU took the job in time.
        QueueTimeout = "queue_timeout" {
            retryable: true, auto_retry: false,
            default_message: "No renderer became available in time. Try the export again later."
        },
        /// The render took longer than it may.
        ExecutionTimeout = "execution_timeout" {
            retryable: true, auto_retry: true,
            default_message: "The render took too long and was stopped; try a shorter clip."
        },
        /// The renderer fell silent and the GPU service no longer knows the job.
        WorkerLost = "worker_lost" {
            retryable: true, auto_retry: true,
            default_message: "The renderer stopped answering; try the export again."
        },
        /// The renderer said it was done, and its file is not there.
        OutputMissing = "output_missing" {
            retryable: true, auto_retry: true,
            default_message: "The renderer finished but produced no video. Try the export again."
        },
        /// A fault of this API.
        Internal = "internal" {
            retryable: true, auto_retry: true,
            default_message: "Something went wrong on our side; try the export again."
        },
    }
}

impl ErrorCode {
    /// Whether trying the same job again can help: the retry rule and `retryable` read this.
    pub const fn retryable(self) -> bool {
        self.facts().retryable
    }

    /// Whether the job is dispatched again by itself. Narrower than `retryable`: a queue or a service that
    /// has failed for its whole deadline will not be better a second later.
    pub const fn auto_retry(self) -> bool {
        self.facts().auto_retry
    }

    /// What a person is told when nobody has a better sentence.
    pub const fn default_message(self) -> &'static str {
        self.facts().default_message
    }
}
