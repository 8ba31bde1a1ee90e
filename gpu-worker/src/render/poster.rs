//! The poster of a finished output.

use std::path::Path;

use super::RenderError;
use super::atomic_file::AtomicFile;
use crate::ffmpeg::poster::poster_args;
use crate::ffmpeg::process::ProcessGroup;

/// Makes a JPEG of a finished output; it gets its name only when it is committed.
pub(super) fn make<'p>(
    video: &Path,
    poster: &'p Path,
    length_s: f64,
    processes: &ProcessGroup,
) -> Result<AtomicFile<'p>, RenderError> {
    let file = AtomicFile::create(poster)?;
    for args in poster_args(video, length_s, file.path()) {
        let exit = processes.start("ffmpeg", args)?.wait()?;
        if !exit.status.success() {
            let error = exit.last_error_line();
            return Err(RenderError::machine(format!("The poster could not be made: {error}.")));
        }
        // ffmpeg reports success when its filter selects no frame.
        if std::fs::metadata(file.path()).is_ok_and(|file| file.len() > 0) {
            return Ok(file);
        }
    }
    Err(RenderError::machine("The poster could not be made: the output has no frame to show."))
}
