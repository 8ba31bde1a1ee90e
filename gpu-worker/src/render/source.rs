//! What the input is, as ffprobe tells it, and whether it can be rendered.
//!
//! Sizes are what a viewer sees: after rotation, in square pixels. Rates are constant: a
//! variable source is resampled while it is decoded.

use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::RenderError;
use super::child::Children;
use super::rate::Rate;

/// A source that can be rendered.
#[allow(clippy::struct_excessive_bools, reason = "findings of a probe, independent of each other")]
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Source {
    pub width: u32,
    pub height: u32,
    pub rate: Rate,
    /// Frames at `rate`, as far as the container tells.
    pub frames: Option<u32>,
    /// Index of the picture's stream in the file.
    pub video: usize,
    /// The first sound stream.
    pub audio: Option<Audio>,
    /// Frames come at uneven times and must be resampled.
    pub variable: bool,
    /// Jumping to a time lands where it should.
    pub seekable: bool,
    pub interlaced: bool,
    /// High dynamic range, to be mapped to what a reel can show.
    pub hdr: bool,
    /// The colour matrix is not told and has to be guessed by size.
    pub untagged: bool,
    /// How much later the picture starts than the file, in seconds.
    pub delay_s: f64,
}

/// A sound stream that can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Audio {
    /// Index of the stream in the file.
    pub stream: usize,
    /// One channel; anything more becomes stereo, which is all that phones play.
    pub mono: bool,
}

/// Containers that hold one video. The list keeps out playlists and scripts, which would make
/// ffmpeg open other files and addresses.
pub(super) const FORMATS: &str =
    "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,h264,hevc,m4v,3gp,ivf,nut";
/// The only protocol an input may use, for the same reason.
pub(super) const PROTOCOLS: &str = "file,pipe";

const MAX_SIDE: u32 = 8192;
const MIN_SIDE: u32 = 16;
const MAX_FPS: f64 = 1000.0;

impl Source {
    /// Asks ffprobe; refuses what cannot be rendered.
    pub(super) fn probe(input: &Path, children: &Children) -> Result<Self, RenderError> {
        match std::fs::metadata(input) {
            Ok(file) if file.len() == 0 => {
                return Err(RenderError::input("The video file is empty; upload it again."));
            }
            Ok(_) => {}
            Err(error) => {
                return Err(RenderError::input(format!("The video file cannot be opened: {error}.")));
            }
        }
        let fixed = ["-v", "error", "-format_whitelist", FORMATS, "-protocol_whitelist", PROTOCOLS];
        let wanted = ["-show_streams", "-show_format", "-of", "json"];
        let args = fixed.iter().chain(&wanted).map(std::ffi::OsStr::new).chain([input.as_os_str()]);
        let tool = children.start("ffprobe", args)?;
        let mut json = Vec::new();
        if let Some(mut stdout) = tool.stdout() {
            stdout.read_to_end(&mut json).map_err(|error| {
                RenderError::machine(format!("ffprobe's answer could not be read: {error}."))
            })?;
        }
        let ended = tool.wait()?;
        if let Some(killed) = ended.killed() {
            return Err(killed);
        }
        if !ended.status.success() {
            return Err(RenderError::input(unreadable(&ended.complaints, input)));
        }
        let probed: Probed = serde_json::from_slice(&json)
            .map_err(|error| RenderError::machine(format!("ffprobe's answer could not be read: {error}.")))?;
        probed.source()
    }

    /// The colour matrix to assume, when the file tells none: what players assume, too.
    pub(super) fn assumed_matrix(&self) -> Option<&'static str> {
        self.untagged.then_some(if self.height >= 720 || self.width >= 1280 { "bt709" } else { "bt601" })
    }
}

fn unreadable(complaints: &[String], input: &Path) -> String {
    let no_index = complaints.iter().any(|line| line.contains("moov atom not found"));
    // ffprobe takes any file of that name for an MP4, so its first box decides.
    let mut start = [0; 8];
    let read = std::fs::File::open(input).and_then(|mut file| file.read_exact(&mut start));
    let is_mp4 = read.is_ok()
        && [b"ftyp", b"moov", b"mdat", b"wide", b"free"].iter().any(|name| start.ends_with(*name));
    if no_index && is_mp4 {
        "The video file is incomplete: its index is missing, as after an upload that broke off; upload it again."
            .to_owned()
    } else {
        "The file is not a video that can be read; upload an MP4, MOV, MKV or WebM file.".to_owned()
    }
}

#[derive(Deserialize)]
struct Probed {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
}

#[derive(Default, Deserialize)]
struct Format {
    #[serde(default, rename = "format_name")]
    names: String,
    start_time: Option<String>,
    duration: Option<String>,
}

#[derive(Deserialize)]
struct Stream {
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
    color_transfer: Option<String>,
    #[serde(default)]
    disposition: Disposition,
    #[serde(default)]
    side_data_list: Vec<SideData>,
}

#[derive(Default, Deserialize)]
struct Disposition {
    #[serde(default)]
    attached_pic: u8,
}

#[derive(Deserialize)]
struct SideData {
    rotation: Option<f64>,
}

impl Probed {
    fn source(&self) -> Result<Source, RenderError> {
        let is = |stream: &&Stream, kind: &str| stream.codec_type.as_deref() == Some(kind);
        let video = self.streams.iter().filter(|s| is(s, "video")).find(|s| s.disposition.attached_pic == 0);
        let Some(video) = video else {
            return Err(RenderError::input("The file has no picture, only sound; upload a video."));
        };
        let (width, height) = video.viewed_size().ok_or_else(|| {
            RenderError::input(
                "The video's picture size cannot be told; convert it to MP4 and upload it again.",
            )
        })?;
        if width.max(height) > MAX_SIDE || width.min(height) < MIN_SIDE {
            return Err(RenderError::input(format!(
                "The picture is {width}x{height}; each side must be between {MIN_SIDE} and {MAX_SIDE} pixels."
            )));
        }
        let nominal = parse_rate(video.r_frame_rate.as_deref());
        let Some(average) = parse_rate(video.avg_frame_rate.as_deref()).or(nominal) else {
            return Err(RenderError::input(
                "The video's frame rate cannot be told; convert it to MP4 and upload it again.",
            ));
        };
        let variable = nominal != Some(average);
        let rate = if variable { average.snapped() } else { average };
        if rate.fps() > MAX_FPS {
            return Err(RenderError::input(format!(
                "The video claims {} frames a second; convert it to a rate below {MAX_FPS} and upload it again.",
                rate.fps().round()
            )));
        }
        let start = parse(video.start_time.as_deref()).unwrap_or(0.0);
        let file_start = parse(self.format.start_time.as_deref()).unwrap_or(0.0);
        let names = self.format.names.as_str();
        let transfer = video.color_transfer.as_deref();
        Ok(Source {
            width,
            height,
            rate,
            frames: self.frames(video, rate, variable),
            video: video.index,
            audio: self
                .streams
                .iter()
                .find(|s| is(s, "audio") && s.channels.is_some_and(|channels| channels > 0))
                .map(|s| Audio { stream: s.index, mono: s.channels == Some(1) }),
            variable,
            seekable: ["mov", "matroska", "webm"].iter().any(|name| names.split(',').any(|n| n == *name)),
            interlaced: matches!(video.field_order.as_deref(), Some("tt" | "bb" | "tb" | "bt")),
            hdr: matches!(transfer, Some("smpte2084" | "arib-std-b67")),
            untagged: matches!(video.color_space.as_deref(), None | Some("unknown")),
            delay_s: (start - file_start).max(0.0),
        })
    }

    /// The container's count for an even rate, bounded by the duration: an edit list may hide
    /// frames that are counted.
    fn frames(&self, video: &Stream, rate: Rate, variable: bool) -> Option<u32> {
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

impl Stream {
    /// Width and height as a viewer sees them: upright, pixels square.
    fn viewed_size(&self) -> Option<(u32, u32)> {
        let (width, height) = (self.width.filter(|w| *w > 0)?, self.height.filter(|h| *h > 0)?);
        let aspect = self.sample_aspect_ratio.as_deref().and_then(|text| text.split_once(':'));
        let aspect = aspect.and_then(|(num, den)| Some((num.parse::<f64>().ok()?, den.parse::<f64>().ok()?)));
        let wide = match aspect {
            Some((num, den)) if num > 0.0 && den > 0.0 => num / den,
            _ => 1.0,
        };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "`as` saturates; checked later"
        )]
        let width = (f64::from(width) * wide).round() as u32;
        let turns = self.side_data_list.iter().find_map(|data| data.rotation).unwrap_or(0.0) / 90.0;
        let sideways = (turns.round().abs() % 2.0 - 1.0).abs() < f64::EPSILON;
        Some(if sideways { (height, width) } else { (width, height) })
    }
}

fn parse_rate(text: Option<&str>) -> Option<Rate> {
    text.and_then(|text| text.parse().ok())
}

fn parse(text: Option<&str>) -> Option<f64> {
    text.and_then(|text| text.parse().ok())
}
