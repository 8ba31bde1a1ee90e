//! The titles of an annotated compilation, each as a file for ffmpeg.

use std::path::Path;

use reel_core::edit::{Annotation, FrameSize, Rating};

use super::RenderError;
use super::atomic_file::AtomicFile;
use crate::ffmpeg::title::{overlay_filter, picture_file};
use reel_media::title::{TitleBox, TitleFonts};

/// A title that lies over every frame of a segment.
#[derive(Debug)]
pub(super) struct TitleOverlay<'a> {
    /// Draws it.
    pub filter: String,
    /// Removes the picture when the render ends.
    _picture: AtomicFile<'a>,
}

/// A title for each clip, on frames of this size. Their files lie in the folder of `output`.
pub(super) fn overlays<'a>(
    clips: &[Annotation],
    frame_size: FrameSize,
    output: &'a Path,
) -> Result<Vec<TitleOverlay<'a>>, RenderError> {
    let mut fonts = TitleFonts::load().map_err(|error| RenderError::machine(error.to_string()))?;
    let (left, width) = (frame_size.width / 10, (frame_size.width * 8 / 10).max(1));
    let overlay = |clip: &Annotation| {
        let title = format!("{}  {}", clip.rating.notation(), clip.name);
        let text = TitleBox { title: &title, notes: &clip.notes, border: color(clip.rating) };
        let picture = AtomicFile::create(output)?;
        std::fs::write(picture.path(), picture_file(&text.draw(width, &mut fonts)))
            .map_err(|error| RenderError::machine(format!("A title could not be written: {error}.")))?;
        Ok(TitleOverlay { filter: overlay_filter(picture.path(), left, TOP_PX), _picture: picture })
    };
    clips.iter().map(overlay).collect()
}

const TOP_PX: u32 = 10;

fn color(rating: Rating) -> [u8; 3] {
    match rating {
        Rating::Blunder => [0xC6, 0x28, 0x28],
        Rating::Mistake => [0xF9, 0xA8, 0x25],
        Rating::Interesting => [0x15, 0x65, 0xC0],
        Rating::Good => [0x2E, 0x7D, 0x32],
        Rating::Brilliant => [0x66, 0xBB, 0x6A],
    }
}
