//! Overlay: the output plays everywhere and shows the effect in the right place.

use gpu_worker::render::{CancelFlag, OutputFiles, RenderRequest, render};
use reel_core::edit::Edit;
use reel_core::edit::JobType::Overlay;
use reel_core::job::output_media::OutputMedia;
use serde_json::json;

use crate::test_videos::{TestVideos, sample, seconds};

#[test]
fn a_spotlight_with_a_crop_becomes_a_vertical_video() {
    let videos = TestVideos::new();
    let params = json!({
        "highlight_regions": [{"start_frame": 0, "end_frame": 131, "x": 500, "y": 360, "radius_x": 100,
            "radius_y": 200, "opacity": 1.0, "color": "#ffffff"}],
        "effect_type": "spotlight",
        "crop_keyframes": [{"frame": 0, "x": 300, "y": 0, "width": 405, "height": 720},
            {"frame": 131, "x": 300.9, "y": 0, "width": 405, "height": 720}],
        "output_width": 270, "output_height": 480,
    });
    let edit = Edit::parse(Overlay, &params.to_string()).expect("valid params");
    let poster = videos.path("poster.jpg");
    let output = OutputFiles { video: videos.path("reel.mp4"), poster: Some(poster.clone()) };
    let sample = sample();
    let request = RenderRequest::new(&edit, &sample, &output);
    let mut updates = Vec::new();
    let reel = render(&request, &mut |progress| updates.push(progress), &CancelFlag::default())
        .expect("a reel")
        .main;

    assert_eq!((reel.frames, reel.duration_ms, reel.width, reel.height), (132, 5280, 270, 480));
    assert_eq!(reel.media(), OutputMedia::new(270, 480, 25.0, 132, 5280));
    let (video, sound) = (videos.streams("video"), videos.streams("audio"));
    assert_eq!(
        (video[0]["codec_name"].as_str(), sound[0]["codec_name"].as_str()),
        (Some("h264"), Some("aac"))
    );
    assert_eq!(
        (video[0]["pix_fmt"].as_str(), video[0]["color_space"].as_str()),
        (Some("yuv420p"), Some("bt709"))
    );
    assert_eq!((video[0]["width"].as_u64(), video[0]["height"].as_u64()), (Some(270), Some(480)));
    assert!((seconds(&video[0]) - 5.28).abs() < 0.001 && (seconds(&sound[0]) - 5.28).abs() < 0.03);
    assert_eq!(sound[0]["channels"], 2);
    let jpeg = std::fs::read(&poster).expect("a poster");
    assert_eq!((&jpeg[..2], reel.poster), (&b"\xFF\xD8"[..], Some(Ok(jpeg.len() as u64))), "a JPEG");
    assert_eq!(videos.files(), ["poster.jpg", "reel.mp4"]);

    let last = updates.last().expect("progress");
    assert_eq!((last.frames_done, last.frames_total), (132, Some(132)));
    assert!(updates.windows(2).all(|pair| pair[0].frames_done <= pair[1].frames_done));
    assert!(updates.iter().all(|progress| progress.frames_total == Some(132)));
}

#[test]
fn a_moving_highlight_is_where_its_keyframes_say() {
    let videos = TestVideos::new();
    let grey = videos.make_video(
        "grey.mp4",
        &["-f", "lavfi", "-i", "color=gray:s=320x240:r=25:d=2", "-c:v", "libx264", "-pix_fmt", "yuv420p"],
    );
    let key = |time: f64, x: u32| json!({"time": time, "x": x, "y": 120, "radiusX": 20, "radiusY": 30, "opacity": 0.15, "color": "#FFFF00"});
    let params = json!({"effect_type": "dark_overlay", "highlight_regions": [
        {"id": "region-1", "start_time": 0.4, "end_time": 1.6, "keyframes": [key(0.4, 60), key(1.6, 180)]}]});
    videos.render(Overlay, &params, &grey).expect("a reel");
    let bright = |frame: u32| {
        let pixels = videos.frame(frame);
        let row = &pixels[120 * 320 * 3..121 * 320 * 3];
        let columns: Vec<usize> = (0..320).filter(|x| row[x * 3] > 110).collect();
        (columns.len(), columns.first().copied(), columns.last().copied())
    };
    assert_eq!(bright(9), (320, Some(0), Some(319)), "before the region nothing is dimmed");
    for (frame, center) in [(10, 60), (25, 120), (40, 180)] {
        let (count, first, last) = bright(frame);
        let near =
            |found: Option<usize>, wanted: usize| found.is_some_and(|found| found.abs_diff(wanted) <= 2);
        assert!(near(first, center - 20) && near(last, center + 20), "frame {frame}: {first:?} to {last:?}");
        assert!((38..=44).contains(&count), "frame {frame}: {count} bright columns");
    }
    assert_eq!(bright(41).0, 320, "after the region nothing is dimmed");
    assert_eq!(videos.streams("audio").len(), 0, "a silent source gives a silent reel");
}

#[test]
fn without_regions_the_picture_stays_as_it_is() {
    let videos = TestVideos::new();
    let video = videos.numbered(30, 30);
    videos.render(Overlay, &json!({}), &video).expect("a reel");
    assert_eq!(videos.numbers(), (0..30).collect::<Vec<_>>());
}
