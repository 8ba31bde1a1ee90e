//! What happens to each frame between decoder and encoder.

use reel_core::edit::{CropTrack, Edit, FramePosition, FrameSize, Overlay};

use super::RenderError;
use crate::media::effects::EffectRenderer;
use crate::media::frame::{Frame, FramePool};
use crate::media::scale::Scaler;

/// Draws on and scales the frames of one clip.
#[allow(clippy::large_enum_variant, reason = "there is one for a whole render")]
pub(super) enum Compositor<'e> {
    /// Effects, then the crop when there is one.
    Overlay { overlay: &'e Overlay, effects: EffectRenderer, crop: Option<(&'e CropTrack, Scaler)> },
    /// Only the crop.
    Framing { crop: &'e CropTrack, scaler: Scaler },
    /// ffmpeg draws the titles while it decodes.
    Annotate,
}

impl<'e> Compositor<'e> {
    /// For clip number `clip`, from 0.
    pub(super) fn new(edit: &'e Edit, clip: usize) -> Result<Self, RenderError> {
        Ok(match edit {
            Edit::Overlay(overlay) => Self::Overlay {
                overlay,
                effects: EffectRenderer::new(overlay.effect),
                crop: match &overlay.crop {
                    Some(crop) => Some((crop, Scaler::new()?)),
                    None => None,
                },
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

    /// The size of the output, when it is not the decoded size.
    pub(super) fn output_size(edit: &Edit) -> Option<FrameSize> {
        match edit {
            Edit::Overlay(overlay) => overlay.crop.as_ref().map(|_| overlay.output),
            Edit::Framing(framing) => Some(framing.output),
            Edit::Annotate(_) => None,
        }
    }

    /// Turns a source frame into an output frame; buffers go back to their pools.
    pub(super) fn compose(
        &mut self,
        mut frame: Frame,
        position: FramePosition,
        decoded: &FramePool,
        finished: &FramePool,
    ) -> Result<Frame, RenderError> {
        let bounds = frame.bounds();
        let (crop, scaler) = match self {
            Self::Overlay { overlay, effects, crop } => {
                let view = crop.as_ref().map_or(bounds, |(crop, _)| crop.pixels(position, frame.size()));
                let highlights = overlay.regions.at(position, overlay.interpolation);
                effects.apply(&mut frame, view, &highlights);
                let Some((crop, scaler)) = crop else { return Ok(frame) };
                (*crop, scaler)
            }
            Self::Framing { crop, scaler } => (*crop, scaler),
            Self::Annotate => return Ok(frame),
        };
        let mut output = finished.acquire();
        let whole = output.bounds();
        scaler.scale(&frame, crop.pixels(position, frame.size()), &mut output, whole)?;
        decoded.release(frame);
        Ok(output)
    }
}
