//! The poster: one frame of a finished output as a small JPEG that is not black.

use std::ffi::OsString;
use std::path::Path;

use super::args::{QUIET, strings};

/// The runs of `ffmpeg` to try in order until one leaves a file that is not empty.
///
/// First the frames from the middle on, for the first that is not dark; when two seconds of them are
/// dark, the key frames of the whole output, because only those are quick to search; else the middle as
/// it is.
pub fn poster_args(video: &Path, length_s: f64, poster: &Path) -> [Vec<OsString>; 3] {
    let middle = format!("{:.3}", length_s / 2.0);
    let not_dark = format!("{NOT_DARK},{DOWNSCALE}");
    let run = |input_options: &[&str], filter: &str| {
        let mut args = strings(&QUIET);
        args.push("-y".into());
        args.extend(strings(input_options));
        args.extend(["-i".into(), video.into()]);
        args.extend(strings(&["-an", "-vf", filter, "-frames:v", "1", "-q:v", "3", "-update", "1"]));
        args.extend(strings(&["-f", "image2", "-c:v", "mjpeg"]));
        args.push(poster.into());
        args
    };
    [
        run(&["-ss", &middle, "-t", SEARCHED_S], &not_dark),
        run(&["-skip_frame", "nokey"], &not_dark),
        run(&["-ss", &middle], DOWNSCALE),
    ]
}

/// How much is searched frame by frame: longer than any fade.
const SEARCHED_S: &str = "2";
/// Black is 16 in limited range; a spotlight at night is above 28.
const NOT_DARK: &str =
    "signalstats,metadata=mode=select:key=lavfi.signalstats.YAVG:value=28:function=greater";
/// At most 960 pixels a side, in the shape of the output.
const DOWNSCALE: &str = "scale=w=min(iw\\,960):h=min(ih\\,960):force_original_aspect_ratio=decrease";
