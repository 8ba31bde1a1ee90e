//! What a render is asked for, and what it tells while and after it runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reel_core::base::object_key::ObjectKey;
use reel_core::edit::Edit;

use super::RenderError;

/// One render: an edit, the files it reads and the files it writes.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// What to do.
    pub edit: &'a Edit,
    /// The source video, a local file: of every clip that names no other.
    pub input: &'a Path,
    /// The videos that clips name by their keys; `input` may be among them, for its name.
    pub named: &'a [(ObjectKey, PathBuf)],
    /// Where the reel goes; replaced when it exists, and only by a whole file.
    pub output: &'a Path,
    /// Where a JPEG of the reel goes, when one is wanted. The reel does not depend on it.
    pub poster: Option<&'a Path>,
}

/// How far a render is. The numbers are measured, never guessed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Frames handed to the encoder.
    pub frames_done: u64,
    /// Frames of the whole reel, when the container tells.
    pub frames_total: Option<u64>,
    /// The rate over the last seconds.
    pub frames_per_second: f64,
    /// What is left at this rate, in seconds.
    pub seconds_left: Option<f64>,
}

/// A flag that stops a render from another thread. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Stops the render; it answers with `ErrorCode::Cancelled` within a second.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether somebody asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A finished reel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Frames in the reel.
    pub frames: u64,
    /// Its length by frames and rate.
    pub duration_ms: u64,
    /// Size of the file.
    pub bytes: u64,
    /// Picture width in pixels.
    pub width: u32,
    /// Picture height in pixels.
    pub height: u32,
    /// Size of the poster, or why there is none; `None` when none was wanted.
    pub poster: Option<Result<u64, RenderError>>,
}
