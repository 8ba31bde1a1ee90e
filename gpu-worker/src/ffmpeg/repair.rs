//! A copy of a file whose clock does not jump.
//!
//! Nothing is decoded: packets are moved in time and written again. Invariant: the copy has no name, so that
//! nothing is left of it, whatever ends the render.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use super::FfmpegError;
use super::args::{QUIET, strings, untrusted_input};
use super::process::ProcessGroup;
use reel_media::clock::jumps::{Repair, Shift};
use reel_media::clock::seconds;

/// The copy; it is gone when this is dropped.
#[derive(Debug)]
pub struct RepairedFile {
    _file: File,
    path: PathBuf,
}

/// A copy is its file.
impl PartialEq for RepairedFile {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl RepairedFile {
    /// Where ffmpeg reads it.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Copies the picture and the sound with the shifts of `repair`, into an unnamed file in `folder`.
pub(super) fn copy_with(
    repair: &Repair,
    input: &Path,
    (picture, sound): (usize, Option<usize>),
    folder: &Path,
    processes: &ProcessGroup,
) -> Result<RepairedFile, FfmpegError> {
    let file = tempfile::tempfile_in(folder)
        .map_err(|error| FfmpegError::failed(format!("The renderer's disk cannot be written: {error}.")))?;
    // By our own process id, because the child does not inherit the open file.
    let path = PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()));
    let mut args = strings(&QUIET);
    args.extend(strings(&["-y", "-copyts"]));
    args.extend(untrusted_input(input, None));
    args.extend(["-map".into(), OsString::from(format!("0:{picture}"))]);
    args.extend(strings(&["-bsf:v", &moved(&repair.picture)]));
    if let Some(sound) = sound {
        args.extend(["-map".into(), OsString::from(format!("0:{sound}"))]);
        args.extend(strings(&["-bsf:a", &moved(&repair.sound)]));
    }
    args.extend(strings(&[
        "-c",
        "copy",
        "-copyinkf",
        "-avoid_negative_ts",
        "make_non_negative",
        "-f",
        "matroska",
    ]));
    args.push(path.clone().into());
    let exit = processes.start("ffmpeg", args)?.wait()?;
    if let Some(error) = exit.signal_error() {
        return Err(error);
    }
    if exit.stderr_tail.iter().any(|line| line.contains("No space left on device")) {
        return Err(FfmpegError::failed(
            "The renderer's disk is full. Free some space and try the export again.",
        ));
    }
    if !exit.status.success() {
        return Err(FfmpegError::invalid_input(format!(
            "The video's clock jumps, and it could not be put right ({}). Convert it to MP4 and upload it again.",
            exit.last_error_line()
        )));
    }
    Ok(RepairedFile { _file: file, path })
}

/// The filter that moves packets. It counts in ticks of the copy, and Matroska's are milliseconds.
fn moved(shifts: &[Shift]) -> String {
    let mut by = String::new();
    for Shift { packet, by_us } in shifts {
        // Writing to a string cannot fail.
        let _ = write!(by, "+gte(N,{packet})*({:.3})", seconds(*by_us) * 1000.0);
    }
    format!("setts=pts='PTS{by}':dts='DTS{by}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_moved_from_their_number_on() {
        assert_eq!(moved(&[]), "setts=pts='PTS':dts='DTS'");
        let shifts = [Shift { packet: 90, by_us: -1_500_000 }, Shift { packet: 100, by_us: 20 }];
        let by = "+gte(N,90)*(-1500.000)+gte(N,100)*(0.020)";
        assert_eq!(moved(&shifts), format!("setts=pts='PTS{by}':dts='DTS{by}'"));
    }
}
