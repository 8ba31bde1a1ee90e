//! The times of all packets of a file, read once before it is planned.
//!
//! Invariant: memory is bounded by [`MAX_PACKETS`], whatever the file says.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::FfmpegError;
use super::args::input_limits;
use super::process::ProcessGroup;
use reel_media::clock::jumps::{BreakFinder, ClockKind, MAX_BREAKS, Repair, Track};
use reel_media::clock::round_us;
use reel_media::clock::stamps::{Span, Stamp};

/// What the packets of the chosen tracks say.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// One for each picture, in the order of the file.
    pub pictures: Vec<Stamp>,
    /// `None` when the chosen sound has no packet.
    pub sound: Option<Span>,
    pub picture_breaks: BreakFinder,
    pub sound_breaks: BreakFinder,
    /// All packets of the picture, also those that an edit list hides.
    pub picture_packets: u64,
    /// Packets of the picture are encrypted.
    pub is_encrypted: bool,
    /// Some packet of the picture says when it is decoded, but not when it is shown.
    lacks_shown: bool,
    /// The last error that ffprobe reported; the file was read as far as it went.
    pub error: Option<String>,
}

/// A day at 60 pictures a second, and a little more.
const MAX_PACKETS: u64 = 6_000_000;
/// H.264 and HEVC reorder at most so many pictures.
const MAX_REORDERED: usize = 16;
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

    /// What moves the tracks so that the clock does not jump.
    pub(super) fn repair(&self, kind: ClockKind) -> Repair {
        let mut span = None;
        for stamp in &self.pictures {
            Span::extend(&mut span, stamp);
        }
        let Some(span) = span else { return Repair::default() };
        let sound = self.sound.map(|span| Track { breaks: &self.sound_breaks.breaks, span });
        Repair::new(Track { breaks: &self.picture_breaks.breaks, span }, sound, kind)
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
        let (shown_us, decoded_us, duration_us) = (time_us(), time_us(), time_us());
        let stamp = Stamp::new(shown_us, decoded_us, duration_us);
        let is_hidden = fields.next().is_some_and(|flags| flags.contains('D'));
        if !is_picture {
            self.sound_breaks.push(stamp.as_ref());
            if let Some(stamp) = stamp.filter(|_| !is_hidden) {
                Span::extend(&mut self.sound, &stamp);
            }
            return;
        }
        self.picture_packets += 1;
        self.lacks_shown |= shown_us.is_none() && decoded_us.is_some();
        self.picture_breaks.push(stamp.as_ref());
        self.is_encrypted |= line.contains("Encryption info");
        if !is_hidden && let Some(stamp) = stamp.or_else(|| self.following()) {
            self.pictures.push(stamp);
        }
    }

    /// The stamp of a picture that has none: streams of programs may stamp only some.
    fn following(&self) -> Option<Stamp> {
        let last = self.pictures.iter().rev().take(MAX_REORDERED).max_by_key(|stamp| stamp.shown_us)?;
        let shown_us = last.shown_us + i64::from(last.duration_us);
        Some(Stamp { shown_us, reordered_us: 0, duration_us: last.duration_us })
    }

    /// Where a container does not say when every picture is shown, but when it is decoded, pictures are shown
    /// at the same distances, by so many pictures later.
    pub(super) fn delay_pictures(&mut self, reordered: u32) {
        if !self.lacks_shown {
            return;
        }
        for stamp in &mut self.pictures {
            let delay_us = i64::from(stamp.duration_us) * i64::from(reordered);
            stamp.shown_us = stamp.decoded_us() + delay_us;
            stamp.reordered_us = i32::try_from(delay_us).unwrap_or(0);
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
        assert_eq!((shown, scan.picture_packets), (vec![0, 33_333, 33_333], 4), "the third has no duration");
        assert_eq!(scan.sound, Some(Span { start_us: 0, end_us: 0 }));
        assert!(!scan.is_encrypted && scan.error.is_none());
    }

    #[test]
    fn a_picture_without_a_stamp_follows_the_last_one() {
        let scan =
            scan(&["0,N/A,N/A,N/A,K_", "0,0.5,0.5,0.04,K_", "0,0.58,0.54,0.04,__", "0,N/A,N/A,0.04,__"]);
        let shown: Vec<i64> = scan.pictures.iter().map(|stamp| stamp.shown_us).collect();
        assert_eq!(shown, [500_000, 580_000, 620_000]);
    }

    #[test]
    fn a_container_that_knows_only_decoding_shows_later() {
        let shown = |lines: &[&str]| {
            let mut scan = scan(lines);
            scan.delay_pictures(1);
            scan.pictures.iter().map(|stamp| stamp.shown_us).collect::<Vec<i64>>()
        };
        assert_eq!(shown(&["0,N/A,0.0,0.04,K_", "0,N/A,0.04,0.04,__"]), [40_000, 80_000]);
        assert_eq!(
            shown(&["0,N/A,0.0,0.04,K_", "0,0.08,0.04,0.04,__"]),
            [40_000, 80_000],
            "as some programs do"
        );
        assert_eq!(shown(&["0,0.08,0.0,0.04,K_", "0,0.04,0.04,0.04,__"]), [80_000, 40_000], "it knows");
    }

    #[test]
    fn encryption_of_the_picture_is_seen() {
        assert!(scan(&["0,0.000000,0.000000,0.033333,K_,Encryption info"]).is_encrypted);
        assert!(!scan(&["1,0.000000,0.000000,0.033333,K_,Encryption info"]).is_encrypted);
    }
}
