//! Why a render ended without a reel.

use reel_core::job::code::ErrorCode;

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
    pub(crate) fn internal(sentence: impl Into<String>) -> Self {
        Self { code: ErrorCode::Internal, sentence: sentence.into() }
    }
}
