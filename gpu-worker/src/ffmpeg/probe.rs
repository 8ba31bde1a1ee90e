//! What a file contains, according to ffprobe, and whether it can be rendered.
//!
//! Sizes are what a viewer sees: after rotation, in square pixels. Rates are constant: a
//! variable source is resampled while it is decoded.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::FfmpegError;
use super::args::INPUT_SAFETY;
use super::color::{ColorTable, ColorTags, SourceColor};
use super::process::ProcessGroup;
use crate::media::frame_rate::FrameRate;

/// A video that can be rendered.
#[allow(clippy::struct_excessive_bools, reason = "findings of a probe, independent of each other")]
#[derive(Clone, Debug, PartialEq)]
pub struct MediaInfo {
    pub width: u32,
    pub height: u32,
    pub rate: FrameRate,
    /// Frames at `rate`, as far as the container tells.
    pub frames: Option<u32>,
    /// Index of the video stream in the file.
    pub video_stream: usize,
    /// The first audio stream.
    pub audio: Option<AudioStream>,
    /// Frames come at uneven times and must be resampled.
    pub variable_rate: bool,
    /// Seeking to a time is exact.
    pub seekable: bool,
    pub interlaced: bool,
    pub color: SourceColor,
    /// What converts high dynamic range and wide gamut.
    pub color_table: Option<ColorTable>,
    /// How much later the video starts than the file, in seconds.
    pub video_delay_s: f64,
}

/// An audio stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioStream {
    /// Index in the file.
    pub stream: usize,
    /// One channel; anything more becomes stereo, which is all that phones play.
    pub mono: bool,
}

const MAX_SIDE: u32 = 8192;
const MIN_SIDE: u32 = 16;
const MAX_FPS: f64 = 1000.0;

impl MediaInfo {
    /// Runs ffprobe; refuses what cannot be rendered.
    pub fn probe(input: &Path, processes: &ProcessGroup) -> Result<Self, FfmpegError> {
        match std::fs::metadata(input) {
            Ok(file) if file.len() == 0 => {
                return Err(FfmpegError::invalid_input("The video file is empty. Upload it again."));
            }
            Ok(_) => {}
            Err(error) => {
                return Err(FfmpegError::invalid_input(format!("The video file cannot be opened: {error}.")));
            }
        }
        let args = ["-v", "error"].iter().chain(&INPUT_SAFETY);
        let args = args.chain(&["-show_streams", "-show_format", "-of", "json"]);
        let args = args.map(OsStr::new).chain([input.as_os_str()]);
        let process = processes.start("ffprobe", args)?;
        let mut json = Vec::new();
        if let Some(mut stdout) = process.stdout() {
            stdout.read_to_end(&mut json).map_err(unparsable)?;
        }
        let exit = process.wait()?;
        if let Some(error) = exit.signal_error() {
            return Err(error);
        }
        if !exit.status.success() {
            return Err(unreadable(&exit.stderr_tail, input));
        }
        let output: FfprobeOutput = serde_json::from_slice(&json).map_err(unparsable)?;
        output.media_info()
    }
}

fn unparsable(error: impl std::fmt::Display) -> FfmpegError {
    FfmpegError::failed(format!("ffprobe's output could not be read: {error}."))
}

fn unreadable(stderr_tail: &[String], input: &Path) -> FfmpegError {
    let no_index = stderr_tail.iter().any(|line| line.contains("moov atom not found"));
    // ffprobe takes any file of that name for an MP4, so its first box decides.
    let mut start = [0; 8];
    let read = std::fs::File::open(input).and_then(|mut file| file.read_exact(&mut start));
    let is_mp4 = read.is_ok()
        && [b"ftyp", b"moov", b"mdat", b"wide", b"free"].iter().any(|name| start.ends_with(*name));
    FfmpegError::invalid_input(if no_index && is_mp4 {
        "The video file is incomplete: its index is missing. Upload it again."
    } else {
        "The file is not a video that can be read. Upload an MP4, MOV, MKV or WebM file."
    })
}

#[derive(Deserialize)]
struct FfprobeOutput {
    #[serde(default)]
    streams: Vec<FfprobeStream>,
    #[serde(default)]
    format: FfprobeFormat,
}

#[derive(Default, Deserialize)]
struct FfprobeFormat {
    #[serde(default, rename = "format_name")]
    names: String,
    start_time: Option<String>,
    duration: Option<String>,
}

#[derive(Deserialize)]
struct FfprobeStream {
    index: usize,
    codec_type: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    sample_aspect_ratio: Option<String>,
    r_frame_rate: Option<String>,
    avg_frame_rate: Option<String>,
    nb_frames: Option<String>,
    channels: Option<u32>,
    duration: Option<String>,
    start_time: Option<String>,
    field_order: Option<String>,
    color_space: Option<String>,
    color_primaries: Option<String>,
    color_transfer: Option<String>,
    color_range: Option<String>,
    pix_fmt: Option<String>,
    #[serde(default)]
    disposition: FfprobeDisposition,
    #[serde(default)]
    side_data_list: Vec<FfprobeSideData>,
}

#[derive(Default, Deserialize)]
struct FfprobeDisposition {
    #[serde(default)]
    attached_pic: u8,
}

#[derive(Deserialize)]
struct FfprobeSideData {
    rotation: Option<f64>,
}

impl FfprobeOutput {
    fn media_info(&self) -> Result<MediaInfo, FfmpegError> {
        let is = |stream: &&FfprobeStream, kind: &str| stream.codec_type.as_deref() == Some(kind);
        let video = self.streams.iter().filter(|s| is(s, "video")).find(|s| s.disposition.attached_pic == 0);
        let Some(video) = video else {
            return Err(FfmpegError::invalid_input(
                "The file has audio but no video stream. Upload a video.",
            ));
        };
        let (width, height) = video.viewed_size().ok_or_else(|| {
            FfmpegError::invalid_input(
                "The video's dimensions could not be determined. Convert it to MP4 and upload it again.",
            )
        })?;
        if width.max(height) > MAX_SIDE || width.min(height) < MIN_SIDE {
            return Err(FfmpegError::invalid_input(format!(
                "The video is {width}x{height}; width and height must be between {MIN_SIDE} and {MAX_SIDE} pixels."
            )));
        }
        let nominal = parse_rate(video.r_frame_rate.as_deref());
        let Some(average) = parse_rate(video.avg_frame_rate.as_deref()).or(nominal) else {
            return Err(FfmpegError::invalid_input(
                "The video's frame rate could not be determined. Convert it to MP4 and upload it again.",
            ));
        };
        let variable = nominal != Some(average);
        let rate = if variable { average.nearest_standard() } else { average };
        if rate.fps() > MAX_FPS {
            return Err(FfmpegError::invalid_input(format!(
                "The video reports {} frames per second. Convert it to less than {MAX_FPS} and upload it again.",
                rate.fps().round()
            )));
        }
        let start = parse(video.start_time.as_deref()).unwrap_or(0.0);
        let file_start = parse(self.format.start_time.as_deref()).unwrap_or(0.0);
        let names = self.format.names.as_str();
        let color = SourceColor::new(video.color_tags(), width, height);
        Ok(MediaInfo {
            width,
            height,
            rate,
            frames: self.frames(video, rate, variable),
            video_stream: video.index,
            audio: self
                .streams
                .iter()
                .find(|s| is(s, "audio") && s.channels.is_some_and(|channels| channels > 0))
                .map(|s| AudioStream { stream: s.index, mono: s.channels == Some(1) }),
            variable_rate: variable,
            seekable: ["mov", "matroska", "webm"].iter().any(|name| names.split(',').any(|n| n == *name)),
            interlaced: matches!(video.field_order.as_deref(), Some("tt" | "bb" | "tb" | "bt")),
            color,
            color_table: color.table()?,
            video_delay_s: (start - file_start).max(0.0),
        })
    }

    /// The container's count for an even rate, bounded by the duration: an edit list may hide
    /// frames that are counted.
    fn frames(&self, video: &FfprobeStream, rate: FrameRate, variable: bool) -> Option<u32> {
        let duration = parse(video.duration.as_deref()).or_else(|| parse(self.format.duration.as_deref()));
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates, which is right"
        )]
        let by_time =
            duration.filter(|d| d.is_finite() && *d > 0.0).map(|d| (d * rate.fps()).round().max(1.0) as u32);
        let counted = video.nb_frames.as_deref().and_then(|n| n.parse::<u32>().ok()).filter(|_| !variable);
        match (counted, by_time) {
            (Some(counted), Some(by_time)) => Some(counted.min(by_time.saturating_add(1))),
            (counted, by_time) => counted.or(by_time),
        }
    }
}

impl FfprobeStream {
    fn color_tags(&self) -> ColorTags<'_> {
        ColorTags {
            space: self.color_space.as_deref(),
            primaries: self.color_primaries.as_deref(),
            transfer: self.color_transfer.as_deref(),
            range: self.color_range.as_deref(),
            pixel_format: self.pix_fmt.as_deref(),
        }
    }

    /// Width and height as a viewer sees them: upright, pixels square.
    fn viewed_size(&self) -> Option<(u32, u32)> {
        let (width, height) = (self.width.filter(|w| *w > 0)?, self.height.filter(|h| *h > 0)?);
        let aspect = self.sample_aspect_ratio.as_deref().and_then(|text| text.split_once(':'));
        let aspect = aspect.and_then(|(num, den)| Some((num.parse::<f64>().ok()?, den.parse::<f64>().ok()?)));
        let pixel_aspect = match aspect {
            Some((num, den)) if num > 0.0 && den > 0.0 => num / den,
            _ => 1.0,
        };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates; checked later"
        )]
        let width = (f64::from(width) * pixel_aspect).round() as u32;
        let turns = self.side_data_list.iter().find_map(|data| data.rotation).unwrap_or(0.0) / 90.0;
        let sideways = (turns.round().abs() % 2.0 - 1.0).abs() < f64::EPSILON;
        Some(if sideways { (height, width) } else { (width, height) })
    }
}

fn parse_rate(text: Option<&str>) -> Option<FrameRate> {
    text.and_then(|text| text.parse().ok())
}

fn parse(text: Option<&str>) -> Option<f64> {
    text.and_then(|text| text.parse().ok())
}
