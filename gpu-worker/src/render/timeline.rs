//! Which frames of a source become which frames of a clip: a pure plan, made before any picture
//! is decoded.
//!
//! Trim and segments are rounded to source frames first, and sound is cut at the same frames,
//! so picture and sound cannot drift apart.

use reel_core::edit::Annotate;
use reel_core::edit::Clip;

use super::RenderError;
use super::rate::Rate;
use super::source::Source;

/// One clip of a reel, or the only one, piece after piece.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Timeline {
    /// The reel's constant rate.
    pub rate: Rate,
    pub pieces: Vec<Piece>,
}

/// A run of source frames at one speed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Piece {
    /// First source frame.
    pub first: u32,
    /// How many source frames; `None` means up to the end of a source whose length is not told.
    pub source_frames: Option<u32>,
    pub speed: f64,
    /// How many frames of the reel; told when `source_frames` is.
    pub reel_frames: Option<u32>,
    pub sampling: Sampling,
}

/// How reel frames are taken from source frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sampling {
    /// Reel frame `k` shows source frame `first + floor(k * step)`.
    Pick {
        /// Source frames per reel frame.
        step: f64,
    },
    /// ffmpeg makes the frames in between: reel frame `k` shows the moment `first + k * step`.
    Interpolate {
        /// Source frames per reel frame, below 1.
        step: f64,
        /// Pictures per second of source.
        fps: f64,
    },
}

impl Timeline {
    /// The source as it is.
    pub(super) fn whole(source: &Source) -> Self {
        let piece = Piece {
            first: 0,
            source_frames: source.frames,
            speed: 1.0,
            reel_frames: source.frames,
            sampling: Sampling::Pick { step: 1.0 },
        };
        Self { rate: source.rate, pieces: vec![piece] }
    }

    /// Trim and segments of a framed clip, in a reel of this rate.
    pub(super) fn framing(clip: &Clip, rate: Rate, source: &Source) -> Result<Self, RenderError> {
        let trim = Span::of(clip.start_time, clip.end_time, source)?;
        let mut plan = Plan { rate, source, pieces: Vec::new(), seconds: 0.0 };
        if clip.segments.is_empty() {
            plan.push(trim, 1.0);
        }
        for segment in &clip.segments {
            let span = Span::of(Some(segment.start), Some(segment.end), source).ok();
            if let Some(span) = span.and_then(|span| span.within(trim)) {
                plan.push(span, segment.speed);
            }
        }
        plan.finish("No segment lies inside start_time and end_time and the video; check their times.")
    }

    /// The clips of a compilation, in their order.
    pub(super) fn annotate(annotate: &Annotate, source: &Source) -> Result<Self, RenderError> {
        let mut plan = Plan { rate: source.rate, source, pieces: Vec::new(), seconds: 0.0 };
        for clip in &annotate.clips {
            plan.push(Span::of(Some(clip.start_time), Some(clip.end_time), source)?, 1.0);
        }
        plan.finish("No clip of the compilation lies inside the video; check their times.")
    }

    /// Frames of the clip, when every piece is told.
    pub(super) fn frames(&self) -> Option<u64> {
        self.pieces.iter().map(|piece| piece.reel_frames.map(u64::from)).sum()
    }
}

/// Source frames from `first` to before `end`.
#[derive(Clone, Copy)]
struct Span {
    first: u32,
    end: Option<u32>,
}

impl Span {
    fn of(start_s: Option<f64>, end_s: Option<f64>, source: &Source) -> Result<Self, RenderError> {
        let fps = source.rate.fps();
        let first = start_s.map_or(0, |s| to_frame(s * fps));
        let end = end_s.map(|s| to_frame(s * fps).max(first + 1));
        if let Some(frames) = source.frames.filter(|frames| first >= *frames) {
            return Err(RenderError::input(format!(
                "The cut starts at {:.2} s, but the video ends at {:.2} s; choose an earlier start.",
                start_s.unwrap_or(0.0),
                source.rate.seconds(f64::from(frames))
            )));
        }
        let end = match (end, source.frames) {
            (Some(end), Some(frames)) => Some(end.min(frames)),
            (end, frames) => end.or(frames),
        };
        Ok(Self { first, end })
    }

    fn within(self, other: Self) -> Option<Self> {
        let first = self.first.max(other.first);
        let end = match (self.end, other.end) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        end.is_none_or(|end| end > first).then_some(Self { first, end })
    }
}

struct Plan<'s> {
    rate: Rate,
    source: &'s Source,
    pieces: Vec<Piece>,
    /// Length of the reel so far, unrounded: rounding each piece alone would add up.
    seconds: f64,
}

impl Plan<'_> {
    fn push(&mut self, span: Span, speed: f64) {
        /// Faster than the source by less than this is done by repeating frames.
        const TOLERANCE_FPS: f64 = 0.5;
        let source_fps = self.source.rate.fps();
        let fps = self.rate.fps() / speed;
        let step = source_fps / fps;
        let sampling = if fps > source_fps + TOLERANCE_FPS {
            Sampling::Interpolate { step, fps }
        } else if (step - 1.0).abs() < 1e-9 {
            Sampling::Pick { step: 1.0 }
        } else {
            Sampling::Pick { step }
        };
        let source_frames = span.end.map(|end| end - span.first);
        let reel_frames = source_frames.map(|frames| {
            let before = to_frame(self.seconds * self.rate.fps());
            self.seconds += self.source.rate.seconds(f64::from(frames)) / speed;
            to_frame(self.seconds * self.rate.fps()).saturating_sub(before).max(1)
        });
        self.pieces.push(Piece { first: span.first, source_frames, speed, reel_frames, sampling });
    }

    fn finish(self, when_empty: &str) -> Result<Timeline, RenderError> {
        if self.pieces.is_empty() {
            return Err(RenderError::input(when_empty));
        }
        Ok(Timeline { rate: self.rate, pieces: self.pieces })
    }
}

impl Sampling {
    /// The moment of the source that reel frame `k` of a piece shows, in source frames after
    /// the piece's first.
    pub(super) fn moment(self, k: u32) -> f64 {
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
    use reel_core::edit::Edit;
    use reel_core::edit::JobType;

    use super::*;

    fn source(frames: u32, fps: u32) -> Source {
        Source {
            width: 640,
            height: 360,
            rate: Rate::new(fps, 1).expect("a rate"),
            frames: Some(frames),
            video: 0,
            audio: None,
            variable: false,
            seekable: true,
            interlaced: false,
            hdr: false,
            untagged: true,
            delay_s: 0.0,
        }
    }

    fn framing(json: &str, source: &Source) -> Result<Timeline, RenderError> {
        let keys = r#""crop_keyframes":[{"frame":0,"x":0,"y":0,"width":9,"height":9}]"#;
        let json = if json.is_empty() { format!("{{{keys}}}") } else { format!("{{{keys},{json}}}") };
        match Edit::parse(JobType::Framing, &json) {
            Ok(Edit::Framing(framing)) => {
                let rate = framing.target_fps.and_then(Rate::from_decimal).unwrap_or(source.rate);
                Timeline::framing(&framing.clips[0], rate, source)
            }
            other => panic!("{other:?}"),
        }
    }

    fn pieces(json: &str, source: &Source) -> Vec<(u32, Option<u32>, Option<u32>)> {
        let timeline = framing(json, source).expect("a timeline");
        timeline.pieces.iter().map(|p| (p.first, p.source_frames, p.reel_frames)).collect()
    }

    #[test]
    fn a_trim_rounds_to_frames_and_excludes_its_end() {
        assert_eq!(
            pieces(r#""start_time":1.5,"end_time":3.0"#, &source(300, 30)),
            [(45, Some(45), Some(45))]
        );
        assert_eq!(
            pieces(r#""start_time":1.49,"end_time":99"#, &source(100, 25)),
            [(37, Some(63), Some(63))]
        );
        assert_eq!(pieces("", &source(100, 25)), [(0, Some(100), Some(100))]);
    }

    #[test]
    fn slow_motion_takes_twice_as_long_and_is_interpolated() {
        let json = r#""segments":[{"start":1.5,"end":4.0,"speed":1},{"start":4.0,"end":9.0,"speed":0.5}]"#;
        let timeline = framing(json, &source(300, 30)).expect("a timeline");
        assert_eq!(timeline.frames(), Some(75 + 300));
        assert_eq!(timeline.pieces[0].sampling, Sampling::Pick { step: 1.0 });
        assert_eq!(timeline.pieces[1].sampling, Sampling::Interpolate { step: 0.5, fps: 60.0 });
    }

    #[test]
    fn segments_are_cut_by_the_trim_and_gaps_are_left_out() {
        let json = r#""start_time":2,"end_time":8,"segments":[{"start":0,"end":1},{"start":1,"end":3,"speed":2},
            {"start":7,"end":12,"speed":1}]"#;
        assert_eq!(pieces(json, &source(300, 30)), [(60, Some(30), Some(15)), (210, Some(30), Some(30))]);
    }

    #[test]
    fn a_lower_rate_drops_frames_and_a_nearly_equal_one_repeats_some() {
        let timeline = |json, fps| framing(json, &source(300, fps)).expect("a timeline");
        let halved = timeline(r#""target_fps":30"#, 60);
        assert_eq!(halved.frames(), Some(150));
        assert_eq!((0..3).map(|k| halved.pieces[0].sampling.moment(k)).collect::<Vec<_>>(), [0.0, 2.0, 4.0]);
        let raised = timeline(r#""target_fps":50"#, 25);
        assert!(matches!(raised.pieces[0].sampling, Sampling::Interpolate { .. }));
        let near = timeline(r#""target_fps":30"#, 30);
        assert_eq!(near.pieces[0].sampling, Sampling::Pick { step: 1.0 });
    }

    #[test]
    fn pieces_together_are_as_long_as_their_sum() {
        // Three segments of 10 frames at 1.5: 6.67 each, 20 together.
        let json = r#""segments":[{"start":0,"end":0.4,"speed":1.5},{"start":0.4,"end":0.8,"speed":1.5},
            {"start":0.8,"end":1.2,"speed":1.5}]"#;
        let timeline = framing(json, &source(100, 25)).expect("a timeline");
        assert_eq!(timeline.frames(), Some(20));
    }

    #[test]
    fn a_cut_behind_the_end_is_refused_with_both_times() {
        let error = framing(r#""start_time":1234.5"#, &source(100, 25)).expect_err("refused");
        assert!(error.sentence.contains("1234.50 s") && error.sentence.contains("4.00 s"), "{error}");
        let outside = r#""end_time":1,"segments":[{"start":2,"end":3}]"#;
        assert!(framing(outside, &source(100, 25)).is_err());
    }
}
