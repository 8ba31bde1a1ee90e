//! The input of a render, its progress and its result.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reel_core::base::object_key::ObjectKey;
use reel_core::edit::Edit;
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
    /// The output file; replaced when it exists, and only by a complete file.
    pub output: &'a Path,
    /// A JPEG of the output, when one is wanted. The output does not depend on it.
    pub poster: Option<&'a Path>,
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

/// A finished output, as its file says.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderOutput {
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

impl RenderOutput {
    /// What the API is told of it.
    pub fn media(&self) -> Option<OutputMedia> {
        OutputMedia::new(self.width, self.height, self.fps, self.frames, self.duration_ms)
    }
}
