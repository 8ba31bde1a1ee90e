//! The params of one job, read and checked.

use serde_json::Value;

use crate::base::object_key::ObjectKey;
use crate::edit::{Annotate, Framing, JobType, Overlay, Rendition};
use crate::json::field_error::{FieldContext, FieldError};

/// The params of one job. An `Edit` is valid by construction and can be rendered.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Highlight players in a finished clip.
    Overlay(Overlay),
    /// Crop a clip and change its speed, or several clips that become one reel.
    Framing(Framing),
    /// Join annotated clips of a game.
    Annotate(Annotate),
}

impl Edit {
    /// Reads the `params` of a job. `None` means that `at` has at least one error.
    ///
    /// The caller must check the list of errors as well: an unknown field is an error although the edit
    /// could be read.
    pub fn read(job_type: JobType, params: &Value, at: FieldContext<'_>) -> Option<Self> {
        match job_type {
            JobType::Overlay => Overlay::read(params, at).map(Self::Overlay),
            JobType::Framing => Framing::read(params, at).map(Self::Framing),
            JobType::Annotate => Annotate::read(params, at).map(Self::Annotate),
        }
    }

    /// Reads params from JSON text, with every error of the text.
    pub fn parse(job_type: JobType, json: &str) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let edit = match serde_json::from_str::<Value>(json) {
            Ok(params) => Self::read(job_type, &params, FieldContext::root(&mut errors)),
            Err(error) => FieldContext::root(&mut errors).reject(format!("is not JSON: {error}")),
        };
        match edit {
            Some(edit) if errors.is_empty() => Ok(edit),
            _ => Err(errors),
        }
    }

    /// The videos of clips other than the job's own input: each once, with the index of the first clip that
    /// uses it.
    pub fn clip_videos(&self, input_key: &ObjectKey) -> Vec<(usize, ObjectKey)> {
        let mut videos: Vec<(usize, ObjectKey)> = Vec::new();
        if let Self::Framing(framing) = self {
            for (index, clip) in framing.clips.iter().enumerate() {
                if let Some(key) = &clip.video_key
                    && key != input_key
                    && !videos.iter().any(|(_, known)| known == key)
                {
                    videos.push((index, key.clone()));
                }
            }
        }
        videos
    }

    /// Which sound track of each video is heard, counted from 1; `None` leaves the choice to the renderer.
    pub const fn audio_track(&self) -> Option<u32> {
        match self {
            Self::Overlay(overlay) => overlay.audio_track,
            Self::Framing(framing) => framing.audio_track,
            Self::Annotate(annotate) => annotate.audio_track,
        }
    }

    /// The outputs beside the main one.
    pub fn renditions(&self) -> &[Rendition] {
        match self {
            Self::Overlay(overlay) => &overlay.renditions,
            Self::Framing(framing) => &framing.renditions,
            Self::Annotate(_) => &[],
        }
    }

    /// Whether a sheet of small pictures is made of the main output.
    pub const fn has_filmstrip(&self) -> bool {
        match self {
            Self::Overlay(overlay) => overlay.filmstrip,
            Self::Framing(framing) => framing.filmstrip,
            Self::Annotate(annotate) => annotate.filmstrip,
        }
    }

    /// The type of the job.
    pub const fn job_type(&self) -> JobType {
        match self {
            Self::Overlay(_) => JobType::Overlay,
            Self::Framing(_) => JobType::Framing,
            Self::Annotate(_) => JobType::Annotate,
        }
    }
}
