//! The still picture of a reel: small enough for a list, and not a black one.

use std::ffi::OsStr;
use std::path::Path;

use super::RenderError;
use super::child::Children;
use super::staging::Staging;

/// Takes a JPEG of a finished reel; it has its name only once it is kept.
///
/// The first frame from the middle on that is not dark; when seconds of it are dark, the first key frame
/// of the whole reel that is not, since those alone are quick to search; else the middle as it is.
pub(super) fn make<'p>(
    reel: &Path,
    poster: &'p Path,
    length_s: f64,
    children: &Children,
) -> Result<Staging<'p>, RenderError> {
    let staging = Staging::beside(poster)?;
    let middle = format!("{:.3}", length_s / 2.0);
    let (lit, any) = (format!("{LIT},{SMALL}"), SMALL.to_owned());
    let tries: [(&[&str], &str); 3] = [
        (&["-ss", &middle, "-t", SEARCHED_S], &lit),
        (&["-skip_frame", "nokey"], &lit),
        (&["-ss", &middle], &any),
    ];
    for (place, filter) in tries {
        let before = ["-nostdin", "-hide_banner", "-v", "error", "-y"].iter().chain(place).chain(&["-i"]);
        let after = ["-an", "-vf", filter, "-frames:v", "1", "-q:v", "3", "-update", "1"];
        let written = ["-f", "image2", "-c:v", "mjpeg"];
        let args = before.map(OsStr::new).chain([reel.as_os_str()]);
        let args = args.chain(after.iter().chain(&written).map(OsStr::new));
        let ended = children.start("ffmpeg", args.chain([staging.path().as_os_str()]))?.wait()?;
        if !ended.status.success() {
            return Err(RenderError::machine(format!(
                "The poster could not be made: {}.",
                ended.last_complaint()
            )));
        }
        // ffmpeg is content with a filter that lets nothing through.
        if std::fs::metadata(staging.path()).is_ok_and(|file| file.len() > 0) {
            return Ok(staging);
        }
    }
    Err(RenderError::machine("The poster could not be made: the reel shows no picture."))
}

/// How much from the middle on is looked at frame by frame: longer than any fade.
const SEARCHED_S: &str = "2";
/// Black is 16 in the range of video; a spotlight at night is above this.
const LIT: &str = "signalstats,metadata=mode=select:key=lavfi.signalstats.YAVG:value=28:function=greater";
/// At most 960 pixels a side, in the shape of the reel.
const SMALL: &str = "scale=w=min(iw\\,960):h=min(ih\\,960):force_original_aspect_ratio=decrease";
