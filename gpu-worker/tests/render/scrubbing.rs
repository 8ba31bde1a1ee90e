//! A player that is scrubbed must find a keyframe close by.

use std::process::Command;

use reel_core::edit::JobType::Framing;
use serde_json::json;

use crate::test_videos::{TestVideos, run};

#[test]
fn a_reel_has_a_keyframe_in_every_second_and_its_index_in_front() {
    for (fps, frames) in [(30, 150), (25, 100), (2, 8)] {
        let videos = TestVideos::new();
        let video = videos.numbered(frames, fps);
        let params = json!({"output_width": 256, "output_height": 128,
            "crop_keyframes": [{"frame": 0, "x": 0, "y": 0, "width": 256, "height": 128}]});
        videos.render(Framing, &params, &video).expect("a reel");
        let mut times = keyframes_s(&videos);
        assert!(times.first().is_some_and(|first| first.abs() < 0.001), "{times:?}");
        times.push(f64::from(frames) / f64::from(fps));
        let widest = times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
        assert!(widest < 1.001, "{fps} a second: {times:?}");

        let bytes = std::fs::read(videos.path("reel.mp4")).expect("a reel");
        let place = |name: &[u8]| bytes.windows(4).position(|window| window == name);
        assert!(place(b"moov") < place(b"mdat"));
    }
}

/// When the frames that can be decoded alone are shown.
fn keyframes_s(videos: &TestVideos) -> Vec<f64> {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time,flags"]);
    ffprobe.args(["-of", "csv=p=0"]).arg(videos.path("reel.mp4"));
    let text = String::from_utf8(run(&mut ffprobe).stdout).expect("text");
    let keyframes = text.lines().filter(|line| line.contains('K')).filter_map(|line| line.split(',').next());
    keyframes.map(|time| time.parse().expect("a time")).collect()
}
