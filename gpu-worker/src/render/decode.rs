//! From a file to raw pictures: one ffmpeg per piece of a clip, read as a stream.
//!
//! Invariant: pictures come in the order of the reel, each with the moment of the source that
//! it shows. This file picks and repeats frames; it never looks into one.

use std::ffi::OsString;
use std::io::Read;
use std::sync::mpsc::SyncSender;

use super::RenderError;
use super::child::Children;
use super::child::Ended;
use super::picture::Picture;
use super::picture::Pool;
use super::reel::Part;
use super::source::FORMATS;
use super::source::PROTOCOLS;
use super::source::Source;
use super::timeline::Piece;
use super::timeline::Sampling;

/// What the decoder reads, fixed for a render.
#[derive(Clone, Copy)]
pub(super) struct Decoding<'a> {
    pub part: &'a Part<'a>,
    /// The last picture stands until the told length is reached: another clip comes after it.
    pub fill: bool,
    pub children: &'a Children,
    pub pool: &'a Pool,
}

/// One picture on its way to the composer.
pub(super) struct Shown {
    pub picture: Picture,
    /// The moment of the source, in frames.
    pub frame: f64,
    /// How many frames of the reel show it.
    pub times: u32,
}

impl Decoding<'_> {
    /// Decodes piece after piece; ends early without a fault when nobody listens any more.
    pub(super) fn run(self, listener: &SyncSender<Shown>) -> Result<(), RenderError> {
        for (index, piece) in self.part.timeline.pieces.iter().enumerate() {
            let drawn = self.part.drawn.get(index).map_or("", String::as_str);
            if !self.piece(piece, drawn, listener)? {
                break;
            }
        }
        Ok(())
    }

    /// Answers whether anybody still listens.
    fn piece(&self, piece: &Piece, drawn: &str, listener: &SyncSender<Shown>) -> Result<bool, RenderError> {
        let tool = self.children.start("ffmpeg", self.args(piece, drawn))?;
        let Some(mut pictures) = tool.stdout() else {
            return Err(RenderError::machine("ffmpeg's output could not be opened."));
        };
        let mut sampler = Sampler::new(piece, self.fill);
        let mut decoded = 0_u32;
        let mut heard = true;
        while !sampler.is_full() {
            let mut picture = self.pool.take();
            if !fill(&mut pictures, &mut picture) {
                self.pool.give(picture);
                break;
            }
            match sampler.offer(decoded, picture) {
                Offered::Show(shown) => heard = listener.send(shown).is_ok(),
                Offered::Keep => {}
                Offered::Drop(unused) => self.pool.give(unused),
            }
            decoded += 1;
            if !heard {
                break;
            }
        }
        let starved = !sampler.is_full() && heard;
        if let Some(last) = sampler.finish()
            && heard
        {
            heard = listener.send(last).is_ok();
        }
        drop(pictures);
        if !starved {
            tool.kill();
        }
        let ended = tool.wait()?;
        if starved { explain(piece, decoded, &ended).map_or(Ok(heard), Err) } else { Ok(heard) }
    }

    fn args(&self, piece: &Piece, drawn: &str) -> Vec<OsString> {
        let source = &self.part.source;
        let (seek_s, preroll) = seek(piece.first, source);
        let mut args: Vec<OsString> = [
            "-nostdin",
            "-hide_banner",
            "-v",
            "error",
            "-format_whitelist",
            FORMATS,
            "-protocol_whitelist",
            PROTOCOLS,
        ]
        .map(OsString::from)
        .into();
        if let Some(seek_s) = seek_s {
            args.extend(["-ss".into(), format!("{seek_s:.6}").into()]);
        }
        args.extend(["-i".into(), self.part.input.into()]);
        args.extend(["-map".into(), format!("0:{}", source.video).into()]);
        args.extend(["-vf".into(), self.filters(piece, preroll, drawn).into()]);
        let pictures = match piece.sampling {
            Sampling::Pick { .. } => piece.source_frames,
            Sampling::Interpolate { .. } => piece.reel_frames,
        };
        if let Some(pictures) = pictures {
            args.extend(["-frames:v".into(), pictures.to_string().into()]);
        }
        args.extend(["-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"].map(OsString::from));
        args
    }

    fn filters(&self, piece: &Piece, preroll: u32, drawn: &str) -> String {
        let source = &self.part.source;
        let size = self.pool.size();
        let mut chain = Vec::new();
        if source.interlaced {
            chain.push("bwdif=mode=send_frame:deint=interlaced".to_owned());
        }
        if source.variable {
            chain.push(format!("fps={}:start_time=0", source.rate));
        }
        if preroll > 0 {
            chain.push(format!("trim=start_frame={preroll}"));
        }
        if let Sampling::Interpolate { fps, .. } = piece.sampling {
            // The filter cannot reach the last pictures, so it gets some more after them. Everything
            // goes on an exact grid first, for jitter would show as motion.
            chain.push("tpad=stop=3:stop_mode=clone".to_owned());
            chain.push(format!("settb=1/1000000,setpts=N/({})/TB", source.rate));
            chain.push(format!(
                "minterpolate=fps={fps:.6}:mi_mode=mci:mc_mode=aobmc:me_mode=bidir:vsbmc=1:scd=fdiff:scd_threshold=10"
            ));
        }
        if source.hdr {
            chain.push(
                "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,\
                 zscale=t=bt709:m=bt709:r=tv,format=yuv420p"
                    .to_owned(),
            );
        }
        let matrix = source.assumed_matrix().filter(|_| !source.hdr);
        let matrix = matrix.map(|matrix| format!(":in_color_matrix={matrix}")).unwrap_or_default();
        // Square pixels first, then an odd last column or row is cut off rather than squeezed in.
        chain.push(format!("scale={}:{}{matrix}", source.width, source.height));
        if (size.width, size.height) != (source.width, source.height) {
            chain.push(format!("crop={}:{}:0:0:exact=1", size.width, size.height));
        }
        chain.push("format=bgr24".to_owned());
        if !drawn.is_empty() {
            chain.push(drawn.to_owned());
        }
        chain.join(",")
    }
}

/// Why the pictures ended before the piece was full; `None` when that is how the file is.
fn explain(piece: &Piece, decoded: u32, ended: &Ended) -> Option<RenderError> {
    if let Some(killed) = ended.killed() {
        return Some(killed);
    }
    let expected = match piece.sampling {
        Sampling::Pick { .. } => piece.source_frames,
        Sampling::Interpolate { .. } => piece.reel_frames,
    };
    let complained = !ended.complaints.is_empty() || !ended.status.success();
    if decoded == 0 {
        let why = if complained { format!(" ({})", ended.last_complaint()) } else { String::new() };
        return Some(RenderError::input(format!(
            "No picture of the video can be decoded{why}; upload it again."
        )));
    }
    // A container may count a little wrong; a file that broke off lacks more, and ffmpeg says so.
    let missing = expected.map_or(0, |expected| expected.saturating_sub(decoded));
    let serious = missing > 3 + expected.unwrap_or(0) / 50;
    (serious && complained).then(|| {
        RenderError::input(format!(
            "The video breaks off after {decoded} of {} frames; upload it again.",
            expected.unwrap_or(decoded)
        ))
    })
}

/// Where to jump to decode from frame `first`, in seconds of the file, and how many frames to
/// drop then.
fn seek(first: u32, source: &Source) -> (Option<f64>, u32) {
    /// Frames at uneven times: the one on screen at the cut may have come long before it.
    const VARIABLE_PREROLL_S: f64 = 2.0;
    let fps = source.rate.fps();
    if first == 0 || !source.seekable {
        return (None, first);
    }
    if source.variable {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred at most")]
        let preroll = ((VARIABLE_PREROLL_S * fps) as u32).min(first);
        let seek_s = source.rate.seconds(f64::from(first - preroll));
        return (Some(seek_s), preroll);
    }
    // Half a frame early, so that rounded timestamps do not lose the frame itself.
    (Some(source.delay_s + source.rate.seconds(f64::from(first) - 0.5)), 0)
}

/// Reads one picture; `false` at the end, also in the middle of a broken one.
fn fill(pictures: &mut impl Read, picture: &mut Picture) -> bool {
    pictures.read_exact(picture.bytes_mut()).is_ok()
}

/// Decides which decoded pictures the reel shows, and how often.
struct Sampler<'p> {
    piece: &'p Piece,
    /// Frames of the reel that have a picture.
    filled: u32,
    held: Option<Shown>,
    /// Whether the last picture may stand for any number of frames.
    fill: bool,
}

enum Offered {
    Show(Shown),
    Keep,
    Drop(Picture),
}

impl<'p> Sampler<'p> {
    fn new(piece: &'p Piece, fill: bool) -> Self {
        Self { piece, filled: 0, held: None, fill }
    }

    fn is_full(&self) -> bool {
        self.piece.reel_frames.is_some_and(|frames| self.filled >= frames)
    }

    /// Takes decoded picture number `index` of the piece.
    fn offer(&mut self, index: u32, picture: Picture) -> Offered {
        let (times, moment) = match self.piece.sampling {
            Sampling::Interpolate { .. } => (1, self.piece.sampling.moment(index)),
            Sampling::Pick { .. } => (self.times(index), f64::from(index)),
        };
        if times == 0 {
            return Offered::Drop(picture);
        }
        self.filled += times;
        let shown = Shown { picture, frame: f64::from(self.piece.first) + moment, times };
        self.held.replace(shown).map_or(Offered::Keep, Offered::Show)
    }

    fn times(&self, index: u32) -> u32 {
        let left = self.piece.reel_frames.map_or(u32::MAX, |frames| frames - self.filled);
        let moment = |k: u32| self.piece.sampling.moment(k);
        let wanted = (self.filled..).take_while(|k| moment(*k) <= f64::from(index));
        u32::try_from(wanted.take(left as usize).count()).unwrap_or(left)
    }

    /// The last picture. It fills up a reel that lacks a frame or two, as motion interpolation
    /// leaves them off at the end of a file.
    fn finish(&mut self) -> Option<Shown> {
        const MOST: u32 = 8;
        let mut last = self.held.take()?;
        let missing = self.piece.reel_frames.map_or(0, |frames| frames.saturating_sub(self.filled));
        if self.fill || missing <= MOST {
            last.times += missing;
        }
        Some(last)
    }
}
