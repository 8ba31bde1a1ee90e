//! What a finished output is, read from its file and not from what was asked for.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::FfmpegError;
use super::process::ProcessGroup;
use reel_media::frame_rate::FrameRate;

/// The picture of an output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FinishedVideo {
    pub width: u32,
    pub height: u32,
    pub rate: FrameRate,
    /// By the index of the file.
    pub frames: u64,
    /// From the first frame to the end of the last.
    pub duration_ms: u64,
}

impl FinishedVideo {
    /// Runs ffprobe on an output of this renderer. One that cannot be read is a fault of the renderer.
    pub fn read(output: &Path, processes: &ProcessGroup) -> Result<Self, FfmpegError> {
        let entries = "stream=width,height,avg_frame_rate,nb_frames,duration";
        let args = ["-v", "error", "-select_streams", "v:0", "-show_entries", entries, "-of", "json"];
        let process = processes.start("ffprobe", args.iter().map(OsStr::new).chain([output.as_os_str()]))?;
        let mut json = Vec::new();
        if let Some(mut stdout) = process.stdout() {
            stdout.read_to_end(&mut json).map_err(|_| unreadable())?;
        }
        let exit = process.wait()?;
        if let Some(error) = exit.signal_error() {
            return Err(error);
        }
        let report: Report = serde_json::from_slice(&json).map_err(|_| unreadable())?;
        report.streams.first().and_then(Stream::video).ok_or_else(unreadable)
    }
}

fn unreadable() -> FfmpegError {
    FfmpegError::failed("The finished video cannot be read. Try the export again.")
}

#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    streams: Vec<Stream>,
}

#[derive(Deserialize)]
struct Stream {
    width: u32,
    height: u32,
    avg_frame_rate: String,
    nb_frames: String,
    duration: String,
}

impl Stream {
    fn video(&self) -> Option<FinishedVideo> {
        let seconds: f64 = self.duration.parse().ok()?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
        let duration_ms = (seconds * 1000.0).round() as u64;
        Some(FinishedVideo {
            width: self.width,
            height: self.height,
            rate: self.avg_frame_rate.parse().ok()?,
            frames: self.nb_frames.parse().ok().filter(|frames| *frames > 0)?,
            duration_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_picture_is_a_fault_of_the_renderer() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("reel.mp4");
        for bytes in [&b""[..], b"not a video"] {
            std::fs::write(&file, bytes).expect("written");
            assert_eq!(FinishedVideo::read(&file, &ProcessGroup::default()), Err(unreadable()));
        }
    }
}
