//! The decoder: one run of ffmpeg that writes a stretch of a file as raw frames with their times.
//!
//! Invariant: no filter counts frames, because ffmpeg builds its filters anew when the size changes in the
//! middle of a stream.

use std::ffi::OsString;
use std::path::Path;

use reel_core::edit::PixelRect;

use super::args::{QUIET, strings, untrusted_input};
use super::probe::MediaInfo;
use super::stretch::Stretch;
use reel_media::clock::round_us;

/// What to decode; NUT with raw frames in planes comes out on stdout, to be read by [`nut`](super::nut).
#[derive(Clone, Copy, Debug)]
pub struct DecodeCommand<'a> {
    pub input: &'a Path,
    pub media: &'a MediaInfo,
    /// The part that is wanted. Frames before it come too, and frames after it until the process is stopped.
    pub stretch: Stretch,
    /// Frames in between those of the source, where they are wanted.
    pub interpolation: Option<MotionInterpolation>,
    /// The part of the picture that comes out; the rest is not worth its way through the pipe.
    pub area: PixelRect,
    /// Filters that draw on each frame; may be empty.
    pub draw_filters: &'a str,
}

/// More frames than the source has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MotionInterpolation {
    /// Frames for each second of source.
    pub fps: f64,
    /// The part of the picture that is made; the rest becomes black.
    pub area: PixelRect,
    pub in_between: InBetween,
}

/// How a frame between two is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InBetween {
    /// Everything moves half of its way.
    Motion,
    /// Both frames show through.
    Blend,
}

/// NUT has no times below zero, and files have: this is added to every time on the way through the pipe.
const PIPE_OFFSET_S: u32 = 10_000;
/// Half of a millisecond, the coarsest tick of a container: a cut between two stamps.
const EXACT_S: f64 = 0.0005;

impl DecodeCommand<'_> {
    /// Arguments of `ffmpeg`.
    pub fn args(&self) -> Vec<OsString> {
        let offset = PIPE_OFFSET_S.to_string();
        let mut args = strings(&QUIET);
        args.extend(strings(&["-copyts", "-an", "-sn", "-dn"]));
        args.extend(untrusted_input(self.input, self.stretch.seek_s));
        args.extend(["-map".into(), format!("0:{}", self.media.video_stream).into()]);
        args.extend(["-vf".into(), self.filters().into()]);
        args.extend(strings(&["-fps_mode", "passthrough", "-enc_time_base", "1:90000", "-c:v", "rawvideo"]));
        args.extend(strings(&["-avoid_negative_ts", "disabled", "-output_ts_offset", &offset]));
        // Without sync points and index there is nothing in the pipe but frames.
        args.extend(strings(&["-f", "nut", "-strict", "experimental", "-syncpoints", "none"]));
        args.extend(strings(&["-write_index", "0", "pipe:1"]));
        args
    }

    /// The film time in seconds of a time that was read from the pipe.
    pub fn film_time_s(&self, pipe_us: i64) -> f64 {
        let piped_s = reel_media::clock::seconds(pipe_us - round_us(f64::from(PIPE_OFFSET_S)));
        // Interpolated frames count from the start of the stretch.
        let file_s = if self.interpolation.is_some() { piped_s + self.stretch.start_s } else { piped_s };
        file_s - self.media.clock.file_time_s(0.0)
    }

    fn filters(&self) -> String {
        let MediaInfo { width, height, .. } = *self.media;
        let mut chain = Vec::new();
        if self.media.interlaced {
            chain.push("bwdif=mode=send_frame:deint=interlaced".to_owned());
        }
        if let Some(interpolation) = &self.interpolation {
            chain.push(self.interpolated(interpolation));
        }
        // Square pixels first; then the rest is cut off rather than squeezed in.
        chain.extend(self.media.color.filters(width, height, self.media.color_table.as_ref()));
        let area = self.area;
        if area != (PixelRect { x: 0, y: 0, width, height }) {
            chain.push(format!("crop={}:{}:{}:{}:exact=1", area.width, area.height, area.x, area.y));
        }
        if !self.draw_filters.is_empty() {
            chain.push(self.draw_filters.to_owned());
        }
        chain.join(",")
    }

    /// Motion interpolation of the stretch, whose output has its first frame at time 0.
    fn interpolated(&self, interpolation: &MotionInterpolation) -> String {
        let Stretch { start_s, end_s, .. } = self.stretch;
        let clock = &self.media.clock;
        let [film_start_s, film_end_s] = [start_s, end_s].map(|s| s - clock.file_time_s(0.0));
        // The filter needs two frames on each side; at the end of the film it gets copies instead.
        let (from_s, to_s) = clock.around(film_start_s, film_end_s, 2);
        let [from_s, to_s] = [from_s - EXACT_S, to_s + EXACT_S].map(|s| clock.file_time_s(s));
        let padded = format!("trim=start={from_s:.6}:end={to_s:.6},tpad=stop=3:stop_mode=clone");
        let film_s = format!("(T-({:.6}))", clock.file_time_s(0.0));
        // Jitter would show as motion, so the frames go to the grid that they were meant for.
        let even_s = match clock.grid_offset_frames() {
            Some(offset) => {
                let fps = clock.rate.fps();
                format!("((round({film_s}*{fps}-({offset:.6}))+({offset:.6}))/{fps})")
            }
            None => film_s,
        };
        let times = format!("settb=1/1000000,setpts='({even_s}-({film_start_s:.6}))/TB'");
        // Two frames at one time have no motion between them.
        let rising = "select='isnan(prev_selected_t)+gt(t,prev_selected_t)'";
        let MotionInterpolation { fps, area: PixelRect { x, y, width, height }, in_between } = interpolation;
        let options = match in_between {
            InBetween::Motion => "mi_mode=mci:mc_mode=aobmc:me_mode=bidir:vsbmc=1:scd=fdiff:scd_threshold=10",
            InBetween::Blend => "mi_mode=blend",
        };
        let (whole_width, whole_height) = (self.media.width, self.media.height);
        let made = format!("minterpolate=fps={fps:.6}:{options}");
        // A picture whose size changes in the middle must still hold the area.
        let scaled = format!("scale={whole_width}:{whole_height}");
        if (*width, *height) == (whole_width, whole_height) {
            return format!("{padded},{times},{rising},{made}");
        }
        format!(
            "{padded},{times},{rising},{scaled},crop={width}:{height}:{x}:{y}:exact=1,{made},\
             pad={whole_width}:{whole_height}:{x}:{y}"
        )
    }
}
