//! The input of a render, its progress and its result.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reel_core::base::object_key::ObjectKey;
use reel_core::edit::Edit;
use reel_core::job::filmstrip::FilmstripLayout;
use reel_core::job::output_media::OutputMedia;

use super::RenderError;

/// One render: an edit, the files it reads and the files it writes.
#[derive(Clone, Copy, Debug)]
pub struct RenderRequest<'a> {
    /// What to do.
    pub edit: &'a Edit,
    /// The source video of every clip that names no other.
    pub input: &'a Path,
    /// The videos that clips name by key; `input` may be among them.
    pub inputs_by_key: &'a [(ObjectKey, PathBuf)],
    /// The main output.
    pub output: &'a OutputFiles,
    /// The edit's renditions, in their order.
    pub renditions: &'a [OutputFiles],
    /// A sheet of small pictures of the main output, a JPEG, when one is wanted.
    pub filmstrip: Option<&'a Path>,
}

impl<'a> RenderRequest<'a> {
    /// A render of one video into one output.
    pub const fn new(edit: &'a Edit, input: &'a Path, output: &'a OutputFiles) -> Self {
        Self { edit, input, inputs_by_key: &[], output, renditions: &[], filmstrip: None }
    }
}

/// Where an output is written.
#[derive(Clone, Debug)]
pub struct OutputFiles {
    /// Replaced when it exists, and only by a complete file.
    pub video: PathBuf,
    /// A JPEG of it, when one is wanted. The video does not depend on it.
    pub poster: Option<PathBuf>,
}

impl OutputFiles {
    /// A video without a poster.
    pub fn only(video: impl Into<PathBuf>) -> Self {
        Self { video: video.into(), poster: None }
    }
}

/// How far a render is. The numbers are measured, never guessed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Frames handed to the encoder.
    pub frames_done: u64,
    /// Frames of the whole output, when known.
    pub frames_total: Option<u64>,
    /// What a person should know of how it is made.
    pub note: Option<&'static str>,
    /// The rate over the last seconds.
    pub frames_per_second: f64,
    /// Seconds left at this rate.
    pub seconds_left: Option<f64>,
}

/// A flag that stops a render from another thread. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// Stops the render; it returns `ErrorCode::Cancelled` within a second.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the render is to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What a render has made.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderOutput {
    /// The main output.
    pub main: RenderedVideo,
    /// The renditions, in their order.
    pub renditions: Vec<RenderedVideo>,
    /// How the sheet of small pictures is divided, or why there is none; `None` when none was wanted.
    pub filmstrip: Option<Result<FilmstripLayout, RenderError>>,
}

/// A finished output, as its file says.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedVideo {
    /// Frames in the output.
    pub frames: u64,
    /// Frames per second.
    pub fps: f64,
    /// The length of its picture.
    pub duration_ms: u64,
    /// Size of the file.
    pub bytes: u64,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Size of the poster, or why there is none; `None` when none was wanted.
    pub poster: Option<Result<u64, RenderError>>,
}

impl RenderedVideo {
    /// What the API is told of it.
    pub fn media(&self) -> Option<OutputMedia> {
        OutputMedia::new(self.width, self.height, self.fps, self.frames, self.duration_ms)
    }
}
