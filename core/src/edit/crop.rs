//! The moving crop: which part of a source frame is shown.
//!
//! Invariant: a pixel rectangle is always inside the frame and has at least one pixel.

use serde_json::{Value, json};

use crate::edit::interpolate::KeyframePosition;
use crate::edit::limits::{MAX_ITEMS, coordinate, frame, positive_length, seconds, truncate};
use crate::edit::{FramePosition, FrameSize, Interpolation};
use crate::json::field_error::FieldContext;
use crate::json::reader::{ObjectReader, list, text};

/// The unit of the positions of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CropUnit {
    /// Source frames. A crop that extends beyond the frame is moved inside.
    Frame,
    /// Seconds of source, as the frontend sends them. A crop that extends beyond the frame is cut off.
    Time,
}

/// A crop at one position; its sides are in pixels of the source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CropKeyframe {
    /// Frames or seconds, in the track's unit.
    pub position: f64,
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Pixels across.
    pub width: f64,
    /// Pixels down.
    pub height: f64,
}

/// A crop over time: at least one keyframe, in one unit, with positions in ascending order.
#[derive(Clone, Debug, PartialEq)]
pub struct CropTrack {
    unit: CropUnit,
    keyframes: Vec<CropKeyframe>,
    interpolation: Interpolation,
}

/// Whole pixels of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelRect {
    /// Left column.
    pub x: u32,
    /// Upper row.
    pub y: u32,
    /// Columns, at least 1.
    pub width: u32,
    /// Rows, at least 1.
    pub height: u32,
}

impl PixelRect {
    /// The smallest rectangle around both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = (self.x + self.width).max(other.x + other.width);
        let bottom = (self.y + self.height).max(other.y + other.height);
        Self { x, y, width: right - x, height: bottom - y }
    }
}

impl CropTrack {
    /// A track of checked keyframes; `None` without any.
    pub(super) fn new((unit, keyframes): Keyframes, interpolation: Interpolation) -> Option<Self> {
        (!keyframes.is_empty()).then_some(Self { unit, keyframes, interpolation })
    }

    /// The unit of its positions.
    pub fn unit(&self) -> CropUnit {
        self.unit
    }

    /// The crop at a frame, with fractions. The first keyframe applies before it, the last one after it.
    pub fn at(&self, frame: FramePosition) -> CropKeyframe {
        let position = match self.unit {
            CropUnit::Frame => frame.frame,
            CropUnit::Time => frame.seconds(),
        };
        let keyframe_position =
            KeyframePosition::locate(&self.keyframes, |keyframe| keyframe.position, position);
        let side = |of: fn(&CropKeyframe) -> f64| {
            let value = |index: usize| self.keyframes.get(index).map_or(0.0, of);
            self.interpolation.at(keyframe_position, self.keyframes.len(), value)
        };
        CropKeyframe {
            position,
            x: side(|k| k.x),
            y: side(|k| k.y),
            width: side(|k| k.width),
            height: side(|k| k.height),
        }
    }

    /// The pixels to show of a source frame of size `source` (each side at least 1). Fractions are cut off.
    /// A crop that extends beyond the frame is moved inside or cut off, depending on the unit.
    pub fn pixels(&self, frame: FramePosition, source: FrameSize) -> PixelRect {
        let crop = self.at(frame);
        let clamp = match self.unit {
            CropUnit::Frame => clamp_by_moving,
            CropUnit::Time => clamp_by_cropping,
        };
        let (x, width) = clamp(truncate(crop.x), truncate(crop.width), source.width);
        let (y, height) = clamp(truncate(crop.y), truncate(crop.height), source.height);
        PixelRect { x, y, width, height }
    }

    /// The size of what is shown at the start of a picture of this size.
    pub(super) fn first_shown(&self, picture: FrameSize) -> FrameSize {
        let shown = self.pixels(FramePosition { frame: 0.0, fps: 1.0 }, picture);
        FrameSize { width: shown.width, height: shown.height }
    }

    /// Whether the crop lies wholly outside a picture of this size at some moment from `start` to `end`: at one
    /// of the two, or at a keyframe in between. Between two keyframes inside, a crop is inside.
    pub fn leaves(&self, picture: FrameSize, start: FramePosition, end: FramePosition) -> bool {
        let position = |moment: FramePosition| match self.unit {
            CropUnit::Frame => moment.frame,
            CropUnit::Time => moment.seconds(),
        };
        let shown = position(start)..=position(end);
        let between = self.keyframes.iter().filter(|keyframe| shown.contains(&keyframe.position));
        let moments = [self.at(start), self.at(end)].into_iter().chain(between.copied());
        let misses = |start: f64, length: f64, side: u32| {
            let (start, length) = (truncate(start), truncate(length));
            i64::from(start) >= i64::from(side) || i64::from(start) + i64::from(length) <= 0
        };
        moments.into_iter().any(|crop| {
            misses(crop.x, crop.width, picture.width) || misses(crop.y, crop.height, picture.height)
        })
    }

    /// The number of source pixels that the crop shows at the start.
    pub(super) fn first_area(&self) -> f64 {
        let crop = self.at(FramePosition { frame: 0.0, fps: 1.0 });
        crop.width * crop.height
    }

    /// The output size when the request has none, as in the frontend: four times the crop at the start,
    /// at most 2560x1440, both sides even.
    pub fn default_output_size(&self) -> FrameSize {
        const MAX_WIDTH: f64 = 2560.0;
        const MAX_HEIGHT: f64 = 1440.0;
        let crop = self.at(FramePosition { frame: 0.0, fps: 1.0 });
        let (width, height) = (4.0 * crop.width.trunc().max(1.0), 4.0 * crop.height.trunc().max(1.0));
        let scale = (MAX_WIDTH / width).min(MAX_HEIGHT / height).min(1.0);
        let even = |side: f64| u32::try_from(truncate(side * scale)).unwrap_or(0).max(16) & !1;
        FrameSize { width: even(width), height: even(height) }
    }
}

/// For frame-based crops: the crop keeps its length and moves inside.
fn clamp_by_moving(start: i32, length: i32, side: u32) -> (u32, u32) {
    let length = u32::try_from(length).unwrap_or(0).clamp(1, side.max(1));
    let start = u32::try_from(start).unwrap_or(0).min(side.saturating_sub(length));
    (start, length)
}

/// For time-based crops: the crop keeps its start and is cut off at the far edge.
fn clamp_by_cropping(start: i32, length: i32, side: u32) -> (u32, u32) {
    let start = u32::try_from(start).unwrap_or(0).min(side.saturating_sub(1));
    let length = u32::try_from(length).unwrap_or(0).clamp(1, (side - start).max(1));
    (start, length)
}

/// Keyframes as read, before the interpolation is known.
pub(super) type Keyframes = (CropUnit, Vec<CropKeyframe>);

/// Reads `crop_keyframes`. The list may be empty: the caller decides whether that is an error.
pub(super) fn read_keyframes(value: &Value, mut at: FieldContext<'_>) -> Option<Keyframes> {
    let items = list(MAX_ITEMS, read_keyframe)(value, at.reborrow())?;
    let unit = items.first().map_or(CropUnit::Frame, |(unit, _)| *unit);
    let mut valid = true;
    for (index, pair) in items.windows(2).enumerate() {
        let [(_, earlier), (later_unit, later)] = pair else { continue };
        let mut at_item = at.child(&(index + 1).to_string());
        if *later_unit != unit {
            at_item.reject::<()>("must use the same unit as the first keyframe: all `frame` or all `time`");
            valid = false;
        } else if later.position < earlier.position {
            let name = unit.field();
            at_item
                .child(name)
                .reject::<()>(format!("must not be earlier than the {name} of the previous keyframe"));
            valid = false;
        }
    }
    valid.then(|| (unit, items.into_iter().map(|(_, keyframe)| keyframe).collect()))
}

/// Reads `crop_keyframes` where there must be one.
pub(super) fn non_empty_keyframes(value: &Value, mut at: FieldContext<'_>) -> Option<Keyframes> {
    at.describe(|| json!({"minItems": 1}));
    let keyframes = read_keyframes(value, at.reborrow())?;
    if keyframes.1.is_empty() {
        return at.reject("must have at least one keyframe");
    }
    Some(keyframes)
}

fn read_keyframe(value: &Value, at: FieldContext<'_>) -> Option<(CropUnit, CropKeyframe)> {
    let mut fields = ObjectReader::open(value, at)?;
    let (by_frame, by_time) = (fields.has("frame"), fields.has("time"));
    let position = match (by_frame, by_time) {
        (true, true) => fields.at().reject("must have either `frame` or `time`, not both"),
        (false, false) => fields.at().reject("must have either `frame` or `time`"),
        (true, false) => fields.required("frame", frame).map(|n| (CropUnit::Frame, f64::from(n))),
        (false, true) => fields.required("time", seconds).map(|s| (CropUnit::Time, s)),
    };
    let x = fields.required("x", coordinate);
    let y = fields.required("y", coordinate);
    let width = fields.required("width", positive_length);
    let height = fields.required("height", positive_length);
    // Who placed the keyframe: the frontend sends it, the renderer does not use it.
    let origin = fields.optional("origin", |value, at| text(32)(value, at).map(drop));
    fields.finish();
    origin?;
    let (unit, position) = position?;
    Some((unit, CropKeyframe { position, x: x?, y: y?, width: width?, height: height? }))
}

impl CropUnit {
    fn field(self) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::Time => "time",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HD: FrameSize = FrameSize { width: 1920, height: 1080 };

    fn track(keyframes: &Value) -> CropTrack {
        let mut errors = Vec::new();
        let read = read_keyframes(keyframes, FieldContext::root(&mut errors));
        assert_eq!(errors, []);
        CropTrack::new(read.expect("keyframes"), Interpolation::Linear).expect("not empty")
    }

    fn frame(frame: f64) -> FramePosition {
        FramePosition { frame, fps: 30.0 }
    }

    #[test]
    fn a_frame_based_crop_moves_linearly_in_whole_pixels() {
        let track = track(&json!([
            {"frame": 10, "x": 100, "y": 0, "width": 405.9, "height": 720},
            {"frame": 20, "x": 107.5, "y": 10, "width": 405.9, "height": 720},
        ]));
        let rect = |n| track.pixels(frame(n), HD);
        assert_eq!(rect(0.0), PixelRect { x: 100, y: 0, width: 405, height: 720 });
        assert_eq!(rect(15.0), PixelRect { x: 103, y: 5, width: 405, height: 720 });
        assert_eq!(rect(99.0), PixelRect { x: 107, y: 10, width: 405, height: 720 });
    }

    #[test]
    fn a_time_based_crop_uses_the_true_frame_rate() {
        let track = track(&json!([
            {"time": 0, "x": 0, "y": 0, "width": 100, "height": 100, "origin": "permanent"},
            {"time": 1, "x": 50, "y": 0, "width": 100, "height": 100, "origin": "user"},
        ]));
        assert_eq!(track.pixels(FramePosition { frame: 30.0, fps: 60.0 }, HD).x, 25);
        assert_eq!(track.pixels(FramePosition { frame: 30.5, fps: 61.0 }, HD).x, 25);
    }

    #[test]
    fn beyond_the_edge_a_frame_based_crop_moves_and_a_time_based_one_is_cut_off() {
        let by = |unit: &str| {
            let mut key = json!({"x": 1700, "y": -20, "width": 400, "height": 300});
            key[unit] = json!(0);
            track(&json!([key])).pixels(frame(0.0), HD)
        };
        assert_eq!(by("frame"), PixelRect { x: 1520, y: 0, width: 400, height: 300 });
        assert_eq!(by("time"), PixelRect { x: 1700, y: 0, width: 220, height: 300 });
    }

    #[test]
    fn the_default_output_size_is_four_times_the_crop_within_the_limit() {
        for (width, height, expected) in [
            (205, 365, (808, 1440)),
            (640, 360, (2560, 1440)),
            (608, 1080, (810, 1440)),
            (405, 720, (810, 1440)),
            (101, 51, (404, 204)),
        ] {
            let size = track(&json!([{"time": 0, "x": 0, "y": 0, "width": width, "height": height}]))
                .default_output_size();
            assert_eq!((size.width, size.height), expected);
        }
    }

    #[test]
    fn a_crop_outside_the_picture_is_noticed_where_it_is_shown() {
        let picture = FrameSize { width: 640, height: 360 };
        let (begin, end) = (frame(0.0), frame(90.0));
        for unit in ["frame", "time"] {
            let one = |x: f64, y: f64| {
                let mut key = json!({"x": x, "y": y, "width": 100, "height": 100});
                key[unit] = json!(0);
                track(&json!([key])).leaves(picture, begin, end)
            };
            for (x, y) in [(700.0, 400.0), (640.0, 0.0), (0.0, 360.0), (-100.0, 0.0), (0.0, -500.0)] {
                assert!(one(x, y), "{x}, {y}");
            }
            for (x, y) in [(639.0, 359.0), (-99.0, -99.0), (0.0, 0.0), (600.5, 300.0)] {
                assert!(!one(x, y), "{x}, {y}");
            }
        }
        let leaving = track(&json!([
            {"frame": 0, "x": 0, "y": 0, "width": 100, "height": 100},
            {"frame": 60, "x": 700, "y": 0, "width": 100, "height": 100},
            {"frame": 80, "x": 0, "y": 0, "width": 100, "height": 100},
        ]));
        assert!(leaving.leaves(picture, begin, end), "at its second keyframe");
        assert!(!leaving.leaves(picture, begin, frame(30.0)), "this part is not shown");
        assert!(!leaving.leaves(picture, frame(75.0), frame(f64::INFINITY)));
    }

    #[test]
    fn mixed_units_and_descending_positions_are_errors_at_their_keyframe() {
        let mut errors = Vec::new();
        let body = json!([
            {"frame": 5, "x": 0, "y": 0, "width": 9, "height": 9},
            {"time": 1, "x": 0, "y": 0, "width": 9, "height": 9},
            {"frame": 4, "x": 0, "y": 0, "width": 9, "height": 9},
            {"frame": 3, "x": 0, "y": 0, "width": 9, "height": 9},
        ]);
        assert_eq!(read_keyframes(&body, FieldContext::root(&mut errors)), None);
        let pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/1", "/3/frame"]);
    }

    proptest! {
        #[test]
        fn a_crop_is_always_inside_the_frame(
            keys in prop::collection::vec(
                (0.0..100.0_f64, -2e4..2e4_f64, -2e4..2e4_f64, 1.0..2e4_f64, 1.0..2e4_f64), 1..6),
            by_time: bool,
            smooth: bool,
            at in 0.0..3_000.0_f64,
            (width, height) in (1..5000_u32, 1..5000_u32),
        ) {
            let mut keyframes: Vec<_> = keys.into_iter()
                .map(|(position, x, y, width, height)| CropKeyframe { position, x, y, width, height })
                .collect();
            keyframes.sort_by(|a, b| a.position.total_cmp(&b.position));
            let unit = if by_time { CropUnit::Time } else { CropUnit::Frame };
            let interpolation = if smooth { Interpolation::CatmullRom } else { Interpolation::Linear };
            let track = CropTrack::new((unit, keyframes), interpolation).expect("not empty");
            let rect = track.pixels(frame(at), FrameSize { width, height });
            prop_assert!(rect.width >= 1 && rect.x + rect.width <= width, "{rect:?}");
            prop_assert!(rect.height >= 1 && rect.y + rect.height <= height, "{rect:?}");
        }
    }
}
