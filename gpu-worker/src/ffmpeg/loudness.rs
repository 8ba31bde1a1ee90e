//! How loud each channel of a sound is: decoded once, only where the choice of tracks depends on it.

use std::io::{BufReader, Read};
use std::path::Path;

use super::FfmpegError;
use super::args::{QUIET, strings, untrusted_input};
use super::process::ProcessGroup;
use super::stretch::Stretch;
use super::tracks::{ChannelPeaks, SoundTrack};

/// What is listened to at most: more than a clip has, and a few seconds of decoding.
const MAX_LISTENED_S: f64 = 600.0;
/// Low, since only the loudness matters.
const SAMPLE_RATE_HZ: u32 = 8000;
/// The most channels that a track may have.
const MAX_CHANNELS: u32 = 64;

/// The peaks of some tracks over a stretch of the file's clock.
pub fn peaks(
    input: &Path,
    tracks: &[&SoundTrack],
    stretch: Stretch,
    processes: &ProcessGroup,
) -> Result<Vec<ChannelPeaks>, FfmpegError> {
    tracks.iter().map(|track| peaks_of(input, track, stretch, processes)).collect()
}

fn peaks_of(
    input: &Path,
    track: &SoundTrack,
    stretch: Stretch,
    processes: &ProcessGroup,
) -> Result<ChannelPeaks, FfmpegError> {
    let end_s = stretch.end_s.min(stretch.start_s + MAX_LISTENED_S);
    let mut args = strings(&QUIET);
    args.extend(strings(&["-copyts", "-vn", "-sn", "-dn"]));
    args.extend(untrusted_input(input, stretch.seek_s));
    let filters = format!("atrim=start={:.6}:end={end_s:.6},aresample={SAMPLE_RATE_HZ}", stretch.start_s);
    let map = format!("0:{}", track.stream);
    args.extend(strings(&["-map", &map, "-af", &filters, "-f", "f32le", "pipe:1"]));
    let process = processes.start("ffmpeg", args)?;
    let Some(stdout) = process.stdout() else {
        return Err(FfmpegError::failed("ffmpeg's output could not be opened."));
    };
    let mut samples = BufReader::with_capacity(1 << 16, stdout);
    let channels = track.channels.min(MAX_CHANNELS) as usize;
    let mut peaks = vec![0.0_f32; channels];
    let mut sample = [0; 4];
    'read: loop {
        for peak in &mut peaks {
            // The end of the sound, or of what could be decoded of it.
            if samples.read_exact(&mut sample).is_err() {
                break 'read;
            }
            *peak = peak.max(f32::from_le_bytes(sample).abs());
        }
    }
    drop(samples);
    // A sound that cannot be decoded is a silent one; another track may be heard.
    process.wait()?;
    Ok(ChannelPeaks(peaks))
}
