//! The encoder: one run of ffmpeg that takes raw frames from stdin and sound from the sources.
//!
//! H.264 in yuv420p with BT.709 tags and the index at the front, AAC sound: what browsers and
//! phones play.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::OnceLock;

use reel_core::edit::FrameSize;

use super::FfmpegError;
use super::args::{QUIET, strings};
use super::audio::{AudioGraph, AudioTrack};
use super::color;
use super::process::{ProcessExit, output_of};
use reel_media::frame_rate::FrameRate;

/// What to encode; raw frames in planes go in on stdin.
#[derive(Debug)]
pub struct EncodeCommand<'a> {
    pub size: FrameSize,
    pub rate: FrameRate,
    pub effort: EncodeEffort,
    /// `None` for a silent output.
    pub audio: Option<AudioTrack<'a>>,
    /// May be empty.
    pub chapters: Vec<Chapter<'a>>,
    pub output: &'a Path,
}

/// How much search goes into an encode without NVENC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeEffort {
    /// As in the best exports of the FastAPI backend.
    Full,
    /// About half of the CPU, for 0.8 dB less: what a further output of a render is worth.
    Less,
}

/// A named part of the output.
#[derive(Clone, Copy, Debug)]
pub struct Chapter<'a> {
    pub title: &'a str,
    pub start_s: f64,
    pub end_s: f64,
}

impl EncodeCommand<'_> {
    /// Arguments of `ffmpeg`.
    pub fn args(&self) -> Vec<OsString> {
        let (rate, size) = (self.rate.to_string(), format!("{}x{}", self.size.width, self.size.height));
        let mut args = strings(&QUIET);
        // Sound is cut by the stamps of its file.
        args.push("-copyts".into());
        args.extend(strings(&["-y", "-f", "rawvideo", "-pix_fmt", color::PIXEL_FORMAT]));
        args.extend(strings(&["-s", &size, "-r", &rate, "-i", "pipe:0"]));
        let mut filters = None;
        let mut mapping = strings(&["-map", "0:v"]);
        let mut chapters_input = 1;
        if let Some(track) = self.audio.as_ref().filter(|track| track.is_audible()) {
            let graph = AudioGraph::new(track);
            chapters_input += graph.inputs.len();
            args.extend(graph.inputs.into_iter().flatten());
            // It is written to follow other filters.
            filters = Some(graph.filters.trim_start_matches(';').to_owned());
            let bitrate = format!("{}k", track.bitrate_kbps);
            mapping.extend(strings(&["-map", "[a]", "-c:a", "aac", "-b:a", &bitrate]));
        }
        let map_chapters =
            if self.chapters.is_empty() { "-1".to_owned() } else { chapters_input.to_string() };
        args.extend(self.chapters_input());
        args.extend(filters.into_iter().flat_map(|graph| ["-filter_complex".into(), graph.into()]));
        args.extend(mapping);
        let encoder = VideoEncoder::detect();
        args.extend(strings(encoder.args(self.effort, self.pixels_per_s())));
        if encoder == VideoEncoder::X264 {
            args.extend(strings(&["-rc-lookahead", &lookahead_frames(self.size).to_string()]));
        }
        args.extend(strings(&["-g", &keyframe_interval(self.rate).to_string(), "-flags", "+cgop"]));
        args.extend(strings(&color::OUTPUT_TAGS));
        // Titles, places and serial numbers of the source do not belong in the output.
        args.extend(strings(&["-map_metadata:g", "-1", "-map_metadata:s", "-1"]));
        args.extend(strings(&["-map_chapters", &map_chapters]));
        args.extend(strings(&["-max_muxing_queue_size", "9999", "-movflags", "+faststart", "-f", "mp4"]));
        args.push(self.output.into());
        args
    }

    fn pixels_per_s(&self) -> f64 {
        f64::from(self.size.width) * f64::from(self.size.height) * self.rate.fps()
    }

    /// An input that holds only the chapters, in ffmpeg's own format. It is part of the command
    /// line, so that no file has to be written and removed.
    fn chapters_input(&self) -> Vec<OsString> {
        if self.chapters.is_empty() {
            return Vec::new();
        }
        let mut text = "data:text/plain,;FFMETADATA1\n".to_owned();
        for Chapter { title, start_s, end_s } in &self.chapters {
            let [start, end] = [start_s, end_s].map(|seconds| (seconds * 1000.0).round());
            // Writing to a string cannot fail.
            let _ = write!(text, "[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={end}\ntitle=");
            for c in title.chars() {
                if matches!(c, '=' | ';' | '#' | '\\' | '\n') {
                    text.push('\\');
                }
                text.push(c);
            }
            // ffmpeg 5.1 reads a backslash at the end of a line as a continuation, even an escaped one.
            text.push_str(if title.ends_with('\\') { " \n" } else { "\n" });
        }
        strings(&["-protocol_whitelist", "data", "-f", "ffmetadata", "-i", &text])
    }
}

/// Frames from one keyframe to the next: at most a second, so that a player that is scrubbed shows the
/// wanted frame at once.
fn keyframe_interval(rate: FrameRate) -> u32 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    let whole = rate.fps() as u32;
    whole.max(1)
}

/// How many frames x264 looks ahead. Each is kept in memory with what is computed of it, 3 bytes a pixel: at
/// 2160p its own 30 frames would take 750 MB.
fn lookahead_frames(size: FrameSize) -> u32 {
    const MAX_PIXELS: u32 = 42_000_000;
    (MAX_PIXELS / size.width.saturating_mul(size.height).max(1)).clamp(10, 30)
}

/// Why an encoder ended badly.
pub fn encode_error(exit: &ProcessExit) -> FfmpegError {
    if let Some(error) = exit.signal_error() {
        return error;
    }
    let reports = |what: &str| exit.stderr_tail.iter().any(|line| line.contains(what));
    if reports("No space left on device") {
        return FfmpegError::failed("The renderer's disk is full. Free some space and try the export again.");
    }
    if reports("Cannot allocate memory") || reports("out of memory") {
        return FfmpegError::OutOfMemory;
    }
    FfmpegError::failed(format!("The encoder failed: {}.", exit.last_error_line()))
}

/// Which encoder makes the H.264.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum VideoEncoder {
    Nvenc,
    X264,
}

impl VideoEncoder {
    /// NVENC when ffmpeg has it and a tiny encode with it works; tried once per process.
    fn detect() -> Self {
        static ENCODER: OnceLock<VideoEncoder> = OnceLock::new();
        *ENCODER.get_or_init(|| if nvenc_works() { Self::Nvenc } else { Self::X264 })
    }

    /// The settings of the best exports of the FastAPI backend. Without NVENC, what is as large as 2160p at
    /// 60 frames a second is encoded with less search, or two cores would need half an hour for 90 s.
    fn args(self, effort: EncodeEffort, pixels_per_s: f64) -> &'static [&'static str] {
        const MANY_PIXELS_PER_S: f64 = 300e6;
        match self {
            Self::X264 if effort == EncodeEffort::Less || pixels_per_s > MANY_PIXELS_PER_S => {
                &["-c:v", "libx264", "-preset", "veryfast", "-crf", "18"]
            }
            Self::Nvenc => &["-c:v", "h264_nvenc", "-preset", "p4", "-rc", "vbr", "-cq", "19", "-b:v", "0"],
            Self::X264 => &["-c:v", "libx264", "-preset", "fast", "-crf", "18"],
        }
    }
}

fn nvenc_works() -> bool {
    let is_listed = output_of(&["-encoders"]).is_some_and(|encoders| encoders.contains("h264_nvenc"));
    let trial_input = ["-f", "lavfi", "-i", "color=black:s=256x256:d=0.2"];
    let trial =
        [&trial_input[..], VideoEncoder::Nvenc.args(EncodeEffort::Full, 0.0), &["-f", "null", "-"]].concat();
    is_listed && output_of(&trial).is_some()
}
