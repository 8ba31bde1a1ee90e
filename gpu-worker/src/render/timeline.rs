//! Which part of a source is shown when in a clip, planned before any frame is decoded.
//!
//! Invariant: picture and sound are cut at the same times of the film, and each segment lasts a whole number of
//! output frames, so video and sound cannot drift apart.

use reel_core::edit::{Annotate, Clip};

use super::RenderError;
use crate::ffmpeg::probe::MediaInfo;
use reel_media::clock::snapped;
use reel_media::frame_rate::FrameRate;

/// One clip, segment after segment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Timeline {
    /// The constant rate of the output.
    pub rate: FrameRate,
    pub segments: Vec<TimelineSegment>,
}

/// A part of the source at one speed. Times are seconds of the film, from its zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TimelineSegment {
    pub start_s: f64,
    pub end_s: f64,
    pub speed: f64,
    /// Frames of the output; at least one.
    pub output_frames: u32,
    /// From one output frame to the next.
    pub step_s: f64,
    /// How much earlier than its stamp a picture may be shown.
    pub lead_s: f64,
    /// Where the source has too few frames, ffmpeg makes this many a second of source.
    pub interpolate_fps: Option<f64>,
    /// The rate in which params count frames of the source.
    pub source_rate: FrameRate,
}

/// The frame rate of a reel, and whose wish it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum ReelRate {
    /// `target_fps`: a slower film gets frames in between.
    Requested(FrameRate),
    /// That of the reel's first film: a slower film repeats its own frames, as in a player.
    OfFirstFilm(FrameRate),
}

impl ReelRate {
    fn rate(self) -> FrameRate {
        match self {
            Self::Requested(rate) | Self::OfFirstFilm(rate) => rate,
        }
    }
}

impl Timeline {
    /// The source as it is.
    pub(super) fn whole(media: &MediaInfo) -> Self {
        let mut builder = TimelineBuilder::new(ReelRate::OfFirstFilm(media.clock.rate.for_output()), media);
        builder.push(TimeRange { start_s: 0.0, end_s: media.clock.even_length_s() }, 1.0);
        Self { rate: builder.rate.rate(), segments: builder.segments }
    }

    /// Trim and segments of a framing clip, in an output of this rate.
    pub(super) fn framing(clip: &Clip, rate: ReelRate, media: &MediaInfo) -> Result<Self, RenderError> {
        let trim = TimeRange::new(clip.start_time, clip.end_time, media)?;
        let mut builder = TimelineBuilder::new(rate, media);
        if clip.segments.is_empty() {
            builder.push(trim, 1.0);
        }
        for segment in &clip.segments {
            let range = TimeRange::new(Some(segment.start), Some(segment.end), media).ok();
            if let Some(range) = range.and_then(|range| range.intersect(trim)) {
                builder.push(range, segment.speed);
            }
        }
        builder.finish("No segment lies within the trimmed part of the video. Check the segment times.")
    }

    /// The clips of an annotated compilation, in their order.
    pub(super) fn annotate(annotate: &Annotate, media: &MediaInfo) -> Result<Self, RenderError> {
        let mut builder = TimelineBuilder::new(ReelRate::OfFirstFilm(media.clock.rate.for_output()), media);
        for clip in &annotate.clips {
            builder.push(TimeRange::new(Some(clip.start_time), Some(clip.end_time), media)?, 1.0);
        }
        builder.finish("No clip lies within the video. Check the clip times.")
    }

    /// Output frames of the clip.
    pub(super) fn frames(&self) -> u64 {
        self.segments.iter().map(|segment| u64::from(segment.output_frames)).sum()
    }

    /// The part of the film in which all segments lie.
    pub(super) fn used_s(&self) -> (f64, f64) {
        let start_s = self.segments.iter().map(|segment| segment.start_s).fold(f64::INFINITY, f64::min);
        let end_s = self.segments.iter().map(|segment| segment.end_s).fold(0.0, f64::max);
        (start_s.min(end_s), end_s)
    }
}

/// A part of the film.
#[derive(Clone, Copy)]
struct TimeRange {
    start_s: f64,
    end_s: f64,
}

impl TimeRange {
    fn new(start_s: Option<f64>, end_s: Option<f64>, media: &MediaInfo) -> Result<Self, RenderError> {
        let length_s = media.clock.even_length_s();
        let start_s = start_s.unwrap_or(0.0);
        if start_s >= length_s {
            return Err(RenderError::input(format!(
                "The clip starts at {start_s:.2} s, but the video is only {length_s:.2} s long. Choose an earlier start."
            )));
        }
        Ok(Self { start_s, end_s: end_s.map_or(length_s, |end_s| end_s.min(length_s)) })
    }

    fn intersect(self, other: Self) -> Option<Self> {
        let (start_s, end_s) = (self.start_s.max(other.start_s), self.end_s.min(other.end_s));
        (end_s > start_s).then_some(Self { start_s, end_s })
    }
}

struct TimelineBuilder<'s> {
    rate: ReelRate,
    media: &'s MediaInfo,
    segments: Vec<TimelineSegment>,
    /// Length of the output so far, unrounded: rounding errors of single segments would add up.
    length_s: f64,
}

impl<'s> TimelineBuilder<'s> {
    fn new(rate: ReelRate, media: &'s MediaInfo) -> Self {
        Self { rate, media, segments: Vec::new(), length_s: 0.0 }
    }

    fn push(&mut self, TimeRange { start_s, end_s }: TimeRange, speed: f64) {
        /// A rate that is higher by less than this is reached by repeating frames.
        const TOLERANCE_FPS: f64 = 0.5;
        /// Frames that are further apart show no motion, but other scenes: a time lapse.
        const LEAST_MOVING_FPS: f64 = 10.0;
        let (clock, rate) = (&self.media.clock, self.rate.rate());
        let (source_fps, fps) = (clock.rate.fps(), rate.fps() / speed);
        let step_s = rate.time_s(1.0) * speed;
        let may_interpolate = match self.rate {
            ReelRate::Requested(_) => true,
            ReelRate::OfFirstFilm(_) => speed < 1.0,
        };
        let is_interpolated =
            may_interpolate && fps > source_fps + TOLERANCE_FPS && source_fps >= LEAST_MOVING_FPS;
        // An interpolated frame is made for its time.
        let lead_s = if is_interpolated { step_s / 2.0 } else { clock.lead_s(start_s, end_s, step_s) };
        let before = to_frame(self.length_s * rate.fps());
        self.length_s += (end_s - start_s) / speed;
        let output_frames = to_frame(self.length_s * rate.fps()).saturating_sub(before).max(1);
        self.segments.push(TimelineSegment {
            start_s,
            end_s,
            speed,
            output_frames,
            step_s,
            lead_s,
            interpolate_fps: is_interpolated.then_some(fps),
            source_rate: clock.rate,
        });
    }

    fn finish(self, when_empty: &str) -> Result<Timeline, RenderError> {
        if self.segments.is_empty() {
            return Err(RenderError::input(when_empty));
        }
        Ok(Timeline { rate: self.rate.rate(), segments: self.segments })
    }
}

impl TimelineSegment {
    /// The time of the film that output frame `k` shows.
    pub(super) fn time_s(&self, k: u32) -> f64 {
        self.start_s + f64::from(k) * self.step_s
    }

    /// The latest picture that output frame `k` may show, by its time.
    pub(super) fn limit_s(&self, k: u32) -> f64 {
        self.time_s(k) + self.lead_s
    }

    /// The position of output frame `k` in frames of the source's nominal rate.
    pub(super) fn position(&self, k: u32) -> f64 {
        snapped(self.time_s(k) * self.source_rate.fps())
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
    use reel_media::clock::SourceClock;

    fn media(frames: u32, fps: u32) -> MediaInfo {
        MediaInfo {
            width: 640,
            height: 360,
            clock: SourceClock::counted(frames.into(), FrameRate::whole(fps)).expect("a clock"),
            video_stream: 0,
            sound_tracks: Vec::new(),
            seek_margin_s: Some(1.0),
            interlaced: false,
            color: SourceColor::BT709,
            color_table: None,
            repaired: None,
        }
    }

    fn framing(json: &str, media: &MediaInfo) -> Result<Timeline, RenderError> {
        let keys = r#""crop_keyframes":[{"frame":0,"x":0,"y":0,"width":9,"height":9}]"#;
        let json = if json.is_empty() { format!("{{{keys}}}") } else { format!("{{{keys},{json}}}") };
        match Edit::parse(JobType::Framing, &json) {
            Ok(Edit::Framing(framing)) => {
                let requested = framing.target_fps.and_then(FrameRate::from_decimal).map(ReelRate::Requested);
                let own = ReelRate::OfFirstFilm(media.clock.rate.for_output());
                Timeline::framing(&framing.clips[0], requested.unwrap_or(own), media)
            }
            other => panic!("{other:?}"),
        }
    }

    /// The first frame of the source and the frames of the output of each segment.
    fn segments(json: &str, media: &MediaInfo) -> Vec<(f64, u32)> {
        let timeline = framing(json, media).expect("a timeline");
        timeline.segments.iter().map(|p| (p.position(0), p.output_frames)).collect()
    }

    /// The frames of a source without a lost one that a segment shows.
    fn shown(segment: &TimelineSegment) -> Vec<u32> {
        let frame = |k| to_frame((segment.limit_s(k) * segment.source_rate.fps()).floor());
        (0..segment.output_frames).map(frame).collect()
    }

    #[test]
    fn a_trim_is_as_long_as_it_says_and_excludes_its_end() {
        let timeline = framing(r#""start_time":1.5,"end_time":3.0"#, &media(300, 30)).expect("a timeline");
        assert_eq!(shown(&timeline.segments[0]), (45..90).collect::<Vec<_>>());
        assert_eq!(segments(r#""start_time":1.5,"end_time":3.0"#, &media(300, 30)), [(45.0, 45)]);
        // The frame whose time is nearest comes first.
        let timeline = framing(r#""start_time":1.49,"end_time":99"#, &media(100, 25)).expect("a timeline");
        assert_eq!(shown(&timeline.segments[0]), (37..100).collect::<Vec<_>>());
        assert_eq!(segments("", &media(100, 25)), [(0.0, 100)]);
    }

    #[test]
    fn slow_motion_takes_twice_as_long_and_is_interpolated() {
        let json = r#""segments":[{"start":1.5,"end":4.0,"speed":1},{"start":4.0,"end":9.0,"speed":0.5}]"#;
        let timeline = framing(json, &media(300, 30)).expect("a timeline");
        assert_eq!(timeline.frames(), 75 + 300);
        assert_eq!(timeline.segments[0].interpolate_fps, None);
        assert_eq!(timeline.segments[1].interpolate_fps, Some(60.0));
        assert!((timeline.segments[1].position(1) - 120.5).abs() < 1e-9);
        assert_eq!(timeline.used_s(), (1.5, 9.0));
    }

    #[test]
    fn slow_motion_of_a_fast_source_shows_its_own_frames() {
        let json = r#""segments":[{"start":1,"end":2,"speed":0.25}]"#;
        let timeline = framing(json, &media(480, 240)).expect("a timeline");
        assert_eq!((timeline.rate.to_string().as_str(), timeline.frames()), ("60/1", 240));
        assert_eq!(timeline.segments[0].interpolate_fps, None);
        assert_eq!(shown(&timeline.segments[0]), (240..480).collect::<Vec<_>>());
        let timeline = framing(json, &media(240, 120)).expect("a timeline");
        assert_eq!(timeline.segments[0].interpolate_fps, Some(240.0), "too few frames");
    }

    #[test]
    fn a_film_in_a_faster_reel_repeats_its_own_frames() {
        let edit = r#"{"crop_keyframes":[{"frame":0,"x":0,"y":0,"width":9,"height":9}],
            "segments":[{"start":0,"end":1},{"start":1,"end":2,"speed":0.5}]}"#;
        let Ok(Edit::Framing(framing)) = Edit::parse(JobType::Framing, edit) else { panic!("not a framing") };
        let rate = ReelRate::OfFirstFilm(FrameRate::whole(60));
        let timeline = Timeline::framing(&framing.clips[0], rate, &media(90, 30)).expect("a timeline");
        assert_eq!(timeline.segments[0].interpolate_fps, None);
        assert_eq!(shown(&timeline.segments[0])[..5], [0, 0, 1, 1, 2]);
        assert_eq!(timeline.segments[1].interpolate_fps, Some(120.0), "slow motion");
    }

    #[test]
    fn segments_are_cut_by_the_trim_and_gaps_are_skipped() {
        let json = r#""start_time":2,"end_time":8,"segments":[{"start":0,"end":1},{"start":1,"end":3,"speed":2},
            {"start":7,"end":12,"speed":1}]"#;
        assert_eq!(segments(json, &media(300, 30)), [(60.0, 15), (210.0, 30)]);
    }

    #[test]
    fn a_lower_rate_drops_frames_and_a_nearly_equal_one_repeats_some() {
        let timeline = |json, fps| framing(json, &media(300, fps)).expect("a timeline");
        let halved = timeline(r#""target_fps":30"#, 60);
        assert_eq!(halved.frames(), 150);
        assert_eq!(shown(&halved.segments[0])[..3], [0, 2, 4]);
        let raised = timeline(r#""target_fps":50"#, 25);
        assert_eq!(raised.segments[0].interpolate_fps, Some(50.0));
        let near = timeline(r#""target_fps":30"#, 30);
        assert_eq!(near.segments[0].interpolate_fps, None);
    }

    #[test]
    fn a_time_lapse_repeats_its_frames_at_a_rate_that_can_be_cut() {
        let timeline = framing(r#""start_time":0.5,"end_time":2"#, &media(3, 1)).expect("a timeline");
        assert_eq!((timeline.rate.to_string().as_str(), timeline.frames()), ("30/1", 45));
        assert_eq!(timeline.segments[0].interpolate_fps, None);
        let shown = shown(&timeline.segments[0]);
        assert_eq!((shown[14], shown[15], shown[44]), (0, 1, 1));
    }

    #[test]
    fn rounding_errors_of_segments_do_not_add_up() {
        // Three segments of 10 frames at 1.5: 6.67 each, 20 together.
        let json = r#""segments":[{"start":0,"end":0.4,"speed":1.5},{"start":0.4,"end":0.8,"speed":1.5},
            {"start":0.8,"end":1.2,"speed":1.5}]"#;
        let timeline = framing(json, &media(100, 25)).expect("a timeline");
        assert_eq!(timeline.frames(), 20);
    }

    #[test]
    fn a_start_after_the_end_is_refused_with_both_times() {
        let error = framing(r#""start_time":1234.5"#, &media(100, 25)).expect_err("refused");
        assert!(error.message.contains("1234.50 s") && error.message.contains("4.00 s"), "{error}");
        let outside = r#""end_time":1,"segments":[{"start":2,"end":3}]"#;
        assert!(framing(outside, &media(100, 25)).is_err());
    }
}
