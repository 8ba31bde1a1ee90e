//! What happens to each frame between decoder and encoders: the effects once, then each output's part and size.

use reel_core::edit::{CropTrack, Edit, FramePosition, FrameSize, Overlay, PixelRect};

use super::RenderError;
use super::outputs::{OutputPlan, Place};
use super::plan::{ClipPlan, RenderPlan};
use reel_media::effects::EffectRenderer;
use reel_media::frame::{Frame, FramePool};
use reel_media::scale::Scaler;

/// Draws on the frames of one clip and makes those of each output from them. The titles of an annotation are
/// drawn by ffmpeg while it decodes.
pub(super) struct Compositor<'a> {
    outputs: &'a [OutputPlan<'a>],
    /// Whether the main output's frames are made by scaling, too.
    scaled: bool,
    crop: Option<&'a CropTrack>,
    picture: FrameSize,
    /// Where its frames lie in the picture.
    area: PixelRect,
    highlights: Option<(&'a Overlay, EffectRenderer)>,
    scaler: Scaler,
}

impl<'a> Compositor<'a> {
    pub(super) fn new(
        edit: &'a Edit,
        plan: &'a RenderPlan<'a>,
        clip: &ClipPlan<'a>,
    ) -> Result<Self, RenderError> {
        let highlights = match edit {
            Edit::Overlay(overlay) => Some((overlay, EffectRenderer::new(overlay.effect))),
            Edit::Framing(_) | Edit::Annotate(_) => None,
        };
        let (outputs, scaled, crop) = (&plan.outputs, plan.scaled, clip.crop);
        let (picture, area) = (clip.picture, clip.decoded_area);
        Ok(Self { outputs, scaled, crop, picture, area, highlights, scaler: Scaler::new()? })
    }

    /// Turns a source frame into a frame of each output; buffers go back to their pools.
    pub(super) fn compose(
        &mut self,
        mut frame: Frame,
        position: FramePosition,
        decoded: &FramePool,
        finished: &[&FramePool],
    ) -> Result<Vec<Frame>, RenderError> {
        let place = |output: &OutputPlan<'_>| {
            let Place { part, target } = output.place(self.crop, position, self.picture);
            let (x, y) = (part.x.saturating_sub(self.area.x), part.y.saturating_sub(self.area.y));
            Place { part: PixelRect { x, y, ..part }, target }
        };
        let places: Vec<Place> = self.outputs.iter().map(place).collect();
        if let Some((overlay, effects)) = &mut self.highlights {
            let shown = places.iter().map(|place| place.part).reduce(PixelRect::union);
            let shown = shown.unwrap_or(frame.bounds());
            let highlights = overlay.regions.at(position, overlay.interpolation);
            effects.apply(&mut frame, shown, &highlights);
        }
        let mut frames = Vec::with_capacity(places.len());
        for (Place { part, target }, pool) in places.into_iter().zip(finished).skip(usize::from(!self.scaled))
        {
            let mut output = pool.acquire();
            self.scaler.scale(&frame, part, &mut output, target)?;
            frames.push(output);
        }
        if self.scaled {
            decoded.release(frame);
        } else {
            frames.insert(0, frame);
        }
        Ok(frames)
    }
}
