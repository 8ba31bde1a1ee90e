//! Several outputs of one decode: each the same edit in its own shape, and a sheet of small pictures.

use std::path::{Path, PathBuf};
use std::process::Command;

use gpu_worker::render::{CancelFlag, OutputFiles, RenderError, RenderOutput, RenderRequest, render};
use reel_core::edit::{Edit, JobType};
use serde_json::{Value, json};

use crate::test_videos::TestVideos;

/// Two seconds in which the left third is red, the middle green and the right third blue; 960x540.
fn thirds(videos: &TestVideos) -> PathBuf {
    let source =
        "color=0x00ff00:s=960x540:r=25:d=2,drawbox=c=red:t=fill:w=320,drawbox=c=blue:t=fill:x=640:w=320";
    let codec = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "10", "-pix_fmt", "yuv420p"];
    let tags = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"];
    let sound = ["-f", "lavfi", "-i", "sine=440:d=2", "-c:a", "aac"];
    let input = ["-f", "lavfi", "-i", source];
    let convert = ["-vf", "scale=out_color_matrix=bt709"];
    let [sound_input, sound_codec] = [&sound[..4], &sound[4..]];
    videos.make_video("thirds.mp4", &[&input, sound_input, &convert, &codec[..], &tags, sound_codec].concat())
}

struct Made {
    output: Result<RenderOutput, RenderError>,
    files: Vec<PathBuf>,
}

fn make(videos: &TestVideos, job_type: JobType, params: &Value, input: &Path) -> Made {
    let edit = Edit::parse(job_type, &params.to_string()).expect("valid params");
    let names = std::iter::once("reel").chain(edit.renditions().iter().map(|one| one.name.as_str()));
    let files: Vec<OutputFiles> = names
        .map(|name| OutputFiles {
            video: videos.path(&format!("{name}.mp4")),
            poster: Some(videos.path(&format!("{name}.jpg"))),
        })
        .collect();
    let strip = videos.path("strip.jpg");
    let request = RenderRequest {
        renditions: &files[1..],
        filmstrip: edit.has_filmstrip().then_some(strip.as_path()),
        ..RenderRequest::new(&edit, input, &files[0])
    };
    let output = render(&request, &mut |_| {}, &CancelFlag::default());
    Made { output, files: files.into_iter().map(|files| files.video).collect() }
}

/// Each pixel of a picture, or of the frame at a second of a video, scaled to `width` x 1.
fn colours(file: &Path, second: &str, width: usize) -> Vec<char> {
    let scale = format!("scale={width}:1:flags=area,format=rgb24");
    let raw = Command::new("ffmpeg")
        .args(["-v", "error", "-ss", second, "-i"])
        .arg(file)
        .args(["-frames:v", "1", "-vf", &scale, "-f", "rawvideo", "-"])
        .output()
        .expect("ffmpeg runs")
        .stdout;
    let name = |pixel: &[u8]| match [pixel[0] > 200, pixel[1] > 200, pixel[2] > 200] {
        [true, false, false] => 'r',
        [false, true, false] => 'g',
        [false, false, true] => 'b',
        _ => '?',
    };
    raw.chunks_exact(3).map(name).collect()
}

fn text(colours: Vec<char>) -> String {
    colours.into_iter().collect()
}

#[test]
fn each_output_has_its_own_shape_around_the_same_player() {
    let videos = TestVideos::new();
    let film = thirds(&videos);
    // The main output shows the green third; 304x540 is 9:16 for whole pixels.
    let params = json!({"effect_type": "original",
    "crop_keyframes": [{"frame": 0, "x": 328, "y": 0, "width": 304, "height": 540}],
    "output_width": 270, "output_height": 480,
    "outputs": [
        {"name": "feed", "preset": "square_1080"},
        {"name": "coach", "width": 480},
        {"name": "screen", "width": 640, "height": 360},
        {"name": "right", "height": 180, "crop_keyframes":
            [{"time": 0, "x": 640, "y": 0, "width": 320, "height": 540}]},
    ]});
    let made = make(&videos, JobType::Overlay, &params, &film);
    let output = made.output.expect("outputs");
    let sizes: Vec<_> =
        std::iter::once(&output.main).chain(&output.renditions).map(|v| (v.width, v.height)).collect();
    assert_eq!(sizes, [(270, 480), (1080, 1080), (480, 852), (640, 360), (106, 180)]);
    for video in std::iter::once(&output.main).chain(&output.renditions) {
        assert_eq!((video.frames, video.duration_ms), (50, 2000), "{video:?}");
        assert!(matches!(video.poster, Some(Ok(1..))) && video.bytes > 0, "{video:?}");
    }
    let seen: Vec<String> = made.files.iter().map(|file| text(colours(file, "1", 9))).collect();
    assert_eq!(seen[0], "ggggggggg");
    let square = (&seen[1][..1], &seen[1][2..7], &seen[1][8..]);
    assert_eq!(square, ("r", "ggggg", "b"), "a square around it: {seen:?}");
    assert_eq!(seen[2], "ggggggggg");
    assert_eq!(seen[3], "rrrgggbbb");
    assert_eq!(seen[4], "bbbbbbbbb");
}

#[test]
fn the_outputs_of_a_reel_share_its_transitions_and_its_sound() {
    let videos = TestVideos::new();
    let film = thirds(&videos);
    let clip = |x: u32| json!({"crop_keyframes": [{"time": 0, "x": x, "y": 0, "width": 304, "height": 540}], "end_time": 1.5});
    let params = json!({"clips": [clip(8), clip(648)], "transition": {"type": "dissolve", "duration": 0.4},
        "output_width": 270, "output_height": 480, "outputs": [{"name": "draft", "preset": "draft_360"}]});
    let made = make(&videos, JobType::Framing, &params, &film);
    let output = made.output.expect("outputs");
    assert_eq!((output.main.frames, output.renditions[0].frames), (66, 66), "3 s less 10 frames in common");
    assert_eq!((output.renditions[0].width, output.renditions[0].height), (360, 640));
    for file in &made.files {
        assert_eq!(text(colours(file, "0.2", 3)), "rrr");
        assert_eq!(text(colours(file, "2.2", 3)), "bbb");
        let probe = Command::new("ffprobe")
            .args(["-v", "error", "-show_entries", "stream=codec_type:chapter=id", "-of", "csv=p=0"])
            .arg(file)
            .output()
            .expect("ffprobe runs");
        let text = String::from_utf8_lossy(&probe.stdout);
        assert_eq!(text.lines().collect::<Vec<_>>(), ["video", "audio", "data", "0", "1"], "two chapters");
    }
}

#[test]
fn an_output_whose_crop_shows_nothing_is_refused_by_name() {
    let videos = TestVideos::new();
    let film = thirds(&videos);
    let params = json!({"outputs": [{"name": "feed", "width": 320, "crop_keyframes":
        [{"time": 0, "x": 2000, "y": 0, "width": 320, "height": 540}]}]});
    let error = make(&videos, JobType::Overlay, &params, &film).output.expect_err("refused");
    assert!(
        error.message.starts_with("Output feed: The crop lies outside the picture of 960x540."),
        "{error}"
    );
    assert_eq!(videos.files(), ["thirds.mp4"], "nothing is left behind");
}

#[test]
fn a_filmstrip_shows_each_second() {
    let videos = TestVideos::new();
    let source = "color=red:s=320x180:r=25:d=5.5,drawbox=c=0x00ff00:t=fill:enable='gte(t,2)',\
        drawbox=c=blue:t=fill:enable='gte(t,4)'";
    let codec = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "10", "-pix_fmt", "yuv420p"];
    let film = videos.make_video("film.mp4", &[&["-f", "lavfi", "-i", source], &codec[..]].concat());
    let made = make(&videos, JobType::Overlay, &json!({"filmstrip": true}), &film);
    let layout = made.output.expect("a reel").filmstrip.expect("wanted").expect("made");
    assert_eq!((layout.tile_width, layout.tile_height), (160, 90));
    assert_eq!((layout.columns, layout.tiles, layout.interval_ms), (6, 6, 1000));
    assert_eq!(text(colours(&videos.path("strip.jpg"), "0", 6)), "rrggbb");
}
