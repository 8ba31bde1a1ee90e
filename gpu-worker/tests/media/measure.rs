//! What stands in a file, measured with ffmpeg and ffprobe alone: nothing here knows the renderer.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::picture::{self, FRAME_BYTES, HEIGHT, Reading, WIDTH};
use crate::sound::{self, Heard};

/// A decoded picture with the time that the file gives it.
#[derive(Clone, Debug)]
pub struct Shown {
    pub time_s: f64,
    pub reading: Reading,
}

/// Decodes every picture of one stream (`v:0`, or an index), small. `filters` come first and may be empty.
pub fn pictures(file: &Path, stream: &str, filters: &str) -> Vec<Shown> {
    let first = if filters.is_empty() { String::new() } else { format!("{filters},") };
    let chain = format!("{first}scale={WIDTH}:{HEIGHT}:flags=area,format=rgb24,showinfo=checksum=0");
    let map = format!("0:{stream}");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-hide_banner", "-v", "info", "-nostats", "-copyts", "-i"]).arg(file);
    ffmpeg.args(["-map", &map, "-vf", &chain, "-fps_mode", "passthrough", "-f", "rawvideo", "-"]);
    let output = ffmpeg.output().expect("ffmpeg is installed");
    let log = String::from_utf8_lossy(&output.stderr);
    // As in "n:   3 pts:  9000 pts_time:0.1 duration: ...".
    let times: Vec<f64> = log
        .lines()
        .filter(|line| line.contains("Parsed_showinfo"))
        .filter_map(|line| line.split("pts_time:").nth(1)?.split_whitespace().next()?.parse().ok())
        .collect();
    let frames = output.stdout.chunks_exact(FRAME_BYTES);
    assert_eq!(frames.len(), times.len(), "{}: each picture has a time", file.display());
    frames.zip(times).map(|(frame, time_s)| Shown { time_s, reading: picture::read(frame) }).collect()
}

/// Decodes one sound stream (`a:0`, or an index) to one channel, silence where the file has a gap.
pub fn sound(file: &Path, stream: &str) -> Heard {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-i"]).arg(file).args(["-map", &format!("0:{stream}")]);
    ffmpeg.args(["-af", "aresample=48000:async=1:first_pts=0", "-ac", "1", "-f", "s16le", "-"]);
    // ffmpeg takes the start of the streams that it reads as zero, so it has to read the picture too.
    ffmpeg.args(["-map", "0:v?", "-c", "copy", "-f", "null", "-"]);
    sound::read(&run(&mut ffmpeg).stdout)
}

/// What ffprobe says of streams and format.
pub fn probe(file: &Path) -> Value {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-show_streams", "-show_format", "-of", "json"]).arg(file);
    serde_json::from_slice(&run(&mut ffprobe).stdout).expect("JSON")
}

/// The same as lines: `streams.stream.0.codec_name="h264"`.
pub fn probe_lines(file: &Path) -> String {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-show_streams", "-show_format", "-of", "flat"]).arg(file);
    String::from_utf8_lossy(&run(&mut ffprobe).stdout).into_owned()
}

/// The times of the key frames of the first picture stream, in seconds.
pub fn key_frames(file: &Path) -> Vec<f64> {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time,flags"]);
    let output = run(ffprobe.args(["-of", "csv=p=0"]).arg(file));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let key = text.lines().filter(|line| line.contains(",K"));
    key.filter_map(|line| line.split(',').next()?.parse().ok()).collect()
}

pub fn run(command: &mut Command) -> Output {
    let output = command.output().expect("ffmpeg is installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
