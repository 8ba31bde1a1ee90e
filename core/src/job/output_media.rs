//! What a finished reel is, as its renderer read it from the file.
//!
//! Invariant: every number is within the bounds below, so that no report fills a row or overflows a sum.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Size, rate and length of a reel's picture.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema), schemars(rename = "ReportedMedia"))]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputMedia {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Frames per second, to a thousandth.
    pub fps: f64,
    /// Frames in the file.
    pub frames: u64,
    /// From the first frame to the end of the last.
    pub duration_ms: u64,
}

impl OutputMedia {
    /// Keeps what can be a reel; `None` for any other numbers.
    pub fn new(width: u32, height: u32, fps: f64, frames: u64, duration_ms: u64) -> Option<Self> {
        let sides = [width, height].iter().all(|side| (1..=MAX_SIDE).contains(side));
        let rate = fps > 0.0 && fps <= MAX_FPS;
        let length = (1..=MAX_FRAMES).contains(&frames) && (1..=MAX_DURATION_MS).contains(&duration_ms);
        let fps = (fps * 1000.0).round() / 1000.0;
        (sides && rate && length && fps > 0.0).then_some(Self { width, height, fps, frames, duration_ms })
    }

    /// Reads the member of a report. Anything that is no reel is `None`: it must not fail a good video.
    pub fn read(report: &Value) -> Option<Self> {
        let whole = |name: &str| report.get(name).and_then(Value::as_u64);
        let side = |name: &str| whole(name).and_then(|side| u32::try_from(side).ok());
        let fps = report.get("fps").and_then(Value::as_f64)?;
        Self::new(side("width")?, side("height")?, fps, whole("frames")?, whole("duration_ms")?)
    }
}

/// Twice the largest frame side that is rendered.
const MAX_SIDE: u32 = 16_384;
/// As many frames a second as a source may have.
const MAX_FPS: f64 = 1000.0;
/// A day at the highest rate.
const MAX_FRAMES: u64 = 86_400_000;
/// A day, as long as params may name, slowed four times.
const MAX_DURATION_MS: u64 = 4 * 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_report_of_a_reel_is_read_and_its_rate_rounded() {
        let report = json!({"width": 1080, "height": 1920, "fps": 30_000.0 / 1001.0, "frames": 90,
            "duration_ms": 3003, "codec": "h264"});
        let expected = OutputMedia { width: 1080, height: 1920, fps: 29.97, frames: 90, duration_ms: 3003 };
        assert_eq!(OutputMedia::read(&report), Some(expected));
    }

    #[test]
    fn numbers_that_are_no_reel_are_left_out() {
        let reel = json!({"width": 640, "height": 360, "fps": 30, "frames": 90, "duration_ms": 3000});
        assert!(OutputMedia::read(&reel).is_some());
        for (name, value) in [
            ("width", json!(0)),
            ("height", json!(16_385)),
            ("width", json!(-640)),
            ("width", json!("640")),
            ("fps", json!(0)),
            ("fps", json!(0.0001)),
            ("fps", json!(1001)),
            ("fps", json!(null)),
            ("frames", json!(0)),
            ("frames", json!(1e300)),
            ("duration_ms", json!(u64::MAX)),
            ("duration_ms", json!(0.5)),
        ] {
            let mut wrong = reel.clone();
            wrong[name] = value;
            assert_eq!(OutputMedia::read(&wrong), None, "{wrong}");
        }
        for wrong in [json!(null), json!([]), json!("1080x1920"), json!({})] {
            assert_eq!(OutputMedia::read(&wrong), None, "{wrong}");
        }
    }
}
