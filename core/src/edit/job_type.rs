//! The types of job.

use serde::{Deserialize, Serialize};

/// The three types of job, by their names on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobType {
    /// Crop clips and change their speed.
    Framing,
    /// Highlight players in a finished clip.
    Overlay,
    /// Join annotated clips of a game.
    Annotate,
}

impl JobType {
    /// Every type with its word on the wire.
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
