//! Unusual and broken inputs: rendered, or refused with a message.

use std::path::Path;

use reel_core::edit::JobType::{Framing, Overlay};
use reel_core::job::error_code::ErrorCode;
use serde_json::json;

use crate::test_videos::{NUMBERED, TestVideos};

fn refusal(videos: &TestVideos, input: &Path) -> String {
    let before = videos.files();
    let error = videos.render(Overlay, &json!({}), input).expect_err("refused");
    assert_eq!(error.code, ErrorCode::InvalidInput, "{error}");
    assert_eq!(videos.files(), before, "nothing is left behind");
    assert!(!error.message.contains(input.to_str().expect("text")), "no path: {error}");
    error.message
}

#[test]
fn files_that_are_no_video_are_refused_with_a_message() {
    let videos = TestVideos::new();
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(videos.path(name), bytes).expect("written");
        videos.path(name)
    };
    assert!(refusal(&videos, &write("empty.mp4", b"")).contains("empty"));
    assert!(refusal(&videos, &write("text.mp4", b"hello, this is no video")).contains("not a video"));
    let playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";
    assert!(refusal(&videos, &write("list.mp4", playlist)).contains("not a video"));
    let sound = videos
        .make_video("sound.m4a", &["-f", "lavfi", "-i", "sine=frequency=440:duration=1", "-c:a", "aac"]);
    assert!(refusal(&videos, &sound).contains("no video stream"));
    let gone = videos.path("gone.mp4");
    assert!(refusal(&videos, &gone).contains("cannot be opened"));
}

#[test]
fn a_truncated_file_is_refused_as_such() {
    let videos = TestVideos::new();
    let whole = videos.pattern();
    let half = videos.half_of(&whole, "half.mp4");
    let message = refusal(&videos, &half);
    assert!(message.contains("truncated") && message.contains("of 100 frames"), "{message}");

    let index_last =
        videos.make_video("index-last.mp4", &["-i", whole.to_str().expect("text"), "-c", "copy"]);
    let no_index = videos.half_of(&index_last, "no-index.mp4");
    assert!(refusal(&videos, &no_index).contains("incomplete"));
}

#[test]
fn a_start_after_the_end_is_refused() {
    let videos = TestVideos::new();
    let video = videos.numbered(30, 30);
    let params = json!({"start_time": 600, "end_time": 700,
        "crop_keyframes": [{"frame": 0, "x": 0, "y": 0, "width": 9, "height": 9}]});
    let error = videos.render(Framing, &params, &video).expect_err("refused");
    assert_eq!(error.code, ErrorCode::InvalidInput);
    assert!(error.message.contains("600.00 s") && error.message.contains("1.00 s"), "{error}");
}

#[test]
fn a_rotated_phone_film_is_rendered_upright() {
    let videos = TestVideos::new();
    let flat = videos.make_video(
        "flat.mp4",
        &["-f", "lavfi", "-i", "testsrc=s=320x180:r=25:d=1", "-c:v", "libx264", "-pix_fmt", "yuv420p"],
    );
    let args = ["-i", flat.to_str().expect("text"), "-c", "copy", "-metadata:s:v:0", "rotate=90"];
    let rotated = videos.make_video("rotated.mp4", &args);
    let reel = videos.render(Overlay, &json!({}), &rotated).expect("a reel");
    assert_eq!((reel.width, reel.height, reel.frames), (180, 320, 25));
}

#[test]
fn odd_sides_lose_their_last_column_and_row() {
    let videos = TestVideos::new();
    let video =
        videos.make_video("odd.mkv", &["-f", "lavfi", "-i", "testsrc=s=321x241:r=25:d=1", "-c:v", "ffv1"]);
    let reel = videos.render(Overlay, &json!({}), &video).expect("a reel");
    assert_eq!((reel.width, reel.height, reel.frames), (320, 240, 25));
}

#[test]
fn uneven_frames_are_put_on_an_even_grid() {
    let videos = TestVideos::new();
    // Every frame for a second, then every third: 30 + 10 frames in 2 seconds.
    let source = format!("color=black:s=256x128:r=30:d=2,{NUMBERED}");
    let drop = "select='lt(n,30)+not(mod(n,3))'";
    let video = videos.make_video(
        "uneven.mp4",
        &[
            "-f",
            "lavfi",
            "-i",
            &source,
            "-vf",
            drop,
            "-fps_mode",
            "vfr",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
            "-video_track_timescale",
            "30000",
        ],
    );
    let reel = videos.render(Overlay, &json!({}), &video).expect("a reel");
    assert!((reel.duration_ms as i64 - 2000).abs() <= 70, "{} ms", reel.duration_ms);
    // What is shown at one second is still what happened at one second.
    let rate = reel.frames as f64 * 1000.0 / reel.duration_ms as f64;
    let numbers = videos.numbers();
    for second in [0.5, 1.0, 1.6] {
        let shown = f64::from(numbers[(second * rate).round() as usize]);
        assert!((shown - second * 30.0).abs() <= 3.0, "at {second} s: frame {shown}");
    }
}

#[test]
fn a_framing_of_an_odd_rotated_film_shows_its_right_corner() {
    let videos = TestVideos::new();
    // White in the upper left quarter of 161x121, which a turn by 90 degrees brings to the upper right
    // or lower left of 121x161.
    let scene = "color=black:s=161x121:r=25:d=0.4,drawbox=x=0:y=0:w=80:h=60:color=white:t=fill";
    let flat = videos
        .make_video("flat.mkv", &["-f", "lavfi", "-i", scene, "-c:v", "libx264", "-pix_fmt", "yuv444p"]);
    let args = ["-i", flat.to_str().expect("text"), "-c", "copy", "-metadata:s:v:0", "rotate=90"];
    let rotated = videos.make_video("rotated.mp4", &args);
    let mut light = Vec::new();
    for (x, y) in [(0, 0), (61, 0), (0, 81), (61, 81)] {
        let params = json!({"output_width": 64, "output_height": 64,
            "crop_keyframes": [{"frame": 0, "x": x, "y": y, "width": 60, "height": 80}]});
        let reel = videos.render(Framing, &params, &rotated).expect("a reel");
        assert_eq!((reel.frames, reel.width, reel.height), (10, 64, 64));
        let greys = videos.greys(8, 8);
        light.push(greys[5].iter().filter(|grey| **grey > 200).count());
    }
    let white: Vec<usize> = (0..4).filter(|corner| light[*corner] >= 48).collect();
    let black = light.iter().filter(|count| **count <= 8).count();
    assert_eq!((white.len(), black), (1, 3), "{light:?}");
    assert!(white == [1] || white == [2], "{light:?}");
}
