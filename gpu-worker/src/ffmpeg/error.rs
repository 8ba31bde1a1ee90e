//! Why a run of ffmpeg or ffprobe failed, with a sentence for people.

use std::io;

use thiserror::Error;

/// What went wrong; each message is one sentence without paths.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FfmpegError {
    /// The video cannot be used: another try cannot help.
    #[error("{0}")]
    InvalidInput(String),
    /// The kernel killed the process.
    #[error("The renderer ran out of memory.")]
    OutOfMemory,
    /// ffmpeg or its machine failed.
    #[error("{0}")]
    Failed(String),
}

impl FfmpegError {
    pub(super) fn invalid_input(message: impl Into<String>) -> Self {
        Self::InvalidInput(message.into())
    }

    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    pub(super) fn not_started(program: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::failed(format!(
                "{program} is not installed on the renderer. Install ffmpeg 5.1 or newer."
            )),
            _ => Self::failed(format!("{program} could not be started on the renderer: {error}.")),
        }
    }
}
