//! Videos to render, and readers of the output: both made with ffmpeg itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use gpu_worker::render::{CancelFlag, OutputFiles, RenderError, RenderRequest, RenderedVideo, render};
use reel_core::base::object_key::ObjectKey;
use reel_core::edit::{Edit, JobType};
use serde_json::Value;
use tempfile::TempDir;

/// A folder for one test.
pub struct TestVideos {
    folder: TempDir,
}

/// Frames of eight columns that spell their own number in black and white.
pub const NUMBERED: &str = "geq=lum='255*mod(floor(N/pow(2,floor(X/32))),2)':cb=128:cr=128";

impl TestVideos {
    pub fn new() -> Self {
        Self { folder: TempDir::new().expect("a folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Everything in the folder, hidden files too.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).expect("a folder");
        let mut names: Vec<_> =
            entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Makes a video with ffmpeg; `args` come between its global options and the file's name.
    pub fn make_video(&self, name: &str, args: &[&str]) -> PathBuf {
        let path = self.path(name);
        let mut ffmpeg = Command::new("ffmpeg");
        run(ffmpeg.args(["-nostdin", "-v", "error", "-y"]).args(args).arg(&path));
        path
    }

    /// A hundred frames of a test pattern at 25 a second, without sound and with the index in front.
    pub fn pattern(&self) -> PathBuf {
        let source = "testsrc=s=320x240:r=25:d=4";
        let h264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart"];
        self.make_video("pattern.mp4", &[&["-f", "lavfi", "-i", source], h264.as_slice()].concat())
    }

    /// A copy of a video that breaks off in the middle of the file.
    pub fn half_of(&self, video: &Path, name: &str) -> PathBuf {
        let bytes = std::fs::read(video).expect("a video");
        let half = self.path(name);
        std::fs::write(&half, &bytes[..bytes.len() / 2]).expect("written");
        half
    }

    /// A video of 256x128 whose frames carry their number, with a tone of 440 Hz.
    pub fn numbered(&self, frames: u32, fps: u32) -> PathBuf {
        let length = format!("{}", f64::from(frames) / f64::from(fps));
        let source = format!("color=black:s=256x128:r={fps}:d={length},{NUMBERED}");
        let tone = "sine=frequency=440:sample_rate=48000";
        self.make_video(
            "numbered.mp4",
            &[
                "-f",
                "lavfi",
                "-i",
                &source,
                "-f",
                "lavfi",
                "-t",
                &length,
                "-i",
                tone,
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-crf",
                "10",
                "-g",
                "12",
                "-pix_fmt",
                "yuv420p",
                "-c:a",
                "aac",
            ],
        )
    }

    /// As [`TestVideos::numbered`], counting from `first`, with a tone of this pitch, or none.
    pub fn numbered_from(&self, name: &str, [first, frames, fps]: [u32; 3], hertz: Option<u32>) -> PathBuf {
        let numbered = NUMBERED.replace("floor(N/", &format!("floor((N+{first})/"));
        let length = format!("{}", f64::from(frames) / f64::from(fps));
        let source = format!("color=black:s=256x128:r={fps}:d={length},{numbered}");
        let tone = format!("sine=frequency={}:sample_rate=48000", hertz.unwrap_or(440));
        let mut args = vec!["-f", "lavfi", "-i", source.as_str()];
        if hertz.is_some() {
            args.extend(["-f", "lavfi", "-t", &length, "-i", &tone, "-c:a", "aac"]);
        }
        let codec =
            ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "10", "-g", "12", "-pix_fmt", "yuv420p"];
        args.extend(&codec);
        self.make_video(name, &args)
    }

    /// A video of one grey, 256x128 at 25 frames a second, without sound.
    pub fn grey(&self, name: &str, value: u8, frames: u32) -> PathBuf {
        let source = format!("color=0x{value:02x}{value:02x}{value:02x}:s=256x128:r=25");
        let count = frames.to_string();
        let codec = ["-c:v", "libx264", "-crf", "8", "-pix_fmt", "yuv420p"];
        self.make_video(name, &[&["-f", "lavfi", "-i", &source, "-frames:v", &count], &codec[..]].concat())
    }

    pub fn render(&self, kind: JobType, params: &Value, input: &Path) -> Result<RenderedVideo, RenderError> {
        self.render_all(kind, params, input, &[])
    }

    /// With videos that clips name by the keys `input/x/{file name}`.
    pub fn render_all(
        &self,
        kind: JobType,
        params: &Value,
        input: &Path,
        named: &[&Path],
    ) -> Result<RenderedVideo, RenderError> {
        let key = |path: &Path| format!("input/x/{}", path.file_name().expect("a name").to_string_lossy());
        let named: Vec<_> = named
            .iter()
            .map(|path| (ObjectKey::parse_input(&key(path)).expect("a key"), path.to_path_buf()))
            .collect();
        let edit = Edit::parse(kind, &params.to_string()).expect("valid params");
        let output = OutputFiles::only(self.path("reel.mp4"));
        let request = RenderRequest { inputs_by_key: &named, ..RenderRequest::new(&edit, input, &output) };
        render(&request, &mut |_| {}, &CancelFlag::default()).map(|output| output.main)
    }

    /// The frames of the output in grey, each scaled to `width` x `height`.
    pub fn greys(&self, width: usize, height: usize) -> Vec<Vec<u8>> {
        let scale = format!("scale={width}:{height}:flags=area,format=gray");
        let raw = self.read(&["-vf", &scale, "-fps_mode", "passthrough", "-f", "rawvideo", "-"]);
        raw.chunks_exact(width * height).map(<[u8]>::to_vec).collect()
    }

    /// The numbers in the frames of the output.
    pub fn numbers(&self) -> Vec<u32> {
        let number = |grey: Vec<u8>| {
            let bits = (0..8_usize).map(|bit| u32::from(grey[bit * 8 + 4 + 64 * 4] > 127) << bit);
            bits.sum()
        };
        self.greys(64, 8).into_iter().map(number).collect()
    }

    /// The sound of the output, one channel at 48 kHz.
    pub fn sound(&self) -> Vec<f32> {
        let raw = self.read(&["-vn", "-ac", "1", "-ar", "48000", "-f", "f32le", "-"]);
        raw.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    }

    /// A frame of the output in blue, green, red at full size.
    pub fn frame(&self, frame: u32) -> Vec<u8> {
        let select = format!("select=eq(n\\,{frame}),format=bgr24");
        self.read(&["-vf", &select, "-frames:v", "1", "-f", "rawvideo", "-"])
    }

    /// Title, start and end in seconds of each chapter.
    pub fn chapters(&self) -> Vec<(String, f64, f64)> {
        let mut ffprobe = Command::new("ffprobe");
        ffprobe.args(["-v", "error", "-show_chapters", "-of", "json"]).arg(self.path("reel.mp4"));
        let answer: Value = serde_json::from_slice(&run(&mut ffprobe).stdout).expect("JSON");
        let time = |value: &Value| value.as_str().expect("a time").parse().expect("a number");
        let chapters = answer["chapters"].as_array().expect("chapters").iter();
        chapters
            .map(|c| {
                let title = c["tags"]["title"].as_str().unwrap_or_default().to_owned();
                (title, time(&c["start_time"]), time(&c["end_time"]))
            })
            .collect()
    }

    fn read(&self, args: &[&str]) -> Vec<u8> {
        let mut ffmpeg = Command::new("ffmpeg");
        run(ffmpeg.args(["-nostdin", "-v", "error", "-i"]).arg(self.path("reel.mp4")).args(args)).stdout
    }

    /// The streams of this kind in the output, as in ffprobe.
    pub fn streams(&self, kind: &str) -> Vec<Value> {
        let mut ffprobe = Command::new("ffprobe");
        ffprobe.args(["-v", "error", "-show_streams", "-of", "json"]).arg(self.path("reel.mp4"));
        let answer: Value = serde_json::from_slice(&run(&mut ffprobe).stdout).expect("JSON");
        let streams = answer["streams"].as_array().expect("streams");
        streams.iter().filter(|s| s["codec_type"] == kind).cloned().collect()
    }
}

/// The sample clip of the repository: 1280x720, 25 frames a second, 132 frames, 5.1 sound.
pub fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/bigbuckbunny.mp4")
}

pub fn seconds(stream: &Value) -> f64 {
    stream["duration"].as_str().expect("a duration").parse().expect("a number")
}

pub fn run(command: &mut Command) -> Output {
    let output = command.output().expect("ffmpeg is installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Processes whose command line names this path.
pub fn processes_at(path: &Path) -> Vec<String> {
    let wanted = path.as_os_str().as_encoded_bytes();
    let entries = std::fs::read_dir("/proc").expect("/proc").filter_map(Result::ok);
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let named = lines.filter(|line| line.windows(wanted.len()).any(|part| part == wanted));
    named.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}
