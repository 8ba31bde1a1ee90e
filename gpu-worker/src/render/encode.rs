//! From raw pictures to an MP4: one ffmpeg that takes pictures from us and sound from the input.
//!
//! H.264 in yuv420p with BT.709 tags and the index at the front, AAC sound: what browsers and
//! phones play. Sound is cut, paced and padded piece by piece to the length of the picture.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;

use reel_core::edit::Size;

use super::RenderError;
use super::child::{Children, Ended};
use super::picture::{Picture, Pool};
use super::source::{Audio, FORMATS, PROTOCOLS, Source};
use super::timeline::{Piece, Timeline};

/// What the encoder writes, fixed for a render.
#[derive(Clone, Copy)]
pub(super) struct Encoding<'a> {
    pub input: &'a Path,
    pub output: &'a Path,
    pub source: &'a Source,
    pub timeline: &'a Timeline,
    pub size: Size,
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
        let rate = self.timeline.rate.to_string();
        let size = format!("{}x{}", self.size.width, self.size.height);
        let mut args: Vec<OsString> =
            ["-nostdin", "-hide_banner", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24"]
                .map(OsString::from)
                .into();
        args.extend(["-s", &size, "-r", &rate, "-i", "pipe:0"].map(OsString::from));
        let mut graph = "[0:v]scale=out_color_matrix=bt709:out_range=tv,format=yuv420p[v]".to_owned();
        if let Some((sound, audio)) = self.sound.zip(self.source.audio) {
            for piece in &self.timeline.pieces {
                args.extend(self.sound_input(piece));
            }
            graph.push_str(&self.sound_graph(audio));
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
        args.extend(["-map_metadata", "-1", "-map_chapters", "-1"].map(OsString::from));
        args.extend(
            ["-max_muxing_queue_size", "9999", "-movflags", "+faststart", "-f", "mp4"].map(OsString::from),
        );
        args.push(self.output.into());
        args
    }

    /// Each piece opens the input anew: pieces may go back in time, and none waits for another.
    fn sound_input(&self, piece: &Piece) -> Vec<OsString> {
        let mut args: Vec<OsString> =
            ["-format_whitelist", FORMATS, "-protocol_whitelist", PROTOCOLS].map(OsString::from).into();
        let picture_starts = if self.source.variable { 0.0 } else { self.source.delay_s };
        let start = picture_starts + self.source.rate.seconds(f64::from(piece.first));
        if start > 0.0 {
            args.extend(["-ss".into(), format!("{start:.6}").into()]);
        }
        if let Some(frames) = piece.source_frames {
            let length = self.source.rate.seconds(f64::from(frames));
            args.extend(["-t".into(), format!("{length:.6}").into()]);
        }
        args.extend(["-vn".into(), "-sn".into(), "-dn".into(), "-i".into(), self.input.into()]);
        args
    }

    fn sound_graph(&self, Audio { stream, mono }: Audio) -> String {
        // Writing to a string cannot fail.
        use std::fmt::Write as _;
        let mut graph = String::new();
        let mut joined = String::new();
        for (index, piece) in self.timeline.pieces.iter().enumerate() {
            let layout = if mono { "mono" } else { "stereo" };
            // Sound that starts late is padded in front, so that it keeps its place.
            let mut chain = format!("aformat=channel_layouts={layout},aresample=async=1:first_pts=0");
            for tempo in tempos(piece.speed) {
                let _ = write!(chain, ",atempo={tempo:.6}");
            }
            if let Some(frames) = piece.reel_frames {
                let length = self.timeline.rate.seconds(f64::from(frames));
                let _ = write!(chain, ",apad=whole_dur={length:.6},atrim=end={length:.6}");
            }
            let _ = write!(graph, ";[{}:{stream}]{chain}[a{index}]", index + 1);
            let _ = write!(joined, "[a{index}]");
        }
        let _ = write!(graph, ";{joined}concat=n={}:v=0:a=1[a]", self.timeline.pieces.len());
        graph
    }
}

/// `atempo` factors, each between 0.5 and 2 where it sounds best, whose product is `speed`.
fn tempos(speed: f64) -> Vec<f64> {
    if (speed - 1.0).abs() < 1e-9 {
        Vec::new()
    } else if (0.5..=2.0).contains(&speed) {
        vec![speed]
    } else {
        vec![speed.sqrt(); 2]
    }
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
            code: reel_core::job::code::ErrorCode::GpuOutOfMemory,
            sentence: reel_core::job::code::ErrorCode::GpuOutOfMemory.sentence().to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_speed_is_a_product_of_tempos_that_sound_well() {
        for speed in [0.25, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0] {
            let tempos = tempos(speed);
            assert!((tempos.iter().product::<f64>() - speed).abs() < 1e-9, "{speed}");
            assert!(tempos.iter().all(|tempo| (0.5..=2.0).contains(tempo)), "{speed}: {tempos:?}");
        }
    }
}
