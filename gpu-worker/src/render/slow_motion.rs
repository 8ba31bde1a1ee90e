//! Slow motion: which part of the picture needs frames in between, and how they are made.
//!
//! Invariant: what is visible is made in full; what is not is black and costs nothing.

use reel_core::edit::{CropTrack, FrameSize, PixelRect};

use super::outputs::{OutputPlan, shown_in};
use super::plan::ClipPlan;
use super::timeline::TimelineSegment;
use crate::ffmpeg::decode::{InBetween, MotionInterpolation};

/// How in-between frames are made in a whole render: along the motion, unless that would take too long.
pub(super) fn in_between(clips: &[ClipPlan<'_>], outputs: &[OutputPlan<'_>]) -> InBetween {
    let segments =
        clips.iter().flat_map(|clip| clip.timeline.segments.iter().map(move |segment| (clip, segment)));
    let pixels: f64 = segments.filter_map(|(clip, segment)| work_pixels(clip, outputs, segment)).sum();
    if pixels * MOTION_S_PER_PIXEL > MAX_MOTION_S { InBetween::Blend } else { InBetween::Motion }
}

/// What a person is told when motion would take too long.
pub(super) const BLENDED: &str = "slow motion is blended, because following the motion would take too long";

/// The interpolation of a segment; `None` when it shows the source's own frames.
pub(super) fn interpolation(
    clip: &ClipPlan<'_>,
    outputs: &[OutputPlan<'_>],
    segment: &TimelineSegment,
    in_between: InBetween,
) -> Option<MotionInterpolation> {
    let fps = segment.interpolate_fps?;
    let area = visible_area(clip.crop, outputs, segment, clip.picture);
    Some(MotionInterpolation { fps, area, in_between })
}

/// Pixels of all in-between frames of a segment.
fn work_pixels(clip: &ClipPlan<'_>, outputs: &[OutputPlan<'_>], segment: &TimelineSegment) -> Option<f64> {
    let area = interpolation(clip, outputs, segment, InBetween::Motion)?.area;
    Some(f64::from(area.width) * f64::from(area.height) * f64::from(segment.output_frames))
}

/// The box around all that the outputs show of the source during a segment, on even pixels and with a margin,
/// since motion comes from outside.
fn visible_area(
    crop: Option<&CropTrack>,
    outputs: &[OutputPlan<'_>],
    segment: &TimelineSegment,
    source: FrameSize,
) -> PixelRect {
    let shown = shown_in(segment, crop, outputs, source);
    let side = |from: u32, to: u32, length: u32| {
        let from = from.min(length).saturating_sub(MARGIN_PX) & !1;
        let to = to.saturating_add(MARGIN_PX).next_multiple_of(2).min(length);
        // The filter compares blocks, and needs some of them.
        if to.saturating_sub(from) < LEAST_SIDE_PX { (0, length) } else { (from, to - from) }
    };
    let (x, width) = side(shown.x, shown.x + shown.width, source.width);
    let (y, height) = side(shown.y, shown.y + shown.height, source.height);
    PixelRect { x, y, width, height }
}

/// As far as ffmpeg looks for where a block came from.
const MARGIN_PX: u32 = 32;
const LEAST_SIDE_PX: u32 = 64;
/// One thread of ffmpeg's filter: 34 s for 120 frames of 1920x1080 on a server of 2 cores.
const MOTION_S_PER_PIXEL: f64 = 34.0 / (120.0 * 1920.0 * 1080.0);
/// Together with decoding and encoding it stays below two minutes, and far from a job's deadline.
const MAX_MOTION_S: f64 = 90.0;

#[cfg(test)]
mod tests {
    use reel_core::edit::{Edit, JobType};

    use super::*;
    use reel_media::frame_rate::FrameRate;

    /// The area of a second of slow motion under these keyframes, in a picture of 1920x1080.
    fn area(keyframes: &str) -> PixelRect {
        area_of(keyframes, "[]")
    }

    fn area_of(keyframes: &str, outputs: &str) -> PixelRect {
        let params = format!(r#"{{"crop_keyframes":[{keyframes}],"outputs":{outputs}}}"#);
        let edit = Edit::parse(JobType::Framing, &params).expect("an edit");
        let Edit::Framing(framing) = &edit else { panic!("not a framing") };
        let segment = TimelineSegment {
            start_s: 0.0,
            end_s: 1.0,
            speed: 0.5,
            output_frames: 60,
            step_s: 1.0 / 60.0,
            lead_s: 0.0,
            interpolate_fps: Some(60.0),
            source_rate: FrameRate::new(30, 1).expect("a rate"),
        };
        let source = FrameSize { width: 1920, height: 1080 };
        let outputs = OutputPlan::all(&edit, &[], FrameSize::REEL);
        visible_area(Some(&framing.clips[0].crop), &outputs, &segment, source)
    }

    #[test]
    fn all_that_a_moving_crop_shows_is_made_and_a_margin() {
        let still = area(r#"{"frame":0,"x":501,"y":0,"width":607,"height":1080}"#);
        assert_eq!(still, PixelRect { x: 468, y: 0, width: 672, height: 1080 });
        let moving = area(
            r#"{"frame":0,"x":100,"y":200,"width":300,"height":400},{"frame":30,"x":1600,"y":300,"width":320,"height":400}"#,
        );
        assert!(moving.x == 68 && moving.y == 168 && moving.height <= 564, "{moving:?}");
        assert!(moving.x + moving.width > 1880, "{moving:?}");
        let tiny = area(r#"{"frame":0,"x":1919,"y":1079,"width":1,"height":1}"#);
        assert_eq!(tiny, PixelRect { x: 0, y: 0, width: 1920, height: 1080 });
    }

    #[test]
    fn what_any_output_shows_is_made() {
        let crop = r#"{"frame":0,"x":700,"y":0,"width":608,"height":1080}"#;
        let square = area_of(crop, r#"[{"name":"feed","preset":"square_1080"}]"#);
        assert_eq!(square, PixelRect { x: 432, y: 0, width: 1144, height: 1080 });
    }
}
