//! What happens to each picture between decoder and encoder.

use reel_core::edit::CropTrack;
use reel_core::edit::Edit;
use reel_core::edit::FramePosition;
use reel_core::edit::FrameSize;
use reel_core::edit::Overlay;

use super::RenderError;
use super::effect::Painter;
use super::picture::Picture;
use super::picture::Pool;
use super::scale::Scaler;

/// Draws and scales the pictures of one edit.
#[allow(clippy::large_enum_variant, reason = "there is one for a whole render")]
pub(super) enum Composer<'e> {
    /// Effects, then the crop when there is one.
    Overlay { overlay: &'e Overlay, painter: Painter, crop: Option<(&'e CropTrack, Scaler)> },
    /// Only the crop.
    Framing { crop: &'e CropTrack, scaler: Scaler },
    /// ffmpeg has drawn already.
    Annotate,
}

impl<'e> Composer<'e> {
    /// For the clip of this number, from 0.
    pub(super) fn new(edit: &'e Edit, clip: usize) -> Result<Self, RenderError> {
        Ok(match edit {
            Edit::Overlay(overlay) => Self::Overlay {
                overlay,
                painter: Painter::new(overlay.effect),
                crop: overlay.crop.as_ref().map(|crop| Ok((crop, Scaler::new()?))).transpose()?,
            },
            Edit::Framing(framing) => {
                let Some(clip) = framing.clips.get(clip) else {
                    return Err(RenderError::machine("A clip has no crop; this is a bug."));
                };
                Self::Framing { crop: &clip.crop, scaler: Scaler::new()? }
            }
            Edit::Annotate(_) => Self::Annotate,
        })
    }

    /// The size of the reel, when it is not the decoded size.
    pub(super) fn output(edit: &Edit) -> Option<FrameSize> {
        match edit {
            Edit::Overlay(overlay) => overlay.crop.as_ref().map(|_| overlay.output),
            Edit::Framing(framing) => Some(framing.output),
            Edit::Annotate(_) => None,
        }
    }

    /// Takes a picture of the source at a moment and answers the picture of the reel; buffers
    /// go back to their pools.
    pub(super) fn compose(
        &mut self,
        mut picture: Picture,
        moment: FramePosition,
        decoded: &Pool,
        finished: &Pool,
    ) -> Result<Picture, RenderError> {
        let bounds = picture.bounds();
        let (crop, scaler) = match self {
            Self::Overlay { overlay, painter, crop } => {
                let view = crop.as_ref().map_or(bounds, |(crop, _)| crop.pixels(moment, picture.size()));
                let highlights = overlay.regions.at(moment, overlay.interpolation);
                painter.paint(&mut picture, view, &highlights);
                let Some((crop, scaler)) = crop else { return Ok(picture) };
                (*crop, scaler)
            }
            Self::Framing { crop, scaler } => (*crop, scaler),
            Self::Annotate => return Ok(picture),
        };
        let mut reel = finished.take();
        scaler.scale(&picture, crop.pixels(moment, picture.size()), &mut reel)?;
        decoded.give(picture);
        Ok(reel)
    }
}
