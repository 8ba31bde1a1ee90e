//! Why a render ended without an output.

use reel_core::job::error_code::ErrorCode;

use crate::ffmpeg::FfmpegError;
use reel_media::scale::ScaleError;

/// A failed render: the code decides about retries, the message is for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RenderError {
    /// The reason, from the API's closed list.
    pub code: ErrorCode,
    /// One sentence that a person can act on; contains no path and no URL.
    pub message: String,
}

impl RenderError {
    /// The video or the edit is wrong: another try cannot help.
    pub(super) fn input(message: impl Into<String>) -> Self {
        Self { code: ErrorCode::InvalidInput, message: message.into() }
    }

    /// The renderer or its machine failed.
    pub(super) fn machine(message: impl Into<String>) -> Self {
        Self { code: ErrorCode::GpuError, message: message.into() }
    }

    /// The same error, naming one clip of several, counted from 1.
    pub(super) fn in_clip(self, number: usize) -> Self {
        match self.code {
            ErrorCode::InvalidInput => Self { message: format!("Clip {number}: {}", self.message), ..self },
            _ => self,
        }
    }

    /// The same error, naming one output of several.
    pub(super) fn in_output(self, name: &str) -> Self {
        match self.code {
            ErrorCode::InvalidInput => Self { message: format!("Output {name}: {}", self.message), ..self },
            _ => self,
        }
    }

    pub(super) fn cancelled() -> Self {
        Self { code: ErrorCode::Cancelled, message: ErrorCode::Cancelled.default_message().to_owned() }
    }
}

impl From<FfmpegError> for RenderError {
    fn from(error: FfmpegError) -> Self {
        match error {
            FfmpegError::InvalidInput(message) => Self::input(message),
            FfmpegError::Failed(message) => Self::machine(message),
            FfmpegError::OutOfMemory => Self {
                code: ErrorCode::GpuOutOfMemory,
                message: ErrorCode::GpuOutOfMemory.default_message().to_owned(),
            },
        }
    }
}

impl From<ScaleError> for RenderError {
    fn from(error: ScaleError) -> Self {
        Self::machine(error.to_string())
    }
}
