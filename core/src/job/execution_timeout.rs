//! How long an attempt may take, from what its job has to do.
//!
//! Invariant: between [`EXECUTION_TIMEOUT_MIN`] and [`EXECUTION_TIMEOUT_MAX`], and never shorter for more bytes,
//! more seconds or a larger output.
//!
//! Nothing has opened the videos when a job is created, so the formula takes what may be true at worst: that
//! what is named is 4K at 60 frames a second, and that a video has no fewer than 2 Mbit a second and no more than
//! 30 pixels a bit. The costs are twice those of a renderer on two cores without a GPU.
//!
//! ```text
//! timeout   = start + bytes / transfer rate + sum of its clips
//! clip      = source pixels * cost of the effect * slowness + output pixels * cost of encoding
//! ```

use crate::base::time::DurationMs;
use crate::edit::{Clip, Edit, FrameSize, HighlightEffect, OutputSize};

/// The shortest timeout. Jobs from before there were others have it.
pub const EXECUTION_TIMEOUT_MIN: DurationMs = DurationMs::minutes(10);
/// The longest timeout: a job never holds a renderer longer.
pub const EXECUTION_TIMEOUT_MAX: DurationMs = DurationMs::minutes(60);

/// What a job has to do, as far as its params say.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    clips: Vec<ClipWork>,
    /// At most, in all outputs together.
    output_pixels_per_s: f64,
}

/// A part of a video, with its effect.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ClipWork {
    /// Seconds of source; `None` when the params do not name the end.
    named_s: Option<f64>,
    /// Seconds of work for each second at its own speed.
    slowness: f64,
    /// Seconds of output for each second of source.
    stretch: f64,
    ns_per_source_pixel: f64,
}

impl Workload {
    /// What this edit asks for.
    pub fn of(edit: &Edit) -> Self {
        let further: f64 = edit.renditions().iter().map(|one| pixels_per_s(one.named_size(), None)).sum();
        match edit {
            Edit::Overlay(overlay) => {
                let ns = match overlay.effect {
                    HighlightEffect::Blur => 28.0,
                    HighlightEffect::Spotlight => 16.0,
                    HighlightEffect::Original
                    | HighlightEffect::BrightnessBoost
                    | HighlightEffect::DarkOverlay => PLAIN_NS_PER_PIXEL,
                };
                let clip = ClipWork { ns_per_source_pixel: ns, ..ClipWork::plain(None) };
                let main = pixels_per_s(overlay.output, None);
                Self { clips: vec![clip], output_pixels_per_s: main + further }
            }
            Edit::Framing(framing) => Self {
                clips: framing.clips.iter().map(ClipWork::of).collect(),
                output_pixels_per_s: pixels_per_s(framing.output, framing.target_fps) + further,
            },
            Edit::Annotate(annotate) => {
                let named = annotate.clips.iter().map(|clip| Some(clip.end_time - clip.start_time));
                Self {
                    clips: named.map(ClipWork::plain).collect(),
                    output_pixels_per_s: pixels_per_s(OutputSize::default(), None),
                }
            }
        }
    }

    /// How long a render is expected to take on a renderer of two cores, in seconds: of a video of 1080 lines at 30
    /// frames a second, and of the largest that may come. Clips without a named end count for nothing.
    pub fn render_s(&self) -> (f64, f64) {
        let seconds = |pixels_per_s: f64| {
            let of_clip = |clip: &ClipWork| {
                let shown_s = clip.named_s.unwrap_or(0.0);
                let source = shown_s * pixels_per_s * clip.ns_per_source_pixel * clip.slowness;
                let frames = shown_s
                    * clip.stretch
                    * self.output_pixels_per_s
                    * (pixels_per_s / MAX_PIXELS_PER_S).min(1.0);
                (source + frames * ENCODE_NS_PER_PIXEL) / 1e9
            };
            self.clips.iter().map(of_clip).sum::<f64>()
        };
        // The costs below are twice those that were measured.
        (START_MEASURED_S + seconds(USUAL_PIXELS_PER_S) / 2.0, START_S + seconds(MAX_PIXELS_PER_S) / 2.0)
    }

    /// How long an attempt may take whose videos have so many bytes together.
    pub fn execution_timeout(&self, input_bytes: u64) -> DurationMs {
        #[allow(clippy::cast_precision_loss, reason = "far fewer than 2^53 bytes")]
        let bytes = input_bytes as f64;
        let clips = self.clips.iter().map(|clip| clip.seconds(bytes, self.output_pixels_per_s));
        let seconds = START_S + bytes / TRANSFER_BYTES_PER_S + clips.sum::<f64>();
        let (least, most) = (EXECUTION_TIMEOUT_MIN.0 / 1000, EXECUTION_TIMEOUT_MAX.0 / 1000);
        #[allow(clippy::cast_possible_truncation, reason = "`as` saturates")]
        let whole = seconds.ceil() as i64;
        DurationMs::seconds(whole.clamp(least, most))
    }
}

impl ClipWork {
    fn plain(named_s: Option<f64>) -> Self {
        Self { named_s, slowness: 1.0, stretch: 1.0, ns_per_source_pixel: PLAIN_NS_PER_PIXEL }
    }

    fn of(clip: &Clip) -> Self {
        let (start, end) = clip.shown_s();
        let plain = Self::plain(end.is_finite().then(|| (end - start).max(0.0)));
        // The slowest segment stands for all: what is slowed is made of new pictures.
        let slowest = clip.segments.iter().map(|segment| segment.speed).fold(1.0, f64::min);
        let slowness = if slowest < 1.0 { INTERPOLATION / slowest } else { 1.0 };
        Self { slowness, stretch: 1.0 / slowest, ..plain }
    }

    fn seconds(self, bytes: f64, output_pixels_per_s: f64) -> f64 {
        let shown_s = self.named_s.unwrap_or(f64::INFINITY).min(bytes / MIN_BYTES_PER_S);
        let source_pixels = (shown_s * MAX_PIXELS_PER_S).min(bytes * MAX_PIXELS_PER_BYTE);
        let output_pixels = shown_s * self.stretch * output_pixels_per_s;
        let ns =
            source_pixels * self.ns_per_source_pixel * self.slowness + output_pixels * ENCODE_NS_PER_PIXEL;
        ns / 1e9
    }
}

/// What is taken for a size that nothing names.
const FULL_HD: FrameSize = FrameSize { width: 1920, height: 1080 };

/// A side that is not named is taken for that of Full HD.
fn pixels_per_s(size: OutputSize, fps: Option<f64>) -> f64 {
    let FrameSize { width, height } = match size.preset {
        Some(_) => size.resolve(FULL_HD).unwrap_or(FULL_HD),
        None => FrameSize {
            width: size.width.unwrap_or(FULL_HD.width),
            height: size.height.unwrap_or(FULL_HD.height),
        },
    };
    f64::from(width) * f64::from(height) * fps.unwrap_or(60.0)
}

/// Claim, probe, poster and report of a small film.
const START_MEASURED_S: f64 = 3.0;
/// 1080 lines at 30 frames a second.
const USUAL_PIXELS_PER_S: f64 = 1920.0 * 1080.0 * 30.0;
/// Claim, poster, the report, and a slow disk.
const START_S: f64 = 120.0;
/// Download of the videos.
const TRANSFER_BYTES_PER_S: f64 = 8e6;
/// 2 Mbit a second.
const MIN_BYTES_PER_S: f64 = 250_000.0;
/// 3840x2160 at 60 frames a second.
const MAX_PIXELS_PER_S: f64 = 3840.0 * 2160.0 * 60.0;
/// 30 pixels a bit.
const MAX_PIXELS_PER_BYTE: f64 = 240.0;
const PLAIN_NS_PER_PIXEL: f64 = 12.0;
const ENCODE_NS_PER_PIXEL: f64 = 10.0;
/// A picture that is made from its neighbours costs so many that are decoded.
const INTERPOLATION: f64 = 4.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::edit::JobType;

    fn minutes(job_type: JobType, params: &Value, bytes: u64) -> i64 {
        let edit = Edit::parse(job_type, &params.to_string()).expect("an edit");
        Workload::of(&edit).execution_timeout(bytes).0 / 60_000
    }

    fn framing(more: &Value) -> Value {
        let mut params =
            json!({"crop_keyframes": [{"time": 0, "x": 0, "y": 0, "width": 608, "height": 1080}]});
        for (name, value) in more.as_object().expect("an object") {
            params[name] = value.clone();
        }
        params
    }

    #[test]
    fn what_most_people_export_has_the_shortest_timeout() {
        let trim = framing(&json!({"start_time": 3000, "end_time": 3008}));
        assert_eq!(minutes(JobType::Framing, &trim, 1_600_000_000), 10, "8 s of a game");
        assert_eq!(minutes(JobType::Overlay, &json!({"effect_type": "blur"}), 20_000_000), 10);
        assert_eq!(minutes(JobType::Framing, &framing(&json!({})), 0), 10);
    }

    #[test]
    fn more_work_has_more_time() {
        let blur = json!({"effect_type": "blur"});
        assert_eq!(
            minutes(JobType::Overlay, &blur, 1_100_000_000),
            60,
            "90 s of 4K at 60, at 100 Mbit a second"
        );
        let clip = |speed: f64| {
            framing(&json!({"end_time": 60, "segments": [{"start": 0, "end": 60, "speed": speed}]}))
        };
        let [plain, slow] = [1.0, 0.5].map(|speed| minutes(JobType::Framing, &clip(speed), 200_000_000));
        assert!(plain < slow && slow > 20, "{plain} and {slow}");
        let large = framing(&json!({"end_time": 120, "output_width": 4096, "output_height": 4096}));
        assert!(minutes(JobType::Framing, &large, 200_000_000) > 20);
        let further = json!([{"name": "wall", "width": 4096, "height": 4096}]);
        let several = framing(&json!({"end_time": 120, "outputs": further}));
        assert!(minutes(JobType::Framing, &several, 200_000_000) > 20);
    }

    proptest! {
        #[test]
        fn a_timeout_is_within_its_bounds_and_grows_with_the_work(
            bytes in 0..20_000_000_000_u64,
            more in 0..20_000_000_000_u64,
            (start, length, longer) in (0.0..10_000.0_f64, 0.01..40_000.0_f64, 0.0..36_000.0_f64),
            (speed, slower) in (0.5..4.0_f64, 1.0..2.0_f64),
        ) {
            let of = |length: f64, speed: f64, bytes: u64| {
                let (start, end) = (start, start + length);
                let params = framing(&json!({"segments": [{"start": start, "end": end, "speed": speed}]}));
                let edit = Edit::parse(JobType::Framing, &params.to_string()).expect("an edit");
                Workload::of(&edit).execution_timeout(bytes)
            };
            let timeout = of(length, speed, bytes);
            prop_assert!((EXECUTION_TIMEOUT_MIN..=EXECUTION_TIMEOUT_MAX).contains(&timeout));
            prop_assert!(of(length, speed, bytes + more) >= timeout);
            prop_assert!(of(length + longer, speed, bytes) >= timeout);
            prop_assert!(of(length, speed / slower, bytes) >= timeout);
        }
    }
}
