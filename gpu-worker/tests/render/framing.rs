//! Framing and annotate: which frames come out, where they are cut, how they sound.

use reel_core::edit::JobType::{Annotate, Framing};
use serde_json::{Value, json};

use crate::test_videos::{TestVideos, seconds};

/// All of a numbered video, at its own size.
fn whole() -> Value {
    json!([{"frame": 0, "x": 0, "y": 0, "width": 256, "height": 128}])
}

fn framing(rest: &Value) -> Value {
    let mut params = json!({"crop_keyframes": whole(), "output_width": 256, "output_height": 128});
    for (name, value) in rest.as_object().expect("an object") {
        params[name] = value.clone();
    }
    params
}

#[test]
fn a_trim_shows_exactly_its_frames_and_their_sound() {
    let videos = TestVideos::new();
    let video = videos.numbered(120, 30);
    let params = framing(&json!({"clip_index": 0, "start_time": 1.5, "end_time": 3.0}));
    let reel = videos.render(Framing, &params, &video).expect("a reel");
    assert_eq!(videos.numbers(), (45..90).collect::<Vec<_>>());
    assert_eq!((reel.frames, reel.duration_ms, reel.width, reel.height), (45, 1500, 256, 128));
    assert!((seconds(&videos.streams("audio")[0]) - 1.5).abs() < 0.03);
}

#[test]
fn without_a_trim_every_frame_comes_out_once() {
    let videos = TestVideos::new();
    let video = videos.numbered(50, 25);
    videos.render(Framing, &framing(&json!({"start_time": null, "end_time": null})), &video).expect("a reel");
    assert_eq!(videos.numbers(), (0..50).collect::<Vec<_>>());
}

#[test]
fn segments_are_joined_each_at_its_speed() {
    let videos = TestVideos::new();
    let video = videos.numbered(120, 30);
    let segments = json!([{"start": 0, "end": 0.5}, {"start": 1, "end": 2, "speed": 2},
        {"start": 3, "end": 3.5, "speed": 1}]);
    videos.render(Framing, &framing(&json!({"segments": segments})), &video).expect("a reel");
    let expected: Vec<u32> = (0..15).chain((30..60).step_by(2)).chain(90..105).collect();
    assert_eq!(videos.numbers(), expected);
    let (video, sound) = (videos.streams("video"), videos.streams("audio"));
    assert!((seconds(&video[0]) - 1.5).abs() < 0.001);
    assert!((seconds(&sound[0]) - 1.5).abs() < 0.03);
}

#[test]
fn a_lower_rate_drops_every_other_frame() {
    let videos = TestVideos::new();
    let video = videos.numbered(60, 30);
    videos
        .render(Framing, &framing(&json!({"target_fps": 15, "include_audio": false})), &video)
        .expect("a reel");
    assert_eq!(videos.numbers(), (0..60).step_by(2).collect::<Vec<_>>());
    assert_eq!(videos.streams("video")[0]["avg_frame_rate"], "15/1");
    assert_eq!(videos.streams("audio").len(), 0, "no sound was requested");
}

#[test]
fn slow_motion_shows_where_things_are_between_the_frames() {
    let videos = TestVideos::new();
    // A white box that moves 2 pixels a frame.
    let scene = "[0][1]overlay=x='20+60*t':y=30";
    let video = videos.make_video(
        "box.mp4",
        &[
            "-f",
            "lavfi",
            "-i",
            "color=gray:s=256x128:r=30:d=2",
            "-f",
            "lavfi",
            "-i",
            "color=white:s=40x40:r=30:d=2",
            "-filter_complex",
            scene,
            "-c:v",
            "libx264",
            "-crf",
            "8",
            "-pix_fmt",
            "yuv420p",
        ],
    );
    for (start, end) in [(0.0, 0.5), (1.0, 1.5), (1.5, 2.0)] {
        let params = framing(&json!({"segments": [{"start": start, "end": end, "speed": 0.5}]}));
        let reel = videos.render(Framing, &params, &video).expect("a reel");
        assert_eq!(reel.frames, 30);
        for (k, grey) in videos.greys(256, 128).iter().enumerate() {
            let row = &grey[50 * 256..51 * 256];
            let white: Vec<usize> = (0..256).filter(|x| row[*x] > 190).collect();
            let center = white.iter().sum::<usize>() as f64 / white.len() as f64;
            let moment = start * 30.0 + k as f64 / 2.0;
            // The very last frame has nothing after it to move towards.
            let moment = moment.min(59.0);
            let expected = 20.0 + 2.0 * moment + 19.5;
            assert!((center - expected).abs() <= 1.5, "from {start} s, frame {k}: {center}, not {expected}");
        }
    }
}

#[test]
fn slow_motion_of_a_crop_is_as_exact_as_of_the_whole_picture() {
    let videos = TestVideos::new();
    // A white box that moves 2 pixels a frame, in a picture of which a part is shown.
    let [back, front] = ["color=gray:s=640x360:r=30:d=1", "color=white:s=40x40:r=30:d=1"];
    let video = videos.make_video(
        "wide.mp4",
        &[
            &["-f", "lavfi", "-i", back, "-f", "lavfi", "-i", front],
            &["-filter_complex", "[0][1]overlay=x='220+60*t':y=160", "-c:v", "libx264", "-crf", "8"][..],
            &["-pix_fmt", "yuv420p"],
        ]
        .concat(),
    );
    let params = json!({"output_width": 160, "output_height": 120,
        "crop_keyframes": [{"frame": 0, "x": 201, "y": 121, "width": 160, "height": 120}],
        "segments": [{"start": 0.2, "end": 0.7, "speed": 0.5}]});
    let reel = videos.render(Framing, &params, &video).expect("a reel");
    assert_eq!(reel.frames, 30);
    for (k, grey) in videos.greys(160, 120).iter().enumerate() {
        let row = &grey[60 * 160..61 * 160];
        let white: Vec<usize> = (0..160).filter(|x| row[*x] > 190).collect();
        let center = white.iter().sum::<usize>() as f64 / white.len() as f64;
        let expected = 220.0 + 2.0 * (6.0 + k as f64 / 2.0) + 19.5 - 201.0;
        assert!((center - expected).abs() <= 1.5, "frame {k}: {center}, not {expected}");
        assert!(row.iter().all(|pixel| *pixel > 60), "nothing black is shown");
    }
}

#[test]
fn slowed_sound_keeps_its_pitch_and_fills_its_time() {
    let videos = TestVideos::new();
    let video = videos.numbered(60, 30);
    let segments = json!([{"start": 0.5, "end": 1.5, "speed": 0.5}]);
    videos.render(Framing, &framing(&json!({"segments": segments})), &video).expect("a reel");
    let sound = videos.sound();
    assert!((sound.len() as f64 / 48_000.0 - 2.0).abs() < 0.03, "{} samples", sound.len());
    // Rising zero crossings in the middle second are the pitch.
    let middle = &sound[24_000..72_000];
    let rises = middle.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    assert!((430..=450).contains(&rises), "{rises} Hz");
}

#[test]
fn where_the_source_falls_silent_the_reel_does_too() {
    let videos = TestVideos::new();
    let video = videos.make_video(
        "short-sound.mp4",
        &[
            "-f",
            "lavfi",
            "-i",
            "color=gray:s=256x128:r=30:d=2",
            "-f",
            "lavfi",
            "-t",
            "1",
            "-i",
            "sine=frequency=440",
            "-c:v",
            "libx264",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "aac",
        ],
    );
    for (start, end) in [(0.5, 2.0), (1.4, 2.0)] {
        let params = framing(&json!({"start_time": start, "end_time": end}));
        videos.render(Framing, &params, &video).expect("a reel");
        let sound = videos.sound();
        assert!((sound.len() as f64 / 48_000.0 - (end - start)).abs() < 0.03, "{} samples", sound.len());
        let tail = &sound[sound.len() - 9_600..];
        assert!(tail.iter().all(|sample| sample.abs() < 0.01), "silent at the end");
    }
}

#[test]
fn a_moving_crop_shows_the_right_columns() {
    let videos = TestVideos::new();
    // Brightness is the column.
    let ramp = "color=black:s=256x128:r=25:d=1,geq=lum='X':cb=128:cr=128";
    let video = videos.make_video(
        "ramp.mp4",
        &["-f", "lavfi", "-i", ramp, "-c:v", "libx264", "-crf", "4", "-pix_fmt", "yuv420p"],
    );
    let params = json!({"output_width": 128, "output_height": 64, "fit": "fill", "crop_keyframes": [
        {"time": 0.2, "x": 20, "y": 0, "width": 64, "height": 64, "origin": "user"},
        {"time": 0.6, "x": 120, "y": 0, "width": 64, "height": 64}]});
    videos.render(Framing, &params, &video).expect("a reel");
    let greys = videos.greys(4, 1);
    assert_eq!(greys.len(), 25);
    for (frame, x) in [(0, 20.0), (5, 20.0), (10, 70.0), (12, 90.0), (15, 120.0), (24, 120.0)] {
        // The second of four columns of a 64 pixel crop has its middle 23.5 pixels in; the video's
        // 16 is black and its 235 white.
        let expected = (x + 23.5 - 16.0) * 255.0 / 219.0;
        let found = f64::from(greys[frame][1]);
        assert!((found - expected).abs() < 4.0, "frame {frame}: {found}, not {expected}");
    }
}

#[test]
fn a_compilation_has_its_clips_in_order_with_their_titles() {
    let videos = TestVideos::new();
    let video = videos.make_video(
        "grey.mp4",
        &[
            "-f",
            "lavfi",
            "-i",
            "color=gray:s=640x360:r=25:d=4",
            "-f",
            "lavfi",
            "-t",
            "4",
            "-i",
            "sine=frequency=440",
            "-c:v",
            "libx264",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "aac",
        ],
    );
    let params = json!({"clips": [
        {"start_time": 2, "end_time": 3, "name": "It's 50%: [goal], \\o/", "notes": "Left; foot", "rating": 5},
        {"start_time": 0.4, "end_time": 1, "name": "Lost", "rating": 1}]});
    let reel = videos.render(Annotate, &params, &video).expect("a reel");
    assert_eq!((reel.frames, reel.width, reel.height), (40, 640, 360));
    assert!((seconds(&videos.streams("audio")[0]) - 1.6).abs() < 0.03);
    let pixel = |video: &[u8], x: usize, y: usize| {
        let start = (y * 640 + x) * 3;
        [video[start], video[start + 1], video[start + 2]]
    };
    let near = |found: [u8; 3], wanted: [u8; 3]| found.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) < 14);
    let (first, second) = (videos.frame(3), videos.frame(30));
    // The border in the colour of the rating, blue first; the box ends at 60 without notes and at 90 with them.
    assert!(near(pixel(&first, 320, 11), [0x6A, 0xBB, 0x66]), "{:?}", pixel(&first, 320, 11));
    assert!(near(pixel(&second, 320, 11), [0x28, 0x28, 0xC6]), "{:?}", pixel(&second, 320, 11));
    assert!(pixel(&first, 80, 75)[0] > 230 && pixel(&second, 80, 75)[0] < 140);
    let ink = |video: &[u8], rows: std::ops::Range<usize>| {
        rows.flat_map(|y| (80..560).map(move |x| (x, y)))
            .filter(|(x, y)| pixel(video, *x, *y)[0] < 90)
            .count()
    };
    assert!(
        ink(&first, 18..42) > 100 && ink(&first, 48..70) > 60 && ink(&second, 18..42) > 60,
        "titles are drawn"
    );
}
