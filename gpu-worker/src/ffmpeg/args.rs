//! Options that command lines share, and the limits on what ffmpeg may open.

use std::ffi::OsString;
use std::path::Path;

/// Containers that hold one video. The list excludes playlists and scripts, which would make
/// ffmpeg open other files and addresses.
const DEMUXERS: &str =
    "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,h264,hevc,m4v,3gp,ivf,nut";
/// The only protocols that an input may use, for the same reason.
const PROTOCOLS: &str = "file,pipe";

/// Must stand before every input that came from outside.
pub(super) const INPUT_SAFETY: [&str; 4] = ["-format_whitelist", DEMUXERS, "-protocol_whitelist", PROTOCOLS];

/// No questions on the terminal, no banner, errors only.
pub(super) const QUIET: [&str; 4] = ["-nostdin", "-hide_banner", "-v", "error"];

/// An input that came from outside, from `start_s` on and of `length_s` when they are given.
pub(super) fn untrusted_input(path: &Path, start_s: Option<f64>, length_s: Option<f64>) -> Vec<OsString> {
    let mut args = strings(&INPUT_SAFETY);
    if let Some(start_s) = start_s {
        args.extend(["-ss".into(), format!("{start_s:.6}").into()]);
    }
    if let Some(length_s) = length_s {
        args.extend(["-t".into(), format!("{length_s:.6}").into()]);
    }
    args.extend(["-i".into(), path.into()]);
    args
}

/// Escapes twice, because ffmpeg unescapes twice: the filter graph, then the option's value.
pub(super) fn escape_filter_value(text: &str) -> String {
    let escape = |text: &str, special: &[char]| {
        let mut out = String::with_capacity(text.len() * 2);
        for c in text.chars() {
            if special.contains(&c) {
                out.push('\\');
            }
            out.push(c);
        }
        out
    };
    escape(&escape(text, &['\\', '\'', ':']), &['\\', '\'', '[', ']', ',', ';'])
}

pub(super) fn strings(args: &[&str]) -> Vec<OsString> {
    args.iter().map(OsString::from).collect()
}
