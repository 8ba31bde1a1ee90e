//! The filmstrip of a finished output: one sheet of small pictures.

use std::path::Path;

use reel_core::job::filmstrip::FilmstripLayout;

use super::RenderError;
use super::atomic_file::AtomicFile;
use crate::ffmpeg::filmstrip::{filmstrip_args, tile_size};
use crate::ffmpeg::finished::FinishedVideo;
use crate::ffmpeg::process::ProcessGroup;

/// Makes the sheet; it gets its name only when it is committed.
pub(super) fn make<'p>(
    file: &Path,
    video: &FinishedVideo,
    sheet: &'p Path,
    processes: &ProcessGroup,
) -> Result<(AtomicFile<'p>, FilmstripLayout), RenderError> {
    let layout = FilmstripLayout::of_length(tile_size(video.width, video.height), video.duration_ms);
    let Some(layout) = layout else {
        return Err(RenderError::machine("The filmstrip could not be made: the output is too long."));
    };
    let output = AtomicFile::create(sheet)?;
    let exit = processes.start("ffmpeg", filmstrip_args(file, layout, output.path()))?.wait()?;
    // ffmpeg reports success when there is no picture to put on the sheet.
    let is_made = std::fs::metadata(output.path()).is_ok_and(|file| file.len() > 0);
    if exit.status.success() && is_made {
        return Ok((output, layout));
    }
    let error = exit.last_error_line();
    Err(RenderError::machine(format!("The filmstrip could not be made: {error}.")))
}
