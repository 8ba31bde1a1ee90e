//! The decoder: one run of ffmpeg that writes a stretch of a file as raw frames.

use std::ffi::OsString;
use std::path::Path;

use reel_core::edit::FrameSize;

use super::args::{QUIET, strings, untrusted_input};
use super::probe::MediaInfo;

/// What to decode; raw frames in planes come out on stdout.
#[derive(Clone, Copy, Debug)]
pub struct DecodeCommand<'a> {
    pub input: &'a Path,
    pub media: &'a MediaInfo,
    /// First source frame.
    pub first_frame: u32,
    /// How many frames to write; `None` for all that are left.
    pub frames: Option<u32>,
    /// Motion interpolation to this many frames per second of source.
    pub interpolate_fps: Option<f64>,
    /// Size of the frames; at most one column or row smaller than the source.
    pub size: FrameSize,
    /// Filters that draw on each frame; may be empty.
    pub draw_filters: &'a str,
}

impl DecodeCommand<'_> {
    /// Arguments of `ffmpeg`.
    pub fn args(&self) -> Vec<OsString> {
        let (seek_s, preroll) = seek_position(self.first_frame, self.media);
        let mut args = strings(&QUIET);
        args.extend(untrusted_input(self.input, seek_s, None));
        args.extend(["-map".into(), format!("0:{}", self.media.video_stream).into()]);
        args.extend(["-vf".into(), self.filters(preroll).into()]);
        if let Some(frames) = self.frames {
            args.extend(["-frames:v".into(), frames.to_string().into()]);
        }
        args.extend(strings(&["-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"]));
        args
    }

    fn filters(&self, preroll: u32) -> String {
        let MediaInfo { width, height, rate, .. } = *self.media;
        let mut chain = Vec::new();
        if self.media.interlaced {
            chain.push("bwdif=mode=send_frame:deint=interlaced".to_owned());
        }
        if self.media.variable_rate {
            chain.push(format!("fps={rate}:start_time=0"));
        }
        if preroll > 0 {
            chain.push(format!("trim=start_frame={preroll}"));
        }
        if let Some(fps) = self.interpolate_fps {
            // The filter needs frames after the last one, so it gets copies. Timestamps are put on an
            // exact grid first, because jitter would show as motion.
            chain.push("tpad=stop=3:stop_mode=clone".to_owned());
            chain.push(format!("settb=1/1000000,setpts=N/({rate})/TB"));
            chain.push(format!(
                "minterpolate=fps={fps:.6}:mi_mode=mci:mc_mode=aobmc:me_mode=bidir:vsbmc=1:scd=fdiff:scd_threshold=10"
            ));
        }
        // Square pixels first; then an odd last column or row is cut off rather than squeezed in.
        chain.extend(self.media.color.filters(width, height, self.media.color_table.as_ref()));
        if (self.size.width, self.size.height) != (width, height) {
            chain.push(format!("crop={}:{}:0:0:exact=1", self.size.width, self.size.height));
        }
        if !self.draw_filters.is_empty() {
            chain.push(self.draw_filters.to_owned());
        }
        chain.join(",")
    }
}

/// Where to seek for frame `first`, in seconds of the file, and how many decoded frames to drop then.
fn seek_position(first: u32, media: &MediaInfo) -> (Option<f64>, u32) {
    /// With uneven frame times, the frame on screen at the cut may have come long before it.
    const VARIABLE_RATE_PREROLL_S: f64 = 2.0;
    if first == 0 || !media.seekable {
        return (None, first);
    }
    if media.variable_rate {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred at most")]
        let preroll = ((VARIABLE_RATE_PREROLL_S * media.rate.fps()) as u32).min(first);
        return (Some(media.rate.duration_s((first - preroll).into())), preroll);
    }
    // Half a frame early, so that rounded timestamps do not lose the frame itself.
    (Some(media.video_delay_s + media.rate.time_s(f64::from(first) - 0.5)), 0)
}
