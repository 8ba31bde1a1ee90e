//! The size of the output and what it shows when aspects differ.

use reel_core::edit::JobType::{self, Framing, Overlay};
use reel_core::job::error_code::ErrorCode;
use serde_json::{Value, json};

use crate::test_videos::TestVideos;

/// The size of the reel, and the grey at these shares of its width and height, in its first frame.
fn shown(
    videos: &TestVideos,
    job_type: JobType,
    params: &Value,
    spots: &[(f64, f64)],
) -> ((u32, u32), Vec<u8>) {
    let halves = "color=white:s=320x180:r=25:d=0.2,drawbox=w=160:h=180:x=0:y=0:color=gray:t=fill";
    let codec = ["-c:v", "libx264", "-crf", "4", "-pix_fmt", "yuv420p"];
    let video = videos.make_video("halves.mp4", &[&["-f", "lavfi", "-i", halves], &codec[..]].concat());
    let reel = videos.render(job_type, params, &video).expect("a reel");
    let pixels = videos.frame(0);
    let at = |(across, down): (f64, f64)| {
        let place = |share: f64, side: u32| (share * f64::from(side)) as usize;
        pixels[(place(down, reel.height) * reel.width as usize + place(across, reel.width)) * 3]
    };
    ((reel.width, reel.height), spots.iter().map(|spot| at(*spot)).collect())
}

fn near(found: &[u8], expected: &[u8]) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) <= 6)
}

fn crop(more: &Value) -> Value {
    let mut params = json!({"crop_keyframes": [{"frame": 0, "x": 0, "y": 0, "width": 320, "height": 180}]});
    for (name, value) in more.as_object().expect("an object") {
        params[name] = value.clone();
    }
    params
}

#[test]
fn an_overlay_without_a_crop_has_the_size_that_was_named_and_is_not_distorted() {
    let videos = TestVideos::new();
    let spots = [(0.25, 0.5), (0.75, 0.5), (0.5, 0.02), (0.5, 0.98)];
    let params = json!({"effect_type": "original", "output_width": 160, "output_height": 284});
    let (size, greys) = shown(&videos, Overlay, &params, &spots);
    assert_eq!(size, (160, 284));
    assert!(near(&greys, &[128, 255, 0, 0]), "{greys:?}");
    let params = json!({"effect_type": "original", "output_width": 160, "output_height": 90});
    let (size, greys) = shown(&videos, Overlay, &params, &spots);
    assert_eq!(size, (160, 90));
    assert!(near(&greys[..2], &[128, 255]), "{greys:?}");
    let (size, _) = shown(&videos, Overlay, &json!({}), &spots);
    assert_eq!(size, (320, 180), "without a size the picture keeps its own");
}

#[test]
fn each_fit_fills_the_reel_as_it_says() {
    let videos = TestVideos::new();
    let spots = [(0.02, 0.5), (0.98, 0.5), (0.5, 0.02)];
    for (fit, expected) in [("contain", [128, 255, 0]), ("cover", [128, 255, 255]), ("fill", [128, 255, 255])]
    {
        let params = crop(&json!({"fit": fit, "output_width": 100, "output_height": 180}));
        for job_type in [Framing, Overlay] {
            let (size, greys) = shown(&videos, job_type, &params, &spots);
            assert_eq!(size, (100, 180));
            // In the middle grey ends and white begins.
            assert!(near(&greys[..2], &expected[..2]), "{fit}: {greys:?}");
            assert_eq!(greys[2] < 6, expected[2] == 0, "{fit}: {greys:?}");
        }
    }
}

#[test]
fn one_side_follows_from_the_other() {
    let videos = TestVideos::new();
    for (job_type, params, expected) in [
        (Framing, crop(&json!({"output_width": 640})), (640, 360)),
        (Framing, crop(&json!({"output_height": 90})), (160, 90)),
        (Overlay, crop(&json!({"output_width": 640})), (640, 360)),
        (Overlay, json!({"output_height": 360}), (640, 360)),
    ] {
        let (size, greys) = shown(&videos, job_type, &params, &[(0.02, 0.02), (0.98, 0.98)]);
        assert_eq!(size, expected, "{params}");
        assert!(near(&greys, &[128, 255]), "{params}: {greys:?}");
    }
}

#[test]
fn a_crop_outside_the_picture_is_refused_by_name() {
    let videos = TestVideos::new();
    let video = videos.pattern();
    for unit in ["frame", "time"] {
        let key = |at: f64, x: i32| {
            let mut key = json!({"x": x, "y": 0, "width": 100, "height": 100});
            key[unit] = json!(if unit == "frame" { at * 25.0 } else { at });
            key
        };
        for keyframes in
            [json!([key(0.0, 700)]), json!([key(0.0, -100)]), json!([key(0.0, 0), key(2.0, 320)])]
        {
            for job_type in [Framing, Overlay] {
                let params = json!({"crop_keyframes": keyframes});
                let error = videos.render(job_type, &params, &video).expect_err("refused");
                assert_eq!(error.code, ErrorCode::InvalidInput);
                let start = "The crop lies outside the picture of 320x240. ";
                assert!(error.message.starts_with(start), "{error}");
            }
        }
        // Where it leaves is not shown.
        let params = json!({"crop_keyframes": [key(0.0, 0), key(2.0, 330)], "end_time": 1.0});
        videos.render(Framing, &params, &video).expect("a reel");
    }
}
