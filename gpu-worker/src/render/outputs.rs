//! The outputs of a render, the main one first, and what each shows of a picture.
//!
//! Invariant: what is shown lies inside the picture, and its place inside the output.

use reel_core::edit::{CropTrack, Edit, Fit, FramePosition, FrameSize, PixelRect, Rendition, placement};

use super::plan::ClipPlan;
use super::timeline::TimelineSegment;
use crate::ffmpeg::encode::EncodeEffort;

/// One output.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutputPlan<'a> {
    pub size: FrameSize,
    fit: Fit,
    /// `None` for the main output.
    rendition: Option<&'a Rendition>,
}

/// Which part of a picture goes where in an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub part: PixelRect,
    pub target: PixelRect,
}

impl<'a> OutputPlan<'a> {
    /// Every output of an edit whose main one has this size.
    pub(super) fn all(edit: &'a Edit, clips: &[ClipPlan<'_>], main: FrameSize) -> Vec<Self> {
        let picture = |index: usize| clips.get(index).map_or(main, |clip| clip.media.size());
        let (fit, size_of): (Fit, &dyn Fn(&Rendition) -> FrameSize) = match edit {
            Edit::Overlay(overlay) => (overlay.fit, &|one| overlay.rendition_size(one, picture(0))),
            Edit::Framing(framing) => (framing.fit, &|one| framing.rendition_size(one, picture)),
            Edit::Annotate(_) => (Fit::default(), &|_| main),
        };
        let rendition = |one: &'a Rendition| Self {
            size: size_of(one),
            fit: one.fit.unwrap_or(fit),
            rendition: Some(one),
        };
        let first = Self { size: main, fit, rendition: None };
        std::iter::once(first).chain(edit.renditions().iter().map(rendition)).collect()
    }

    /// How well it is encoded.
    pub(super) const fn effort(&self) -> EncodeEffort {
        match self.rendition {
            Some(_) => EncodeEffort::Less,
            None => EncodeEffort::Full,
        }
    }

    /// The pixels that it shows of a picture, where the main output has this crop.
    pub(super) fn shown(&self, crop: Option<&CropTrack>, at: FramePosition, picture: FrameSize) -> PixelRect {
        let whole = PixelRect { x: 0, y: 0, width: picture.width, height: picture.height };
        match self.rendition {
            Some(rendition) => rendition.pixels(crop, at, picture, self.size),
            None => crop.map_or(whole, |crop| crop.pixels(at, picture)),
        }
    }

    /// What of these pixels goes where.
    pub(super) fn place(&self, crop: Option<&CropTrack>, at: FramePosition, picture: FrameSize) -> Place {
        let shown = self.shown(crop, at, picture);
        let placed = placement(FrameSize { width: shown.width, height: shown.height }, self.size, self.fit);
        let part = PixelRect { x: shown.x + placed.part.x, y: shown.y + placed.part.y, ..placed.part };
        Place { part, target: placed.target }
    }
}

/// The box around all that the outputs show of a picture of size `source` during a segment.
pub(super) fn shown_in(
    segment: &TimelineSegment,
    crop: Option<&CropTrack>,
    outputs: &[OutputPlan<'_>],
    source: FrameSize,
) -> PixelRect {
    let shown = (0..segment.output_frames).flat_map(|k| {
        let at = FramePosition { frame: segment.position(k), fps: segment.source_rate.fps() };
        outputs.iter().map(move |output| output.shown(crop, at, source))
    });
    let whole = PixelRect { x: 0, y: 0, width: source.width, height: source.height };
    shown.reduce(PixelRect::union).unwrap_or(whole)
}

/// The box around all that the outputs show of a clip, on whole colour samples.
pub(super) fn shown_area(clip: &ClipPlan<'_>, outputs: &[OutputPlan<'_>]) -> PixelRect {
    let segments = clip.timeline.segments.iter();
    let shown = segments.map(|segment| shown_in(segment, clip.crop, outputs, clip.picture));
    let FrameSize { width, height } = clip.picture;
    let Some(shown) = shown.reduce(PixelRect::union) else { return PixelRect { x: 0, y: 0, width, height } };
    let side = |start: u32, length: u32, limit: u32| {
        let (first, end) = (start & !1, (start + length).next_multiple_of(2).min(limit));
        (first, end - first)
    };
    let (x, width) = side(shown.x, shown.width, width);
    let (y, height) = side(shown.y, shown.height, height);
    PixelRect { x, y, width, height }
}
