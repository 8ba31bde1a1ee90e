//! What a file contains, according to ffprobe, and whether it can be rendered.
//!
//! Sizes are what a viewer sees: after rotation, in square pixels. Times come from the packets
//! ([`scan`](super::scan)), never from a header.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use reel_core::edit::FrameSize;
use serde::Deserialize;

use super::FfmpegError;
use super::args::input_limits;
use super::codecs;
use super::color::{ColorTable, ColorTags, SourceColor};
use super::process::{ProcessExit, ProcessGroup};
use super::repair::{self, RepairedFile};
use super::scan::Scan;
use super::tracks::SoundTrack;
use reel_media::clock::SourceClock;
use reel_media::clock::jumps::ClockKind;
use reel_media::frame_rate::FrameRate;

/// A video that can be rendered.
#[allow(clippy::struct_excessive_bools, reason = "findings of a probe, independent of each other")]
#[derive(Clone, Debug, PartialEq)]
pub struct MediaInfo {
    pub width: u32,
    pub height: u32,
    /// When its pictures are shown.
    pub clock: SourceClock,
    /// Index of the picture's track in the file.
    pub video_stream: usize,
    /// The tracks of sound that can be decoded, in the order of the file.
    pub sound_tracks: Vec<SoundTrack>,
    /// How long before the wanted time to seek, in seconds; `None` when the file has no times to seek to.
    pub seek_margin_s: Option<f64>,
    pub interlaced: bool,
    pub color: SourceColor,
    /// What converts high dynamic range and wide gamut.
    pub color_table: Option<ColorTable>,
    /// A copy of the file whose clock does not jump, to be read instead of the file.
    pub repaired: Option<Arc<RepairedFile>>,
}

const MAX_SIDE: u32 = 8192;
const MIN_SIDE: u32 = 16;
/// A film may last a day, as times in params may.
const MAX_LENGTH_S: f64 = 86_400.0;

impl MediaInfo {
    /// The size of the picture.
    pub fn size(&self) -> FrameSize {
        FrameSize { width: self.width, height: self.height }
    }

    /// The same without an odd last column or row.
    pub fn even_size(&self) -> FrameSize {
        FrameSize { width: self.width & !1, height: self.height & !1 }
    }

    /// Reads what the file contains and the times of its packets; refuses what cannot be rendered. A copy
    /// with a better clock, where one is needed, goes into `scratch_folder`.
    pub fn probe(input: &Path, scratch_folder: &Path, processes: &ProcessGroup) -> Result<Self, FfmpegError> {
        match std::fs::metadata(input) {
            Ok(file) if file.len() == 0 => {
                return Err(FfmpegError::invalid_input("The video file is empty. Upload it again."));
            }
            Ok(_) => {}
            Err(error) => {
                return Err(FfmpegError::invalid_input(format!("The video file cannot be opened: {error}.")));
            }
        }
        let output = FfprobeOutput::read(input, processes)?;
        let chosen = output.choose()?;
        let scan = chosen.scan(input, output.has_index(), processes)?;
        let needed = scan.repair(output.clock_kind());
        if needed.is_empty() {
            return chosen.media_info(&scan, output.seek_margin_s());
        }
        let copy = repair::copy_with(&needed, input, chosen.streams(), scratch_folder, processes)?;
        let repaired = FfprobeOutput::read(copy.path(), processes)?;
        let chosen = repaired.choose()?;
        let scan = chosen.scan(copy.path(), repaired.has_index(), processes)?;
        let mut media = chosen.media_info(&scan, repaired.seek_margin_s())?;
        media.repaired = Some(Arc::new(copy));
        Ok(media)
    }

    /// The file to read: the one that was probed, or its copy with a better clock.
    pub fn file<'a>(&'a self, probed: &'a Path) -> &'a Path {
        self.repaired.as_ref().map_or(probed, |copy| copy.path())
    }
}

impl FfprobeOutput {
    fn read(input: &Path, processes: &ProcessGroup) -> Result<Self, FfmpegError> {
        let limits = input_limits();
        let args = ["-v", "error"].iter().chain(&limits);
        let args = args.chain(&["-show_streams", "-show_format", "-of", "json"]);
        let args = args.map(OsStr::new).chain([input.as_os_str()]);
        let process = processes.start("ffprobe", args)?;
        let mut json = Vec::new();
        if let Some(mut stdout) = process.stdout() {
            stdout.by_ref().take(MAX_JSON_BYTES).read_to_end(&mut json).map_err(unparsable)?;
            if json.len() as u64 == MAX_JSON_BYTES {
                process.kill();
                return Err(FfmpegError::invalid_input(
                    "The file describes more tracks than a video has. Convert it to MP4 and upload it again.",
                ));
            }
        }
        let exit = process.wait()?;
        if let Some(error) = exit.signal_error() {
            return Err(error);
        }
        if !exit.status.success() {
            return Err(unreadable(&exit, input));
        }
        serde_json::from_slice(&json).map_err(unparsable)
    }
}

/// What ffprobe may write of one file.
const MAX_JSON_BYTES: u64 = 4 << 20;

fn unparsable(error: impl std::fmt::Display) -> FfmpegError {
    FfmpegError::failed(format!("ffprobe's output could not be read: {error}."))
}

fn unreadable(exit: &ProcessExit, input: &Path) -> FfmpegError {
    if let Some(error) = exit.limit_error() {
        return error;
    }
    let no_index = exit.stderr_tail.iter().any(|line| line.contains("moov atom not found"));
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
}

#[derive(Deserialize)]
struct FfprobeStream {
    index: usize,
    codec_type: Option<String>,
    codec_name: Option<String>,
    codec_tag_string: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    sample_aspect_ratio: Option<String>,
    r_frame_rate: Option<String>,
    nb_frames: Option<String>,
    #[serde(default)]
    has_b_frames: u32,
    channels: Option<u32>,
    channel_layout: Option<String>,
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
    default: u8,
    #[serde(default)]
    attached_pic: u8,
    #[serde(default)]
    timed_thumbnails: u8,
    #[serde(default)]
    still_image: u8,
}

#[derive(Deserialize)]
struct FfprobeSideData {
    rotation: Option<f64>,
    #[serde(default, rename = "side_data_type")]
    kind: String,
}

/// The picture and the sounds of a file that are meant, before anything is decoded.
struct Chosen<'o> {
    picture: &'o FfprobeStream,
    size: (u32, u32),
    sound_tracks: Vec<SoundTrack>,
}

impl FfprobeOutput {
    fn choose(&self) -> Result<Chosen<'_>, FfmpegError> {
        let of_kind = |kind: &'static str| {
            self.streams.iter().filter(move |stream| stream.codec_type.as_deref() == Some(kind))
        };
        let pictures: Vec<&FfprobeStream> = of_kind("video").filter(|stream| stream.is_film()).collect();
        let film = |stream: &&&FfprobeStream| pictures.len() == 1 || stream.nb_frames() != Some(1);
        let best = |stream: &&&FfprobeStream| {
            let pixels =
                stream.viewed_size().map_or(0, |(width, height)| u64::from(width) * u64::from(height));
            // `max_by_key` takes the last of equals, and the first in the file is meant.
            (stream.is_decodable(), stream.disposition.default, pixels, std::cmp::Reverse(stream.index))
        };
        let picture =
            pictures.iter().filter(film).max_by_key(best).or_else(|| pictures.iter().max_by_key(best));
        let Some(picture) = picture.copied() else {
            return Err(FfmpegError::invalid_input(
                "The file has audio but no video stream. Upload a video.",
            ));
        };
        if picture.is_encrypted() {
            return Err(encrypted());
        }
        if !picture.is_decodable() {
            let codec = picture.codec_name.as_deref().filter(|name| *name != "unknown");
            let codec = codec.or(picture.codec_tag_string.as_deref()).unwrap_or("unknown");
            return Err(FfmpegError::invalid_input(format!(
                "The video's codec ({codec}) cannot be read. Convert it to H.264 and upload it again."
            )));
        }
        let size = picture.viewed_size().ok_or_else(|| {
            FfmpegError::invalid_input(
                "The video's dimensions could not be determined. Convert it to MP4 and upload it again.",
            )
        })?;
        let (width, height) = size;
        if width.max(height) > MAX_SIDE || width.min(height) < MIN_SIDE {
            return Err(FfmpegError::invalid_input(format!(
                "The video is {width}x{height}; width and height must be between {MIN_SIDE} and {MAX_SIDE} pixels."
            )));
        }
        let sound_tracks =
            (1..).zip(of_kind("audio")).filter_map(|(number, s)| s.sound_track(number)).collect();
        Ok(Chosen { picture, size, sound_tracks })
    }

    /// Whether the file has a table of all its packets.
    fn has_index(&self) -> bool {
        self.has_format(&["mov"])
    }

    fn has_format(&self, names: &[&str]) -> bool {
        self.format.names.split(',').any(|name| names.contains(&name))
    }

    /// Sound needs a moment before it to be decoded. Containers without an index find a point near the time,
    /// and a picture needs its key frame before that.
    fn seek_margin_s(&self) -> Option<f64> {
        if self.has_format(&["h264", "hevc", "m4v", "mpegvideo"]) {
            None
        } else if self.has_format(&["mov", "matroska", "avi"]) {
            Some(1.0)
        } else {
            Some(5.0)
        }
    }

    fn clock_kind(&self) -> ClockKind {
        if self.has_format(&["mpegts", "mpeg"]) { ClockKind::Broadcast } else { ClockKind::Film }
    }
}

impl Chosen<'_> {
    /// The picture's index in the file, and that of the sound that decides where zero is.
    fn streams(&self) -> (usize, Option<usize>) {
        let default = self.sound_tracks.iter().find(|track| track.is_default);
        (self.picture.index, default.or(self.sound_tracks.first()).map(|track| track.stream))
    }

    fn scan(&self, input: &Path, has_index: bool, processes: &ProcessGroup) -> Result<Scan, FfmpegError> {
        let (picture, sound) = self.streams();
        let mut scan = Scan::run(input, picture, sound, has_index, processes)?;
        scan.delay_pictures(self.picture.has_b_frames.min(16));
        if scan.is_encrypted {
            return Err(encrypted());
        }
        if scan.is_in_pieces() {
            return Err(FfmpegError::invalid_input(
                "The video's clock starts anew too often. Convert it to MP4 and upload it again.",
            ));
        }
        if let (Some(counted), Some(_)) = (self.picture.nb_frames(), &scan.error)
            && counted.saturating_sub(scan.picture_packets) > 3 + counted / 50
        {
            return Err(FfmpegError::invalid_input(format!(
                "The video is truncated: only {} of {counted} frames are in the file. Upload it again.",
                scan.picture_packets
            )));
        }
        Ok(scan)
    }

    fn media_info(&self, scan: &Scan, seek_margin_s: Option<f64>) -> Result<MediaInfo, FfmpegError> {
        /// For a film of one picture.
        const USUAL_RATE: FrameRate = FrameRate::whole(30);
        let (picture, (width, height)) = (self.picture, self.size);
        let header_rate = picture.r_frame_rate.as_deref().and_then(|text| text.parse::<FrameRate>().ok());
        let clock = if scan.pictures.is_empty() {
            // An elementary stream has no times; its decoder counts.
            SourceClock::counted(scan.picture_packets, header_rate.unwrap_or(USUAL_RATE))
        } else {
            SourceClock::new(&scan.pictures, scan.sound.as_ref(), USUAL_RATE)
        };
        let clock = clock.ok_or_else(|| {
            let why = scan.error.as_deref().map(|error| format!(" ({error})")).unwrap_or_default();
            FfmpegError::invalid_input(format!("The video has no frames{why}. Upload it again."))
        })?;
        if clock.length_s() > MAX_LENGTH_S {
            return Err(FfmpegError::invalid_input(format!(
                "The video says that it lasts {:.0} hours, and at most 24 can be read. Convert it to MP4 and upload it again.",
                clock.length_s() / 3600.0
            )));
        }
        let color = SourceColor::new(picture.color_tags(), width, height);
        Ok(MediaInfo {
            width,
            height,
            clock,
            video_stream: picture.index,
            sound_tracks: self.sound_tracks.clone(),
            seek_margin_s,
            interlaced: matches!(picture.field_order.as_deref(), Some("tt" | "bb" | "tb" | "bt")),
            color,
            color_table: color.table()?,
            repaired: None,
        })
    }
}

fn encrypted() -> FfmpegError {
    FfmpegError::invalid_input(
        "The video is encrypted, as films from shops and streaming services are. Upload a video without copy protection.",
    )
}

impl FfprobeStream {
    /// Neither a cover nor a preview.
    fn is_film(&self) -> bool {
        let FfprobeDisposition { attached_pic, timed_thumbnails, still_image, .. } = self.disposition;
        attached_pic == 0 && timed_thumbnails == 0 && still_image == 0
    }

    fn is_decodable(&self) -> bool {
        self.codec_name.as_deref().is_some_and(codecs::decodes_picture)
    }

    /// The sample entries and the side data of Common Encryption, and the entries of iTunes.
    fn is_encrypted(&self) -> bool {
        const TAGS: [&str; 4] = ["encv", "enca", "drmi", "drms"];
        self.codec_tag_string.as_deref().is_some_and(|tag| TAGS.contains(&tag))
            || self.side_data_list.iter().any(|data| data.kind.starts_with("Encryption"))
    }

    fn nb_frames(&self) -> Option<u64> {
        self.nb_frames.as_deref().and_then(|text| text.parse().ok())
    }

    /// `None` when it cannot be decoded.
    fn sound_track(&self, number: u32) -> Option<SoundTrack> {
        let channels = self.channels.filter(|channels| *channels > 0)?;
        let decodable = self.codec_name.as_deref().is_some_and(codecs::decodes_sound) && !self.is_encrypted();
        let layout = self.channel_layout.as_deref();
        decodable.then(|| SoundTrack {
            stream: self.index,
            number,
            channels,
            has_layout: layout.is_some_and(|layout| layout != "unknown" && !layout.contains("channels")),
            is_default: self.disposition.default != 0,
        })
    }

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

#[cfg(test)]
mod tests;
