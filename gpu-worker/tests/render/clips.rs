//! Outputs of several clips: order, transitions, sound in sync, chapters.

use reel_core::edit::JobType::Framing;
use reel_core::job::error_code::ErrorCode;
use serde_json::{Value, json};

use crate::test_videos::{TestVideos, seconds};

/// All of a video of 256x128, with more fields.
fn clip(more: &Value) -> Value {
    let mut clip = json!({"crop_keyframes": [{"frame": 0, "x": 0, "y": 0, "width": 256, "height": 128}]});
    for (name, value) in more.as_object().expect("an object") {
        clip[name] = value.clone();
    }
    clip
}

fn reel(clips: &[Value], transition: &Value) -> Value {
    json!({"clips": clips, "transition": transition, "output_width": 256, "output_height": 128})
}

/// Rising zero crossings a second: the pitch, or nothing when it is silent.
fn hertz(sound: &[f32], from_s: f64, to_s: f64) -> u32 {
    let part = &sound[(from_s * 48_000.0) as usize..(to_s * 48_000.0) as usize];
    if part.iter().all(|sample| sample.abs() < 0.005) {
        return 0;
    }
    let rises = part.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    (rises as f64 / (to_s - from_s)).round() as u32
}

fn near(found: u32, wanted: u32) -> bool {
    found.abs_diff(wanted) <= wanted / 20
}

#[test]
fn a_cut_joins_clips_of_several_videos_with_their_sound_and_chapters() {
    let videos = TestVideos::new();
    let own = videos.numbered_from("own.mp4", [0, 60, 30], Some(440));
    let other = videos.numbered_from("other.mp4", [100, 60, 30], Some(880));
    let clips = [
        clip(&json!({"end_time": 1.0, "name": "It's 50%; [a=b] #1\\"})),
        clip(&json!({"video_key": "input/x/other.mp4", "segments": [{"start": 0.5, "end": 1.0},
            {"start": 1.5, "end": 2.0}]})),
        clip(&json!({"start_time": 1.5})),
    ];
    let result = videos.render_all(Framing, &reel(&clips, &json!({"type": "cut"})), &own, &[&other]);
    let result = result.expect("a reel");
    let expected: Vec<u32> = (0..30).chain(115..130).chain(145..160).chain(45..60).collect();
    assert_eq!(videos.numbers(), expected);
    assert_eq!((result.frames, result.duration_ms), (75, 2500));
    let sound = videos.sound();
    assert!((sound.len() as f64 / 48_000.0 - 2.5).abs() < 0.03, "{} samples", sound.len());
    let pitches = [(0.1, 0.9), (1.1, 1.9), (2.1, 2.4)].map(|(from, to)| hertz(&sound, from, to));
    assert!(near(pitches[0], 440) && near(pitches[1], 880) && near(pitches[2], 440), "{pitches:?}");
    assert_eq!(
        videos.chapters(),
        [
            ("It's 50%; [a=b] #1\\ ".to_owned(), 0.0, 1.0),
            ("other.mp4".to_owned(), 1.0, 2.0),
            ("own.mp4".to_owned(), 2.0, 2.5)
        ]
    );
    assert_eq!(videos.files(), ["other.mp4", "own.mp4", "reel.mp4"]);
}

#[test]
fn a_fade_goes_through_black_and_keeps_the_length() {
    let videos = TestVideos::new();
    let (first, second) = (videos.grey("first.mp4", 200, 50), videos.grey("second.mp4", 120, 50));
    let clips = [clip(&json!({})), clip(&json!({"video_key": "input/x/second.mp4"}))];
    let params = reel(&clips, &json!({"type": "fade", "duration": 0.4}));
    let result = videos.render_all(Framing, &params, &first, &[&second]).expect("a reel");
    assert_eq!(result.frames, 100);
    let greys: Vec<u8> = videos.greys(8, 4).iter().map(|grey| grey[0]).collect();
    let is = |frame: usize, wanted: u8| greys[frame].abs_diff(wanted) <= 4;
    assert!(is(0, 200) && is(39, 200), "{greys:?}");
    assert!(is(44, 100) && is(49, 0) && is(50, 0) && is(55, 60), "{:?}", &greys[39..61]);
    assert!(is(60, 120) && is(99, 120), "{greys:?}");
    assert!(greys[39..50].is_sorted_by(|a, b| a >= b) && greys[50..61].is_sorted(), "{:?}", &greys[39..61]);
    assert_eq!(videos.streams("audio").len(), 0, "no clip has sound");
}

#[test]
fn a_fade_takes_the_sound_with_it() {
    let videos = TestVideos::new();
    let own = videos.numbered_from("own.mp4", [0, 60, 30], Some(440));
    let clips = [clip(&json!({})), clip(&json!({}))];
    let params = reel(&clips, &json!({"type": "fade", "duration": 0.5}));
    videos.render(Framing, &params, &own).expect("a reel");
    let sound = videos.sound();
    let loudest = |from: f64, to: f64| {
        let part = &sound[(from * 48_000.0) as usize..(to * 48_000.0) as usize];
        part.iter().fold(0.0_f32, |most, sample| most.max(sample.abs()))
    };
    let full = loudest(1.0, 1.4);
    assert!(loudest(1.97, 2.03) < full / 8.0 && loudest(2.6, 3.0) > full * 0.9, "it fades and comes back");
    assert!((loudest(1.73, 1.77) / full - 0.5).abs() < 0.1, "halfway it is half as loud");
}

#[test]
fn a_dissolve_mixes_both_clips_and_shortens_the_reel() {
    let videos = TestVideos::new();
    let (first, second) = (videos.grey("first.mp4", 200, 50), videos.grey("second.mp4", 100, 50));
    let third = videos.grey("third.mp4", 180, 50);
    let clips = [
        clip(&json!({})),
        clip(&json!({"video_key": "input/x/second.mp4"})),
        clip(&json!({"video_key": "input/x/third.mp4"})),
    ];
    let params = reel(&clips, &json!({"type": "dissolve", "duration": 0.4}));
    let result = videos.render_all(Framing, &params, &first, &[&second, &third]).expect("a reel");
    assert_eq!(result.frames, 150 - 2 * 10);
    let greys: Vec<u8> = videos.greys(8, 4).iter().map(|grey| grey[0]).collect();
    for (k, grey) in greys[40..50].iter().enumerate() {
        let wanted = 200.0 - 100.0 * (k + 1) as f64 / 11.0;
        assert!((f64::from(*grey) - wanted).abs() <= 4.0, "frame {k} of it: {grey}, not {wanted}");
    }
    assert!(greys[39].abs_diff(200) <= 4 && greys[50].abs_diff(100) <= 4, "{:?}", &greys[38..52]);
    assert!(greys[79].abs_diff(100) <= 4 && greys[90].abs_diff(180) <= 4, "{:?}", &greys[78..92]);
    let starts: Vec<_> = videos.chapters().into_iter().map(|(_, start, end)| (start, end)).collect();
    assert_eq!(starts, [(0.0, 1.6), (1.6, 3.2), (3.2, 5.2)]);
}

#[test]
fn a_dissolve_leads_one_sound_into_the_other() {
    let videos = TestVideos::new();
    let own = videos.numbered_from("own.mp4", [0, 60, 30], Some(440));
    let other = videos.numbered_from("other.mp4", [100, 60, 30], Some(880));
    let clips = [clip(&json!({})), clip(&json!({"video_key": "input/x/other.mp4"}))];
    let params = reel(&clips, &json!({"type": "dissolve", "duration": 0.5}));
    let result = videos.render_all(Framing, &params, &own, &[&other]).expect("a reel");
    assert_eq!((result.frames, result.duration_ms), (105, 3500));
    let numbers = videos.numbers();
    assert_eq!(
        (&numbers[..45], &numbers[60..]),
        (&(0..45).collect::<Vec<_>>()[..], &(115..160).collect::<Vec<_>>()[..])
    );
    let sound = videos.sound();
    assert!((sound.len() as f64 / 48_000.0 - 3.5).abs() < 0.03, "{} samples", sound.len());
    assert!(near(hertz(&sound, 0.1, 1.4), 440) && near(hertz(&sound, 2.1, 3.4), 880));
    assert!((seconds(&videos.streams("video")[0]) - 3.5).abs() < 0.001);
}

#[test]
fn a_clip_without_sound_is_silent_and_the_next_one_in_step() {
    let videos = TestVideos::new();
    let own = videos.numbered_from("own.mp4", [0, 30, 30], Some(440));
    let mute = videos.numbered_from("mute.mp4", [60, 30, 30], None);
    let last = videos.numbered_from("last.mp4", [100, 30, 30], Some(880));
    let clips =
        [json!({}), json!({"video_key": "input/x/mute.mp4"}), json!({"video_key": "input/x/last.mp4"})];
    let params = reel(&clips.map(|more| clip(&more)), &json!({"type": "cut"}));
    videos.render_all(Framing, &params, &own, &[&mute, &last]).expect("a reel");
    let sound = videos.sound();
    assert!((sound.len() as f64 / 48_000.0 - 3.0).abs() < 0.03, "{} samples", sound.len());
    assert!(near(hertz(&sound, 0.1, 0.9), 440) && near(hertz(&sound, 2.1, 2.9), 880));
    assert_eq!(hertz(&sound, 1.1, 1.9), 0);
}

#[test]
fn videos_of_other_sizes_and_rates_fit_into_one_reel() {
    let videos = TestVideos::new();
    let own = videos.numbered_from("own.mp4", [0, 30, 30], Some(440));
    let quick = videos.make_video(
        "quick.mp4",
        &["-f", "lavfi", "-i", "testsrc=s=320x240:r=60:d=1", "-c:v", "libx264", "-pix_fmt", "yuv420p"],
    );
    let slow = videos.make_video(
        "slow.mkv",
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc=s=322x182:r=30000/1001:d=1",
            "-c:v",
            "libx264",
            "-pix_fmt",
            "yuv420p",
        ],
    );
    let clips =
        [json!({}), json!({"video_key": "input/x/quick.mp4"}), json!({"video_key": "input/x/slow.mkv"})];
    let mut params = reel(&clips.map(|more| clip(&more)), &json!({"type": "dissolve", "duration": 0.2}));
    let result = videos.render_all(Framing, &params, &own, &[&quick, &slow]).expect("a reel");
    assert_eq!((result.frames, result.width, result.height), (90 - 12, 256, 128));
    assert_eq!(videos.streams("video")[0]["avg_frame_rate"], "30/1", "the first clip's");
    params["target_fps"] = json!(15);
    let result = videos.render_all(Framing, &params, &own, &[&quick, &slow]).expect("a reel");
    assert_eq!(result.frames, 45 - 6);
    assert_eq!(videos.numbers()[..12], (0..24).step_by(2).collect::<Vec<_>>());
}

#[test]
fn between_clips_shorter_than_it_a_transition_is_shortened() {
    let videos = TestVideos::new();
    let own = videos.numbered_from("own.mp4", [0, 60, 30], Some(440));
    let clips = [
        json!({}),
        json!({"start_time": 1, "end_time": 1.2}),
        json!({"start_time": 0, "end_time": 0.03}),
        json!({}),
    ];
    for (kind, frames) in [("fade", 60 + 6 + 1 + 60), ("dissolve", 60 + 6 + 1 + 60 - 3)] {
        let params = reel(&clips.clone().map(|more| clip(&more)), &json!({"type": kind, "duration": 2}));
        let result = videos.render(Framing, &params, &own).expect("a reel");
        assert_eq!(result.frames, frames, "{kind}");
        let sound = videos.sound().len() as f64 / 48_000.0;
        assert!((sound - frames as f64 / 30.0).abs() < 0.04, "{kind}: {sound} s of sound");
    }
}

#[test]
fn errors_of_a_clip_have_its_number() {
    let videos = TestVideos::new();
    let own = videos.numbered_from("own.mp4", [0, 30, 30], None);
    let error_of = |second: &Value| {
        let params = reel(&[clip(&json!({})), clip(second)], &json!({"type": "cut"}));
        let error = videos.render(Framing, &params, &own).expect_err("refused");
        assert_eq!((error.code, videos.files().len()), (ErrorCode::InvalidInput, 1), "{error}");
        error.message
    };
    let error = error_of(&json!({"start_time": 600}));
    assert!(error.starts_with("Clip 2: The clip starts at 600.00 s"), "{error}");
    let error = error_of(&json!({"video_key": "input/x/gone.mp4"}));
    assert!(error.starts_with("Clip 2: Video input/x/gone.mp4 was not passed"), "{error}");
}

#[test]
fn a_truncated_clip_is_refused_with_its_number() {
    let videos = TestVideos::new();
    let own = videos.numbered_from("own.mp4", [0, 30, 30], None);
    let half = videos.half_of(&videos.pattern(), "half.mp4");
    for kind in ["cut", "fade", "dissolve"] {
        let clips = [json!({"video_key": "input/x/half.mp4"}), json!({})];
        let params = reel(&clips.map(|more| clip(&more)), &json!({"type": kind}));
        let error = videos.render_all(Framing, &params, &own, &[&half]).expect_err("refused");
        assert_eq!(error.code, ErrorCode::InvalidInput, "{error}");
        assert!(error.message.starts_with("Clip 1: The video is truncated"), "{kind}: {error}");
        assert_eq!(videos.files(), ["half.mp4", "own.mp4", "pattern.mp4"]);
    }
}
