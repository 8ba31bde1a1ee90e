//! How large an edit may be, and readers that check these limits.
//!
//! The limits are far above what real clips need. They exist so that arithmetic on params cannot overflow
//! and a render cannot run for hours.

use serde_json::{Value, json};

use crate::json::field_error::FieldContext;
use crate::json::reader::{integer, number};

/// Ten million frames are 46 hours at 60 frames a second.
const MAX_FRAME: i64 = 10_000_000;
/// One day, in seconds.
const MAX_TIME_S: f64 = 86_400.0;
/// Twice the largest frame side that is rendered, so that a shape may extend beyond the frame.
const MAX_PIXELS: f64 = 16_384.0;

/// More sound tracks than recorders write.
const MAX_AUDIO_TRACK: i64 = 100;

/// Items in a list of regions or keyframes: one per frame for more than five minutes at 30 fps.
pub(super) const MAX_ITEMS: usize = 10_000;
/// Segments of one job: each is decoded by a process of its own.
pub(super) const MAX_SEGMENTS: usize = 100;

/// A frame number, counted from 0 in the source.
pub(super) fn frame(value: &Value, at: FieldContext<'_>) -> Option<u32> {
    integer(0..=MAX_FRAME)(value, at).and_then(|n| u32::try_from(n).ok())
}

/// Seconds from the start of the source.
pub(crate) fn seconds(value: &Value, mut at: FieldContext<'_>) -> Option<f64> {
    at.describe(|| json!({"type": "number", "minimum": 0, "maximum": MAX_TIME_S}));
    let seconds = value.as_f64().filter(|seconds| (0.0..=MAX_TIME_S).contains(seconds));
    seconds.or_else(|| at.reject(format!("must be a number of seconds from 0 to {MAX_TIME_S}")))
}

/// The number of a sound track among those of a video, from 1.
pub(super) fn audio_track(value: &Value, at: FieldContext<'_>) -> Option<u32> {
    integer(1..=MAX_AUDIO_TRACK)(value, at).and_then(|n| u32::try_from(n).ok())
}

/// A position in pixels of the source; it may be outside the frame.
pub(super) fn coordinate(value: &Value, at: FieldContext<'_>) -> Option<f64> {
    number(-MAX_PIXELS..=MAX_PIXELS)(value, at)
}

/// A width, height or radius in pixels of the source; at least one pixel.
pub(super) fn positive_length(value: &Value, at: FieldContext<'_>) -> Option<f64> {
    number(1.0..=MAX_PIXELS)(value, at)
}

/// A number from 0 to 1.
pub(super) fn unit_interval(value: &Value, at: FieldContext<'_>) -> Option<f64> {
    number(0.0..=1.0)(value, at)
}

/// The whole part of a bounded number, as Python's `int()` gives it.
pub(super) fn truncate(value: f64) -> i32 {
    #[allow(clippy::cast_possible_truncation, reason = "truncation is the rule; `as` saturates beyond i32")]
    {
        value as i32
    }
}
