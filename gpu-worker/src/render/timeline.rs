//! Which frames of a source become which frames of a clip, planned before any frame is decoded.
//!
//! Invariant: trim and segments are rounded to source frames first, and sound is cut at the same frames,
//! so video and sound cannot drift apart.

use reel_core::edit::{Annotate, Clip};

use super::RenderError;
use crate::ffmpeg::probe::MediaInfo;
use crate::media::frame_rate::FrameRate;

/// One clip, segment after segment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Timeline {
    /// The constant rate of the output.
    pub rate: FrameRate,
    pub segments: Vec<TimelineSegment>,
}

/// A run of source frames at one speed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TimelineSegment {
    /// First source frame.
    pub first_frame: u32,
    /// How many source frames; `None` means up to the end of a source of unknown length.
    pub source_frames: Option<u32>,
    pub speed: f64,
    /// How many output frames; known when `source_frames` is.
    pub output_frames: Option<u32>,
    pub sampling: Sampling,
}

/// How output frames are made from source frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sampling {
    /// Output frame `k` shows source frame `first + floor(k * step)`.
    Pick {
        /// Source frames per output frame.
        step: f64,
    },
    /// ffmpeg makes the frames in between: output frame `k` shows position `first + k * step`.
    Interpolate {
        /// Source frames per output frame, below 1.
        step: f64,
        /// Frames per second of source.
        fps: f64,
    },
}

impl Timeline {
    /// The source as it is.
    pub(super) fn whole(media: &MediaInfo) -> Self {
        let segment = TimelineSegment {
            first_frame: 0,
            source_frames: media.frames,
            speed: 1.0,
            output_frames: media.frames,
            sampling: Sampling::Pick { step: 1.0 },
        };
        Self { rate: media.rate, segments: vec![segment] }
    }

    /// Trim and segments of a framing clip, in an output of this rate.
    pub(super) fn framing(clip: &Clip, rate: FrameRate, media: &MediaInfo) -> Result<Self, RenderError> {
        let trim = FrameRange::new(clip.start_time, clip.end_time, media)?;
        let mut builder = TimelineBuilder { rate, media, segments: Vec::new(), length_s: 0.0 };
        if clip.segments.is_empty() {
            builder.push(trim, 1.0);
        }
        for segment in &clip.segments {
            let range = FrameRange::new(Some(segment.start), Some(segment.end), media).ok();
            if let Some(range) = range.and_then(|range| range.intersect(trim)) {
                builder.push(range, segment.speed);
            }
        }
        builder.finish("No segment lies within the trimmed part of the video. Check the segment times.")
    }

    /// The clips of an annotated compilation, in their order.
    pub(super) fn annotate(annotate: &Annotate, media: &MediaInfo) -> Result<Self, RenderError> {
        let mut builder = TimelineBuilder { rate: media.rate, media, segments: Vec::new(), length_s: 0.0 };
        for clip in &annotate.clips {
            builder.push(FrameRange::new(Some(clip.start_time), Some(clip.end_time), media)?, 1.0);
        }
        builder.finish("No clip lies within the video. Check the clip times.")
    }

    /// Output frames of the clip, when every segment's length is known.
    pub(super) fn frames(&self) -> Option<u64> {
        self.segments.iter().map(|segment| segment.output_frames.map(u64::from)).sum()
    }
}

/// Source frames from `first` to before `end`.
#[derive(Clone, Copy)]
struct FrameRange {
    first: u32,
    end: Option<u32>,
}

impl FrameRange {
    fn new(start_s: Option<f64>, end_s: Option<f64>, media: &MediaInfo) -> Result<Self, RenderError> {
        let fps = media.rate.fps();
        let first = start_s.map_or(0, |s| to_frame(s * fps));
        let end = end_s.map(|s| to_frame(s * fps).max(first + 1));
        if let Some(frames) = media.frames.filter(|frames| first >= *frames) {
            return Err(RenderError::input(format!(
                "The clip starts at {:.2} s, but the video is only {:.2} s long. Choose an earlier start.",
                start_s.unwrap_or(0.0),
                media.rate.duration_s(frames.into())
            )));
        }
        let end = match (end, media.frames) {
            (Some(end), Some(frames)) => Some(end.min(frames)),
            (end, frames) => end.or(frames),
        };
        Ok(Self { first, end })
    }

    fn intersect(self, other: Self) -> Option<Self> {
        let first = self.first.max(other.first);
        let end = match (self.end, other.end) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        end.is_none_or(|end| end > first).then_some(Self { first, end })
    }
}

struct TimelineBuilder<'s> {
    rate: FrameRate,
    media: &'s MediaInfo,
    segments: Vec<TimelineSegment>,
    /// Length of the output so far, unrounded: rounding errors of single segments would add up.
    length_s: f64,
}

impl TimelineBuilder<'_> {
    fn push(&mut self, range: FrameRange, speed: f64) {
        /// A rate that is higher by less than this is reached by repeating frames.
        const TOLERANCE_FPS: f64 = 0.5;
        let source_fps = self.media.rate.fps();
        let fps = self.rate.fps() / speed;
        let step = source_fps / fps;
        let sampling = if fps > source_fps + TOLERANCE_FPS {
            Sampling::Interpolate { step, fps }
        } else if (step - 1.0).abs() < 1e-9 {
            Sampling::Pick { step: 1.0 }
        } else {
            Sampling::Pick { step }
        };
        let source_frames = range.end.map(|end| end - range.first);
        let output_frames = source_frames.map(|frames| {
            let before = to_frame(self.length_s * self.rate.fps());
            self.length_s += self.media.rate.duration_s(frames.into()) / speed;
            to_frame(self.length_s * self.rate.fps()).saturating_sub(before).max(1)
        });
        self.segments.push(TimelineSegment {
            first_frame: range.first,
            source_frames,
            speed,
            output_frames,
            sampling,
        });
    }

    fn finish(self, when_empty: &str) -> Result<Timeline, RenderError> {
        if self.segments.is_empty() {
            return Err(RenderError::input(when_empty));
        }
        Ok(Timeline { rate: self.rate, segments: self.segments })
    }
}

impl TimelineSegment {
    /// How many frames the decoder delivers for it; `None` when that is not known.
    pub(super) fn decoded_frames(&self) -> Option<u32> {
        match self.sampling {
            Sampling::Pick { .. } => self.source_frames,
            Sampling::Interpolate { .. } => self.output_frames,
        }
    }
}

impl Sampling {
    /// The rate of motion interpolation, when there is one.
    pub(super) fn interpolate_fps(self) -> Option<f64> {
        match self {
            Self::Pick { .. } => None,
            Self::Interpolate { fps, .. } => Some(fps),
        }
    }

    /// The source position that output frame `k` of a segment shows, in source frames after the
    /// segment's first.
    pub(super) fn source_position(self, k: u32) -> f64 {
        match self {
            // The tiny addend keeps 3 * (1/3) from falling below 1.
            Self::Pick { step } => (f64::from(k) * step + 1e-6).floor(),
            Self::Interpolate { step, .. } => f64::from(k) * step,
        }
    }
}

fn to_frame(frames: f64) -> u32 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded; `as` saturates")]
    {
        frames.round() as u32
    }
}

#[cfg(test)]
mod tests {
    use reel_core::edit::{Edit, JobType};

    use super::*;
    use crate::ffmpeg::color::SourceColor;

    fn media(frames: u32, fps: u32) -> MediaInfo {
        MediaInfo {
            width: 640,
            height: 360,
            rate: FrameRate::new(fps, 1).expect("a rate"),
            frames: Some(frames),
            video_stream: 0,
            audio: None,
            variable_rate: false,
            seekable: true,
            interlaced: false,
            color: SourceColor::BT709,
            color_table: None,
            video_delay_s: 0.0,
        }
    }

    fn framing(json: &str, media: &MediaInfo) -> Result<Timeline, RenderError> {
        let keys = r#""crop_keyframes":[{"frame":0,"x":0,"y":0,"width":9,"height":9}]"#;
        let json = if json.is_empty() { format!("{{{keys}}}") } else { format!("{{{keys},{json}}}") };
        match Edit::parse(JobType::Framing, &json) {
            Ok(Edit::Framing(framing)) => {
                let rate = framing.target_fps.and_then(FrameRate::from_decimal).unwrap_or(media.rate);
                Timeline::framing(&framing.clips[0], rate, media)
            }
            other => panic!("{other:?}"),
        }
    }

    fn segments(json: &str, media: &MediaInfo) -> Vec<(u32, Option<u32>, Option<u32>)> {
        let timeline = framing(json, media).expect("a timeline");
        timeline.segments.iter().map(|p| (p.first_frame, p.source_frames, p.output_frames)).collect()
    }

    #[test]
    fn a_trim_rounds_to_frames_and_excludes_its_end() {
        assert_eq!(
            segments(r#""start_time":1.5,"end_time":3.0"#, &media(300, 30)),
            [(45, Some(45), Some(45))]
        );
        assert_eq!(
            segments(r#""start_time":1.49,"end_time":99"#, &media(100, 25)),
            [(37, Some(63), Some(63))]
        );
        assert_eq!(segments("", &media(100, 25)), [(0, Some(100), Some(100))]);
    }

    #[test]
    fn slow_motion_takes_twice_as_long_and_is_interpolated() {
        let json = r#""segments":[{"start":1.5,"end":4.0,"speed":1},{"start":4.0,"end":9.0,"speed":0.5}]"#;
        let timeline = framing(json, &media(300, 30)).expect("a timeline");
        assert_eq!(timeline.frames(), Some(75 + 300));
        assert_eq!(timeline.segments[0].sampling, Sampling::Pick { step: 1.0 });
        assert_eq!(timeline.segments[1].sampling, Sampling::Interpolate { step: 0.5, fps: 60.0 });
    }

    #[test]
    fn segments_are_cut_by_the_trim_and_gaps_are_skipped() {
        let json = r#""start_time":2,"end_time":8,"segments":[{"start":0,"end":1},{"start":1,"end":3,"speed":2},
            {"start":7,"end":12,"speed":1}]"#;
        assert_eq!(segments(json, &media(300, 30)), [(60, Some(30), Some(15)), (210, Some(30), Some(30))]);
    }

    #[test]
    fn a_lower_rate_drops_frames_and_a_nearly_equal_one_repeats_some() {
        let timeline = |json, fps| framing(json, &media(300, fps)).expect("a timeline");
        let halved = timeline(r#""target_fps":30"#, 60);
        assert_eq!(halved.frames(), Some(150));
        assert_eq!(
            (0..3).map(|k| halved.segments[0].sampling.source_position(k)).collect::<Vec<_>>(),
            [0.0, 2.0, 4.0]
        );
        let raised = timeline(r#""target_fps":50"#, 25);
        assert!(matches!(raised.segments[0].sampling, Sampling::Interpolate { .. }));
        let near = timeline(r#""target_fps":30"#, 30);
        assert_eq!(near.segments[0].sampling, Sampling::Pick { step: 1.0 });
    }

    #[test]
    fn rounding_errors_of_segments_do_not_add_up() {
        // Three segments of 10 frames at 1.5: 6.67 each, 20 together.
        let json = r#""segments":[{"start":0,"end":0.4,"speed":1.5},{"start":0.4,"end":0.8,"speed":1.5},
            {"start":0.8,"end":1.2,"speed":1.5}]"#;
        let timeline = framing(json, &media(100, 25)).expect("a timeline");
        assert_eq!(timeline.frames(), Some(20));
    }

    #[test]
    fn a_start_after_the_end_is_refused_with_both_times() {
        let error = framing(r#""start_time":1234.5"#, &media(100, 25)).expect_err("refused");
        assert!(error.message.contains("1234.50 s") && error.message.contains("4.00 s"), "{error}");
        let outside = r#""end_time":1,"segments":[{"start":2,"end":3}]"#;
        assert!(framing(outside, &media(100, 25)).is_err());
    }
}
