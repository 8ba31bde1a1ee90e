//! The folder where films are made, each once and when it is first asked for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tempfile::TempDir;

use crate::measure::run;
use crate::picture::{self, FRAME_BYTES, HEIGHT, WIDTH};
use crate::sound;

/// Films by file name, and the lossless masters that they are made from.
pub struct FilmFolder {
    folder: TempDir,
    made: Mutex<HashMap<String, Arc<OnceLock<PathBuf>>>>,
}

/// A master: a rate as a fraction, and a length.
#[derive(Clone, Copy, Debug)]
pub struct Master {
    pub rate: (u64, u64),
    pub length_ms: u64,
}

/// Thirty frames a second for three seconds.
pub const PLAIN: Master = Master::new(30, 3000);
/// Long enough to run apart.
pub const LONG: Master = Master::new(30, 8000);

/// Quick H.264 of high quality, tagged as what it is.
pub const H264: &[&str] = &["-c:v", "libx264", "-preset", "ultrafast", "-crf", "14", "-pix_fmt", "yuv420p"];
pub const AAC: &[&str] = &["-c:a", "aac", "-b:a", "128k"];
pub const BT709: &[&str] = &["-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709"];
/// From the master's RGB to what most films are.
pub const TO_BT709: &str = "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p";

impl Master {
    pub const fn new(fps: u64, length_ms: u64) -> Self {
        Self { rate: (fps, 1), length_ms }
    }

    /// Rates of television: 30 means 30000/1001.
    pub const fn ntsc(fps: u64, length_ms: u64) -> Self {
        Self { rate: (fps * 1000, 1001), length_ms }
    }

    pub const fn frames(self) -> u64 {
        (self.length_ms * self.rate.0).div_ceil(self.rate.1 * 1000)
    }
}

impl FilmFolder {
    pub fn new() -> Self {
        Self { folder: TempDir::with_prefix("films-").expect("a folder"), made: Mutex::default() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The file of this name; `make` writes it when it does not exist.
    pub fn file(&self, name: &str, make: impl FnOnce(&Path)) -> PathBuf {
        let entry = {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(made.entry(name.to_owned()).or_default())
        };
        let path = entry.get_or_init(|| {
            let path = self.path(name);
            make(&path);
            path
        });
        path.clone()
    }

    /// Input arguments of ffmpeg for picture (`0:v`) and sound (`1:a`) of a master.
    pub fn master(&self, master: Master) -> Vec<String> {
        let (num, den) = master.rate;
        let name = format!("master-{num}-{den}-{}", master.length_ms);
        let pictures = self.file(&format!("{name}.rgb"), |path| write_pictures(master, path));
        let beeps = self.file(&format!("{name}.pcm"), |path| {
            std::fs::write(path, sound::draw(master.length_ms)).expect("written");
        });
        let mut args = words(&["-f", "rawvideo", "-pixel_format", "rgb24", "-video_size"]);
        args.extend([format!("{WIDTH}x{HEIGHT}"), "-framerate".to_owned(), format!("{num}/{den}")]);
        args.extend(["-i".to_owned(), text(&pictures)]);
        args.extend(words(&["-f", "s16le", "-ar", "48000", "-ac", "1", "-i"]));
        args.push(text(&beeps));
        args
    }

    /// Runs ffmpeg on a master. Picture filters begin with RGB frames; the sound is made stereo.
    pub fn encode(&self, master: Master, filters: &str, args: &[&[&str]], out: &Path) {
        let mut ffmpeg = ffmpeg();
        ffmpeg.args(self.master(master)).args(["-map", "0:v", "-map", "1:a", "-ac", "2", "-vf", filters]);
        ffmpeg.args(["-fps_mode", "passthrough"]);
        run(ffmpeg.args(args.concat()).arg(out));
    }

    /// H.264 and AAC of a master, in the container that the name asks for.
    pub fn h264(&self, master: Master, filters: &str, args: &[&str], out: &Path) {
        self.encode(master, &joined(filters), &[H264, BT709, AAC, args], out);
    }

    /// An ordinary film: what others are cut and copied from.
    pub fn plain(&self) -> PathBuf {
        self.file("plain.mp4", |out| self.h264(PLAIN, "", &[], out))
    }

    pub fn plain_long(&self) -> PathBuf {
        self.file("plain-long.mp4", |out| self.h264(LONG, "", &[], out))
    }
}

/// Packs an existing film anew without encoding.
pub fn copy(film: &Path, args: &[&str], out: &Path) {
    let mut ffmpeg = ffmpeg();
    run(ffmpeg.arg("-i").arg(film).args(["-c", "copy"]).args(args).arg(out));
}

/// What ffmpeg writes to a pipe, where it cannot go back to fill in a length.
pub fn piped(input: &[String], args: &[&str], out: &Path) {
    let mut ffmpeg = ffmpeg();
    let output = run(ffmpeg.args(input).args(args).arg("-"));
    std::fs::write(out, output.stdout).expect("written");
}

/// Filters of a film's own before those that every film has.
pub fn joined(filters: &str) -> String {
    if filters.is_empty() { TO_BT709.to_owned() } else { format!("{filters},{TO_BT709}") }
}

pub fn ffmpeg() -> Command {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-y", "-threads", "2"]);
    ffmpeg
}

pub fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub fn text(path: &Path) -> String {
    path.to_str().expect("text").to_owned()
}

fn write_pictures(master: Master, path: &Path) {
    let (num, den) = master.rate;
    let frames = master.frames();
    assert!(frames <= 1024, "a number has ten bits");
    let mut bytes = vec![0; FRAME_BYTES * frames as usize];
    for (number, frame) in (0..).zip(bytes.chunks_exact_mut(FRAME_BYTES)) {
        // Half a millisecond up: 6006/30000 s is 200 ms.
        let time_ms = (u64::from(number) * den * 1000 + num / 2) / num;
        picture::draw(frame, number, time_ms);
    }
    std::fs::write(path, bytes).expect("written");
}
