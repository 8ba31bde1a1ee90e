//! What happens to each frame between decoder and encoder.

use reel_core::edit::{CropTrack, Edit, Fit, FramePosition, FrameSize, Overlay, PixelRect, placement};

use super::RenderError;
use crate::media::effects::EffectRenderer;
use crate::media::frame::{Frame, FramePool};
use crate::media::scale::Scaler;

/// Draws on and scales the frames of one clip.
#[allow(clippy::large_enum_variant, reason = "there is one for a whole render")]
pub(super) enum Compositor<'e> {
    /// Effects, then the crop when there is one, then the size.
    Overlay { overlay: &'e Overlay, effects: EffectRenderer, scaler: Scaler },
    /// Only the crop and the size.
    Framing { crop: &'e CropTrack, fit: Fit, scaler: Scaler },
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
                scaler: Scaler::new()?,
            },
            Edit::Framing(framing) => {
                let Some(clip) = framing.clips.get(clip) else {
                    return Err(RenderError::machine("A clip has no crop; this is a bug."));
                };
                Self::Framing { crop: &clip.crop, fit: framing.fit, scaler: Scaler::new()? }
            }
            Edit::Annotate(_) => Self::Annotate,
        })
    }

    /// Turns a source frame into an output frame; buffers go back to their pools.
    pub(super) fn compose(
        &mut self,
        mut frame: Frame,
        position: FramePosition,
        decoded: &FramePool,
        finished: &FramePool,
    ) -> Result<Frame, RenderError> {
        let (shown, fit, scaler) = match self {
            Self::Overlay { overlay, effects, scaler } => {
                let crop = overlay.crop.as_ref();
                let shown = crop.map_or(frame.bounds(), |crop| crop.pixels(position, frame.size()));
                let is_scaled = crop.is_some() || finished.size() != frame.size();
                let view = if is_scaled { part_of(shown, finished.size(), overlay.fit).0 } else { shown };
                let highlights = overlay.regions.at(position, overlay.interpolation);
                effects.apply(&mut frame, view, &highlights);
                if !is_scaled {
                    return Ok(frame);
                }
                (shown, overlay.fit, scaler)
            }
            Self::Framing { crop, fit, scaler } => (crop.pixels(position, frame.size()), *fit, scaler),
            Self::Annotate => return Ok(frame),
        };
        let (view, target) = part_of(shown, finished.size(), fit);
        let mut output = finished.acquire();
        scaler.scale(&frame, view, &mut output, target)?;
        decoded.release(frame);
        Ok(output)
    }
}

/// Which part of what is shown of a frame goes where in the output.
fn part_of(shown: PixelRect, output: FrameSize, fit: Fit) -> (PixelRect, PixelRect) {
    let place = placement(FrameSize { width: shown.width, height: shown.height }, output, fit);
    let view = PixelRect { x: shown.x + place.part.x, y: shown.y + place.part.y, ..place.part };
    (view, place.target)
}
