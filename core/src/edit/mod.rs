//! What a job does to its video: typed, bounded, validated once, and rendered from the same types.

mod annotate;
mod framing;
mod overlay;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::{At, Fault};

pub use annotate::Annotate;
pub use framing::Framing;
pub use overlay::Overlay;

/// One job's params, valid by construction: whoever holds an `Edit` may render it.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Highlight players in a finished clip.
    Overlay(Overlay),
    /// Crop and pace one clip.
    Framing(Framing),
    /// Join annotated moments of a game.
    Annotate(Annotate),
}

impl Edit {
    /// Reads the `params` of a job; `None` means that at least one fault went to `at`.
    pub fn read(kind: JobKind, params: &Value, at: At<'_>) -> Option<Self> {
        match kind {
            JobKind::Overlay => Overlay::read(params, at).map(Self::Overlay),
            JobKind::Framing => Framing::read(params, at).map(Self::Framing),
            JobKind::Annotate => Annotate::read(params, at).map(Self::Annotate),
        }
    }

    /// Reads params from JSON text, with every fault of the text at once.
    pub fn parse(kind: JobKind, json: &str) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let edit = match serde_json::from_str::<Value>(json) {
            Ok(params) => Self::read(kind, &params, At::root(&mut faults)),
            Err(error) => At::root(&mut faults).refuse(format!("is not JSON: {error}")),
        };
        match edit {
            Some(edit) if faults.is_empty() => Ok(edit),
            _ => Err(faults),
        }
    }

    /// Which kind of job this is.
    pub const fn kind(&self) -> JobKind {
        match self {
            Self::Overlay(_) => JobKind::Overlay,
            Self::Framing(_) => JobKind::Framing,
            Self::Annotate(_) => JobKind::Annotate,
        }
    }
}

/// The three kinds of job, by their names on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// Crop and pace one clip.
    Framing,
    /// Highlight players in a finished clip.
    Overlay,
    /// Join annotated moments of a game.
    Annotate,
}

impl JobKind {
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
