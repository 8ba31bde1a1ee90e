//! What is in a video file, according to ffprobe and ffmpeg.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::process::run;

/// The facts of a file with one picture and perhaps one sound.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Such as `h264`.
    pub video_codec: String,
    /// Pixels.
    pub width: u64,
    /// Pixels.
    pub height: u64,
    /// Seconds of picture.
    pub duration: f64,
    /// Frames that really decode.
    pub frames: u64,
    /// Such as `aac`, when there is sound.
    pub audio_codec: Option<String>,
    /// Seconds of sound.
    pub audio_duration: f64,
}

impl Probe {
    /// Reads a file, decoding it to its end.
    pub fn of(path: &Path) -> Self {
        let text = run(Command::new("ffprobe")
            .args(["-v", "error", "-count_frames", "-show_streams", "-of", "json"])
            .arg(path));
        let streams: Value = serde_json::from_str(&text).expect("ffprobe writes JSON");
        let stream = |kind: &str| {
            streams["streams"].as_array()?.iter().find(|stream| stream["codec_type"] == kind).cloned()
        };
        let number = |value: &Value| value.as_str().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        let video = stream("video").expect("a picture");
        let audio = stream("audio");
        Self {
            video_codec: video["codec_name"].as_str().unwrap_or_default().to_owned(),
            width: video["width"].as_u64().unwrap_or(0),
            height: video["height"].as_u64().unwrap_or(0),
            duration: number(&video["duration"]),
            frames: video["nb_read_frames"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0),
            audio_codec: audio.as_ref().and_then(|audio| audio["codec_name"].as_str().map(str::to_owned)),
            audio_duration: audio.map_or(0.0, |audio| number(&audio["duration"])),
        }
    }
}

/// Mean brightness, 0 to 255, of the rectangle `crop` (ffmpeg's `WIDTH:HEIGHT:X:Y`) at `seconds`.
pub fn luma(path: &Path, seconds: f64, crop: &str) -> f64 {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-ss", &seconds.to_string(), "-i"])
        .arg(path)
        .args(["-frames:v", "1", "-vf", &format!("crop={crop}"), "-f", "rawvideo", "-pix_fmt", "gray", "-"])
        .output()
        .expect("ffmpeg runs");
    assert!(
        !output.stdout.is_empty(),
        "no frame at {seconds} s: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let sum: f64 = output.stdout.iter().map(|pixel| f64::from(*pixel)).sum();
    #[allow(clippy::cast_precision_loss, reason = "a picture has fewer than 2^53 pixels")]
    let count = output.stdout.len() as f64;
    sum / count
}
