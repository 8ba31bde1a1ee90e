//! From raw pictures to an MP4: one ffmpeg that takes pictures from us and sound from the inputs.
//!
//! H.264 in yuv420p with BT.709 tags and the index at the front, AAC sound: what browsers and
//! phones play. A reel of several clips has a chapter for each.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;

use super::RenderError;
use super::child::Children;
use super::child::Ended;
use super::picture::Picture;
use super::picture::Pool;
use super::reel::Reel;
use super::sound;

/// What the encoder writes, fixed for a render.
#[derive(Clone, Copy)]
pub(super) struct Encoding<'a> {
    pub reel: &'a Reel<'a>,
    pub output: &'a Path,
    pub sound: Option<Sound>,
}

/// Sound of a reel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sound {
    pub kilobits: u32,
}

/// Who makes the H.264.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Nvenc,
    X264,
}

impl Codec {
    /// NVENC when ffmpeg has it and a tiny encode with it works, asked once per process.
    pub(super) fn choose() -> Self {
        static CODEC: OnceLock<Codec> = OnceLock::new();
        *CODEC.get_or_init(|| if nvenc_works() { Self::Nvenc } else { Self::X264 })
    }

    /// The app's settings for its best exports.
    fn args(self) -> &'static [&'static str] {
        match self {
            Self::Nvenc => &["-c:v", "h264_nvenc", "-preset", "p4", "-rc", "vbr", "-cq", "19", "-b:v", "0"],
            Self::X264 => &["-c:v", "libx264", "-preset", "fast", "-crf", "18"],
        }
    }
}

impl Encoding<'_> {
    /// The encoder's command line: pictures come in on its standard input.
    pub(super) fn args(&self) -> Vec<OsString> {
        let Reel { parts, rate, size, .. } = self.reel;
        let (rate, size) = (rate.to_string(), format!("{}x{}", size.width, size.height));
        let mut args: Vec<OsString> =
            ["-nostdin", "-hide_banner", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24"]
                .map(OsString::from)
                .into();
        args.extend(["-s", &size, "-r", &rate, "-i", "pipe:0"].map(OsString::from));
        let mut graph = "[0:v]scale=out_color_matrix=bt709:out_range=tv,format=yuv420p[v]".to_owned();
        let soundtrack = self.sound.and_then(|sound| Some((sound, sound::graph(self.reel)?)));
        let inputs = soundtrack.as_ref().map_or(1, |(_, track)| 1 + track.inputs.len());
        for input in soundtrack.iter().flat_map(|(_, track)| &track.inputs) {
            args.extend(input.iter().cloned());
        }
        if parts.len() > 1 {
            args.extend(chapters(self.reel));
        }
        if let Some((sound, track)) = &soundtrack {
            graph.push_str(&track.graph);
            args.extend(["-filter_complex".into(), graph.into()]);
            args.extend(["-map", "[v]", "-map", "[a]", "-c:a", "aac", "-b:a"].map(OsString::from));
            args.push(format!("{}k", sound.kilobits).into());
        } else {
            args.extend(["-filter_complex".into(), graph.into(), "-map".into(), "[v]".into()]);
        }
        args.extend(Codec::choose().args().iter().map(OsString::from));
        let tags = [
            "-colorspace",
            "bt709",
            "-color_primaries",
            "bt709",
            "-color_trc",
            "bt709",
            "-color_range",
            "tv",
        ];
        args.extend(tags.map(OsString::from));
        // Titles, places and serial numbers of the source do not belong in a reel.
        args.extend(["-map_metadata:g", "-1", "-map_metadata:s", "-1", "-map_chapters"].map(OsString::from));
        args.push(if parts.len() > 1 { inputs.to_string().into() } else { "-1".into() });
        args.extend(
            ["-max_muxing_queue_size", "9999", "-movflags", "+faststart", "-f", "mp4"].map(OsString::from),
        );
        args.push(self.output.into());
        args
    }
}

/// An input that holds nothing but the titles of the parts, in ffmpeg's own format. It is told on
/// the command line, so that no file has to be written and removed.
fn chapters(reel: &Reel<'_>) -> Vec<OsString> {
    // Writing to a string cannot fail.
    use std::fmt::Write as _;
    let mut text = "data:text/plain,;FFMETADATA1\n".to_owned();
    for (title, start_s, end_s) in reel.chapters() {
        let [start, end] = [start_s, end_s].map(|seconds| (seconds * 1000.0).round());
        let _ = write!(text, "[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={end}\ntitle=");
        for c in title.chars() {
            if matches!(c, '=' | ';' | '#' | '\\' | '\n') {
                text.push('\\');
            }
            text.push(c);
        }
        // ffmpeg 5.1 takes a backslash at the end of a line for one that goes on, even an escaped one.
        text.push_str(if title.ends_with('\\') { " \n" } else { "\n" });
    }
    ["-protocol_whitelist", "data", "-f", "ffmetadata", "-i", &text].map(OsString::from).into()
}

/// Writes pictures to the encoder's input until nobody sends any more; gives the buffers back.
///
/// Ends quietly when the encoder has gone: its own last words tell more than a broken pipe.
pub(super) fn feed(
    mut encoder: impl Write,
    pictures: &Receiver<(Picture, u32)>,
    pool: &Pool,
    written: &AtomicU64,
) {
    for (picture, times) in pictures {
        for _ in 0..times {
            if encoder.write_all(picture.bytes()).is_err() {
                return;
            }
            written.fetch_add(1, Ordering::Relaxed);
        }
        pool.give(picture);
    }
}

/// What an encoder that ended badly means.
pub(super) fn explain(ended: &Ended) -> RenderError {
    if let Some(killed) = ended.killed() {
        return killed;
    }
    let says = |what: &str| ended.complaints.iter().any(|line| line.contains(what));
    if says("No space left on device") {
        return RenderError::machine(
            "The renderer's disk is full; free some space and try the export again.",
        );
    }
    if says("Cannot allocate memory") || says("out of memory") {
        return RenderError {
            code: reel_core::job::error_code::ErrorCode::GpuOutOfMemory,
            sentence: reel_core::job::error_code::ErrorCode::GpuOutOfMemory.default_message().to_owned(),
        };
    }
    RenderError::machine(format!("The encoder failed: {}.", ended.last_complaint()))
}

fn nvenc_works() -> bool {
    let children = Children::default();
    let quiet = |args: &[&str]| {
        let tool = children.start("ffmpeg", args).ok()?;
        let mut answer = String::new();
        if let Some(mut stdout) = tool.stdout() {
            std::io::Read::read_to_string(&mut stdout, &mut answer).ok()?;
        }
        tool.wait().ok().filter(|ended| ended.status.success()).map(|_| answer)
    };
    let listed = quiet(&["-nostdin", "-hide_banner", "-v", "error", "-encoders"]);
    if !listed.is_some_and(|encoders| encoders.contains("h264_nvenc")) {
        return false;
    }
    let tiny = ["-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=black:s=256x256:d=0.2"];
    let trial = [&tiny[..], Codec::Nvenc.args(), &["-f", "null", "-"]].concat();
    quiet(&trial).is_some()
}
