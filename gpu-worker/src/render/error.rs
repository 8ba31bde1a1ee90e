//! Why a render ended without a reel.

use reel_core::job::error_code::ErrorCode;

/// A failed render: the code decides about retries, the sentence is for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct RenderError {
    /// The reason, from the API's closed list.
    pub code: ErrorCode,
    /// One sentence a person can act on; names no path and no URL.
    pub sentence: String,
}

impl RenderError {
    /// The video or the edit is at fault: trying again cannot help.
    pub(super) fn input(sentence: impl Into<String>) -> Self {
        Self { code: ErrorCode::InvalidInput, sentence: sentence.into() }
    }

    /// The renderer or its machine is at fault.
    pub(super) fn machine(sentence: impl Into<String>) -> Self {
        Self { code: ErrorCode::GpuError, sentence: sentence.into() }
    }

    /// The same error of one clip among several, counted from 1.
    pub(super) fn of_clip(self, number: usize) -> Self {
        match self.code {
            ErrorCode::InvalidInput => Self { sentence: format!("Clip {number}: {}", self.sentence), ..self },
            _ => self,
        }
    }

    /// The machine ran out of memory.
    pub(super) fn out_of_memory() -> Self {
        Self {
            code: ErrorCode::GpuOutOfMemory,
            sentence: ErrorCode::GpuOutOfMemory.default_message().to_owned(),
        }
    }

    /// Somebody asked to stop.
    pub(super) fn cancelled() -> Self {
        Self { code: ErrorCode::Cancelled, sentence: ErrorCode::Cancelled.default_message().to_owned() }
    }

    /// ffmpeg could not even be started.
    pub(super) fn no_tool(tool: &str, error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::machine(format!(
                "{tool} is not installed on the renderer; install ffmpeg 5.1 or newer."
            )),
            _ => Self::machine(format!("{tool} could not be started on the renderer: {error}.")),
        }
    }
}
