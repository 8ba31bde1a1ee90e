//! Framing: crop and pace one clip.

use serde_json::Value;

use super::bounds::{MAX_PIECES, seconds};
use super::crop::{self, CropTrack};
use super::{Interpolation, Size};
use crate::fault::{At, Fields, boolean, integer, list, number, word};

/// A crop-and-pace job.
#[derive(Clone, Debug, PartialEq)]
pub struct Framing {
    /// Which clip of the project this is; the input file is that clip already.
    pub clip_index: Option<u32>,
    /// The part of the picture to show.
    pub crop: CropTrack,
    /// The size of the reel: as asked, else from the crop ([`CropTrack::natural_size`]).
    pub output: Size,
    /// Where the reel starts, in seconds of source.
    pub start_time: Option<f64>,
    /// Where it ends; after `start_time`.
    pub end_time: Option<f64>,
    /// What is shown at which speed, in source order; empty means all of it at its own speed.
    /// Source between two segments is left out.
    pub segments: Vec<Segment>,
    /// Frames per second of the reel; `None` keeps the source's.
    pub target_fps: Option<f64>,
    /// Whether the reel has sound when the source has.
    pub include_audio: bool,
}

/// A piece of source and its speed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Seconds of source.
    pub start: f64,
    /// Seconds of source, after `start`.
    pub end: f64,
    /// 0.5 is half speed and takes twice as long.
    pub speed: f64,
}

impl Framing {
    pub(super) fn read(params: &Value, at: At<'_>) -> Option<Self> {
        let mut fields = Fields::open(params, at)?;
        let clip_index = fields.optional("clip_index", integer(0..=100_000));
        let keyframes = fields.required("crop_keyframes", some_keyframes);
        let output = Size::read_output(&mut fields);
        let start_time = fields.optional("start_time", seconds);
        let end_time = fields.optional("end_time", seconds);
        let segments = fields.optional("segments", read_segments);
        let target_fps = fields.optional("target_fps", number(1.0..=120.0));
        let include_audio = fields.optional("include_audio", boolean);
        let interpolation = fields.optional("interpolation", word(Interpolation::WORDS));
        let ordered = match (start_time, end_time) {
            (Some(start), Some(Some(end))) if end <= start.unwrap_or(0.0) => {
                fields.at().child("end_time").refuse("must be after start_time")
            }
            _ => Some(()),
        };
        fields.close();
        ordered?;
        let crop = CropTrack::new(keyframes?, interpolation?.unwrap_or_default())?;
        Some(Self {
            clip_index: clip_index?.and_then(|index| u32::try_from(index).ok()),
            output: output?.unwrap_or_else(|| crop.natural_size()),
            crop,
            start_time: start_time?,
            end_time: end_time?,
            segments: segments?.unwrap_or_default(),
            target_fps: target_fps?,
            include_audio: include_audio?.unwrap_or(true),
        })
    }
}

fn some_keyframes(value: &Value, mut at: At<'_>) -> Option<crop::Keyframes> {
    let keyframes = crop::read_keyframes(value, at.again())?;
    if keyframes.1.is_empty() {
        return at.refuse("must have at least one keyframe: framing shows a part of the picture");
    }
    Some(keyframes)
}

fn read_segments(value: &Value, mut at: At<'_>) -> Option<Vec<Segment>> {
    let segments = list(MAX_PIECES, read_segment)(value, at.again())?;
    let mut fine = true;
    for (index, pair) in segments.windows(2).enumerate() {
        if let [earlier, later] = pair
            && later.start < earlier.end
        {
            let sentence = "must not be before the end of the segment before it";
            at.child(&(index + 1).to_string()).child("start").refuse::<()>(sentence);
            fine = false;
        }
    }
    fine.then_some(segments)
}

fn read_segment(value: &Value, at: At<'_>) -> Option<Segment> {
    let mut fields = Fields::open(value, at)?;
    let start = fields.required("start", seconds);
    let end = fields.required("end", seconds);
    let speed = fields.optional("speed", number(0.25..=4.0));
    let ordered = match (start, end) {
        (Some(start), Some(end)) if end <= start => fields.at().child("end").refuse("must be after start"),
        _ => Some(()),
    };
    fields.close();
    ordered?;
    Some(Segment { start: start?, end: end?, speed: speed?.unwrap_or(1.0) })
}
