//! The types of job.

use serde::{Deserialize, Serialize};

/// The three kinds of job, by their names on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobType {
    /// Crop and pace one clip.
    Framing,
    /// Highlight players in a finished clip.
    Overlay,
    /// Join annotated moments of a game.
    Annotate,
}

impl JobType {
    /// Every kind with its word on the wire.
    pub const WORDS: &'static [(&'static str, Self)] =
        &[("framing", Self::Framing), ("overlay", Self::Overlay), ("annotate", Self::Annotate)];

    /// Its word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Framing => "framing",
            Self::Overlay => "overlay",
            Self::Annotate => "annotate",
        }
    }
}
