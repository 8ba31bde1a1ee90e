//! The still picture of a reel.

use std::ffi::OsStr;
use std::path::Path;

use super::RenderError;
use super::child::Children;
use super::staging::Staging;

/// Takes a JPEG from the middle of a finished reel; it has its name only once it is kept.
pub(super) fn make<'p>(
    reel: &Path,
    poster: &'p Path,
    length_s: f64,
    children: &Children,
) -> Result<Staging<'p>, RenderError> {
    let staging = Staging::beside(poster)?;
    let middle = format!("{:.3}", length_s / 2.0);
    let before = ["-nostdin", "-hide_banner", "-v", "error", "-y", "-ss", &middle, "-i"];
    let after = ["-frames:v", "1", "-q:v", "3", "-update", "1", "-f", "image2", "-c:v", "mjpeg"];
    let before = before.iter().map(OsStr::new).chain([reel.as_os_str()]);
    let args = before.chain(after.iter().map(OsStr::new)).chain([staging.path().as_os_str()]);
    let ended = children.start("ffmpeg", args)?.wait()?;
    if !ended.status.success() {
        return Err(RenderError::machine(format!(
            "The poster could not be made: {}.",
            ended.last_complaint()
        )));
    }
    Ok(staging)
}
