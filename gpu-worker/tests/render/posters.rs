//! Posters: not black where the video is not, small, and never at the cost of the output.

use std::path::{Path, PathBuf};
use std::process::Command;

use gpu_worker::render::{CancelFlag, OutputFiles, RenderRequest, RenderedVideo, render};
use reel_core::edit::{Edit, JobType};
use serde_json::json;

use crate::test_videos::TestVideos;

const COLOURS: &str = "testsrc2=r=10";

/// A video that is black for a while, as it comes from the camera.
fn partly_black(videos: &TestVideos, size: &str, length_s: u32, black: &str) -> PathBuf {
    let source = format!("{COLOURS}:s={size}:d={length_s}");
    let filter = format!("drawbox=c=black:t=fill:enable='{black}'");
    let encoder = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
    videos.make_video("video.mp4", &[&["-f", "lavfi", "-i", &source, "-vf", &filter], &encoder[..]].concat())
}

fn render_with_poster(videos: &TestVideos, video: &Path, poster: &Path) -> RenderedVideo {
    let params = json!({"effect_type": "original", "highlight_regions": [], "crop_keyframes": null});
    let edit = Edit::parse(JobType::Overlay, &params.to_string()).expect("valid params");
    let output = OutputFiles { video: videos.path("reel.mp4"), poster: Some(poster.to_owned()) };
    let request = RenderRequest::new(&edit, video, &output);
    render(&request, &mut |_| {}, &CancelFlag::default()).expect("a reel").main
}

/// Width, height and mean brightness.
fn measure(poster: &Path) -> (u64, u64, f64) {
    let probe = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0"])
        .arg(poster)
        .output()
        .expect("ffprobe runs");
    let text = String::from_utf8_lossy(&probe.stdout).into_owned();
    let (width, height) = text.trim().split_once(',').expect("two numbers");
    let grey = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(poster)
        .args(["-f", "rawvideo", "-pix_fmt", "gray", "-"])
        .output()
        .expect("ffmpeg runs")
        .stdout;
    let mean = grey.iter().map(|pixel| f64::from(*pixel)).sum::<f64>() / grey.len() as f64;
    (width.parse().expect("a number"), height.parse().expect("a number"), mean)
}

#[test]
fn a_black_middle_is_not_the_poster_while_there_is_another_frame() {
    for (what, length_s, black) in [
        ("a fade in the middle", 4, "between(t,1,3)"),
        ("a dark second half", 12, "gte(t,4)"),
        ("a dark first half and more", 12, "lt(t,9)"),
    ] {
        let videos = TestVideos::new();
        let (video, poster) = (partly_black(&videos, "320x180", length_s, black), videos.path("poster.jpg"));
        assert!(matches!(render_with_poster(&videos, &video, &poster).poster, Some(Ok(1..))), "{what}");
        let (.., brightness) = measure(&poster);
        assert!(brightness > 60.0, "{what}: {brightness}");
    }
}

#[test]
fn a_black_video_has_a_black_poster() {
    let videos = TestVideos::new();
    let (video, poster) = (partly_black(&videos, "320x180", 3, "1"), videos.path("poster.jpg"));
    assert!(matches!(render_with_poster(&videos, &video, &poster).poster, Some(Ok(1..))));
    assert!(measure(&poster).2 < 10.0);
}

#[test]
fn a_poster_has_the_shape_of_its_video_and_at_most_960_pixels_a_side() {
    for (reel, expected) in [
        ("1080x1920", (540, 960)),
        ("1920x1080", (960, 540)),
        ("270x480", (270, 480)),
        ("1000x1000", (960, 960)),
    ] {
        let videos = TestVideos::new();
        let (video, poster) = (partly_black(&videos, reel, 1, "0"), videos.path("poster.jpg"));
        render_with_poster(&videos, &video, &poster);
        let (width, height, _) = measure(&poster);
        assert_eq!((width, height), expected, "{reel}");
    }
}

#[test]
fn a_poster_that_cannot_be_written_does_not_cost_the_output() {
    let videos = TestVideos::new();
    let video = partly_black(&videos, "320x180", 1, "0");
    let reel = render_with_poster(&videos, &video, &videos.path("no-such-folder/poster.jpg"));
    assert!(matches!(reel.poster, Some(Err(_))) && reel.bytes > 0, "{reel:?}");
    assert_eq!(videos.files(), ["reel.mp4", "video.mp4"]);
}
