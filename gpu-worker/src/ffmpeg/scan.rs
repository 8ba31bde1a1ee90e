//! The times of all packets of a file, read once before it is planned.
//!
//! Invariant: memory is bounded by [`MAX_PACKETS`], whatever the file says.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::FfmpegError;
use super::args::input_limits;
use super::process::ProcessGroup;
use crate::media::clock::jumps::{BreakFinder, MAX_BREAKS};
use crate::media::clock::round_us;
use crate::media::clock::stamps::{SoundStamps, Stamp};

/// What the packets of the chosen tracks say.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// One for each picture, in the order of the file.
    pub pictures: Vec<Stamp>,
    /// `None` when the chosen sound has no packet.
    pub sound: Option<SoundStamps>,
    pub picture_breaks: BreakFinder,
    pub sound_breaks: BreakFinder,
    /// All packets of the picture, also those that an edit list hides.
    pub picture_packets: u64,
    /// Packets of the picture are encrypted.
    pub is_encrypted: bool,
    /// The last error that ffprobe reported; the file was read as far as it went.
    pub error: Option<String>,
}

/// A day at 60 pictures a second, and a little more.
const MAX_PACKETS: u64 = 6_000_000;
/// A line of ffprobe has at most five numbers and flags.
const MAX_LINE_BYTES: u64 = 4096;

impl Scan {
    /// Reads the packets of the file. Stops a file that has more than the bound.
    pub(super) fn run(
        input: &Path,
        picture: usize,
        sound: Option<usize>,
        has_index: bool,
        processes: &ProcessGroup,
    ) -> Result<Self, FfmpegError> {
        const ENTRIES: &str =
            "packet=stream_index,pts_time,dts_time,duration_time,flags:packet_side_data=side_data_type";
        let limits = input_limits();
        // MP4 and MOV have all of it in their index; a film may be there in parts only.
        let reading: &[&str] = if has_index { &["-fflags", "+noparse"] } else { &[] };
        let args = ["-v", "error"].iter().chain(reading).chain(&limits).chain(&[
            "-show_entries",
            ENTRIES,
            "-of",
            "csv=p=0",
        ]);
        let args: Vec<OsString> =
            args.map(OsStr::new).chain([input.as_os_str()]).map(OsStr::to_owned).collect();
        let process = processes.start("ffprobe", args)?;
        let Some(stdout) = process.stdout() else {
            return Err(FfmpegError::failed("ffprobe's output could not be opened."));
        };
        let mut scan = Self::default();
        let mut lines = BufReader::with_capacity(1 << 16, stdout);
        let mut line = Vec::new();
        while read_line(&mut lines, &mut line)
            .map_err(|error| FfmpegError::failed(format!("ffprobe's output could not be read: {error}.")))?
        {
            scan.read_packet(&String::from_utf8_lossy(&line), picture, sound);
            if scan.picture_packets > MAX_PACKETS {
                process.kill();
                return Err(FfmpegError::invalid_input(format!(
                    "The video has more than {MAX_PACKETS} pictures. Cut it into shorter videos."
                )));
            }
        }
        drop(lines);
        let exit = process.wait()?;
        if let Some(error) = exit.signal_error() {
            return Err(error);
        }
        let has_errors = exit.stderr_tail.iter().any(|line| !line.trim().is_empty());
        scan.error = (has_errors || !exit.status.success()).then(|| exit.last_error_line());
        Ok(scan)
    }

    /// Whether either track has more breaks than anybody joins.
    pub(super) fn is_in_pieces(&self) -> bool {
        self.picture_breaks.breaks.len() > MAX_BREAKS || self.sound_breaks.breaks.len() > MAX_BREAKS
    }

    /// Reads a line such as `0,1.400000,1.366667,0.033333,K_,Skip Samples`.
    fn read_packet(&mut self, line: &str, picture: usize, sound: Option<usize>) {
        let mut fields = line.trim().split(',');
        let stream: Option<usize> = fields.next().and_then(|stream| stream.parse().ok());
        let is_picture = stream == Some(picture);
        if !is_picture && (stream.is_none() || stream != sound) {
            return;
        }
        let mut time_us = || fields.next().and_then(|text| text.parse().ok()).map(round_us);
        let stamp = Stamp::new(time_us(), time_us(), time_us());
        let is_hidden = fields.next().is_some_and(|flags| flags.contains('D'));
        if !is_picture {
            self.sound_breaks.push(stamp.as_ref());
            if let Some(stamp) = stamp.filter(|_| !is_hidden) {
                SoundStamps::extend(&mut self.sound, &stamp);
            }
            return;
        }
        self.picture_packets += 1;
        self.picture_breaks.push(stamp.as_ref());
        self.is_encrypted |= line.contains("Encryption info");
        if let Some(stamp) = stamp.filter(|_| !is_hidden) {
            self.pictures.push(stamp);
        }
    }
}

/// Reads one line without its end; a longer one than any of ffprobe's is cut into several.
fn read_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    let mut bounded = std::io::Read::take(lines.by_ref(), MAX_LINE_BYTES);
    Ok(bounded.read_until(b'\n', line)? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(lines: &[&str]) -> Scan {
        let mut scan = Scan::default();
        for line in lines {
            scan.read_packet(line, 0, Some(1));
        }
        scan
    }

    #[test]
    fn a_line_is_a_packet_of_a_chosen_track_or_nothing() {
        let scan = scan(&[
            "0,0.000000,-0.033333,0.033333,K_",
            "1,-0.021333,-0.021333,0.021333,KD,Skip Samples",
            "1,0.000000,0.000000,N/A,K_,",
            "2,9.0,9.0,9.0,K_",
            "0,0.033333,N/A,N/A,__",
            "0,N/A,N/A,0.033333,__",
            "0,0.066667,0.066667,0.033333,_D",
            "",
            "Skip Samples",
        ]);
        let shown: Vec<i64> = scan.pictures.iter().map(|stamp| stamp.shown_us).collect();
        assert_eq!((shown, scan.picture_packets), (vec![0, 33_333], 4));
        assert_eq!(scan.sound, Some(SoundStamps { start_us: 0, end_us: 0 }));
        assert!(!scan.is_encrypted && scan.error.is_none());
    }

    #[test]
    fn encryption_of_the_picture_is_seen() {
        assert!(scan(&["0,0.000000,0.000000,0.033333,K_,Encryption info"]).is_encrypted);
        assert!(!scan(&["1,0.000000,0.000000,0.033333,K_,Encryption info"]).is_encrypted);
    }
}
