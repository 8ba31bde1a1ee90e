//! The params of one job, read and checked.

use crate::base::object_key::ObjectKey;
use crate::edit::{Annotate, Framing, JobType, Overlay};
use crate::json::field_error::{FieldContext, FieldError};
use serde_json::Value;

/// One job's params, valid by construction: whoever holds an `Edit` may render it.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Highlight players in a finished clip.
    Overlay(Overlay),
    /// Crop and pace a clip, or several that become one reel.
    Framing(Framing),
    /// Join annotated moments of a game.
    Annotate(Annotate),
}

impl Edit {
    /// Reads the `params` of a job; `None` means that at least one fault went to `at`.
    ///
    /// Fields that nobody knows are faults too, beside an edit that could be read: the caller
    /// must look at the list of faults as well.
    pub fn read(kind: JobType, params: &Value, at: FieldContext<'_>) -> Option<Self> {
        match kind {
            JobType::Overlay => Overlay::read(params, at).map(Self::Overlay),
            JobType::Framing => Framing::read(params, at).map(Self::Framing),
            JobType::Annotate => Annotate::read(params, at).map(Self::Annotate),
        }
    }

    /// Reads params from JSON text, with every fault of the text at once.
    pub fn parse(kind: JobType, json: &str) -> Result<Self, Vec<FieldError>> {
        let mut faults = Vec::new();
        let edit = match serde_json::from_str::<Value>(json) {
            Ok(params) => Self::read(kind, &params, FieldContext::root(&mut faults)),
            Err(error) => FieldContext::root(&mut faults).reject(format!("is not JSON: {error}")),
        };
        match edit {
            Some(edit) if faults.is_empty() => Ok(edit),
            _ => Err(faults),
        }
    }

    /// The videos that clips name beside the job's own input `own`: each once, with the number of
    /// the first clip that names it.
    pub fn clip_videos(&self, own: &ObjectKey) -> Vec<(usize, ObjectKey)> {
        let mut named: Vec<(usize, ObjectKey)> = Vec::new();
        if let Self::Framing(framing) = self {
            for (index, clip) in framing.clips.iter().enumerate() {
                if let Some(key) = &clip.video_key
                    && key != own
                    && !named.iter().any(|(_, known)| known == key)
                {
                    named.push((index, key.clone()));
                }
            }
        }
        named
    }

    /// Which kind of job this is.
    pub const fn kind(&self) -> JobType {
        match self {
            Self::Overlay(_) => JobType::Overlay,
            Self::Framing(_) => JobType::Framing,
            Self::Annotate(_) => JobType::Annotate,
        }
    }
}
