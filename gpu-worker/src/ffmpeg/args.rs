//! Options that command lines share, and the limits on what ffmpeg may open.

use std::ffi::OsString;
use std::path::Path;

use super::codecs;

/// Containers that hold one video. The list excludes playlists and scripts, which would make
/// ffmpeg open other files and addresses.
const DEMUXERS: &str =
    "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,h264,hevc,m4v,3gp,ivf,nut";
/// The only protocols that an input may use, for the same reason.
const PROTOCOLS: &str = "file,pipe";
/// The most pixels of a picture: a square of the largest side. A file of a few megabytes can name a size that
/// takes gigabytes of memory, also in the middle of a stream.
const MAX_PIXELS: &str = "67108864";

/// No questions on the terminal, no banner, errors only.
pub(super) const QUIET: [&str; 4] = ["-nostdin", "-hide_banner", "-v", "error"];

/// The limits, which must stand before every input that came from outside.
pub(super) fn input_limits() -> [&'static str; 8] {
    [
        "-format_whitelist",
        DEMUXERS,
        "-protocol_whitelist",
        PROTOCOLS,
        "-codec_whitelist",
        codecs::decoder_list(),
        "-max_pixels",
        MAX_PIXELS,
    ]
}

/// An input that came from outside. `seek_s` is a time of the file itself; reading starts at a point that the
/// container finds near it, so that the reader has to look at the stamps.
pub(super) fn untrusted_input(path: &Path, seek_s: Option<f64>) -> Vec<OsString> {
    let mut args = strings(&input_limits());
    if let Some(seek_s) = seek_s {
        args.extend(strings(&["-noaccurate_seek", "-seek_timestamp", "1"]));
        args.extend(["-ss".into(), format!("{seek_s:.6}").into()]);
    }
    args.extend(["-i".into(), path.into()]);
    args
}

pub(super) fn strings(args: &[&str]) -> Vec<OsString> {
    args.iter().map(OsString::from).collect()
}
