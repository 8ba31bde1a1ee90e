//! Sound at another speed: each beep begins with its flash.

use reel_core::edit::JobType::Framing;
use serde_json::json;

use crate::test_videos::TestVideos;

/// A flash with a beep of 1 kHz at 1 s and at 2.5 s, grey and silent else.
fn flash_and_beep(videos: &TestVideos, sample_rate: u32) -> std::path::PathBuf {
    let flash = "color=gray:s=128x64:r=30:d=3,drawbox=t=fill:color=white:\
        enable='between(t,0.999,1.099)+between(t,2.499,2.599)'";
    let beep =
        format!("aevalsrc='0.5*sin(2*PI*1000*t)*(between(t,1,1.1)+between(t,2.5,2.6))':s={sample_rate}:d=3");
    let codecs = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", "-f", "mov"];
    videos.make_video(
        "flash.mov",
        &[&["-f", "lavfi", "-i", flash, "-f", "lavfi", "-i", &beep], &codecs[..]].concat(),
    )
}

#[test]
fn a_beep_begins_with_its_flash_at_every_speed() {
    for (speed, sample_rate) in [
        (0.25, 48_000),
        (0.5, 48_000),
        (0.5, 16_000),
        (0.75, 44_100),
        (1.5, 44_100),
        (2.0, 48_000),
        (4.0, 48_000),
    ] {
        let videos = TestVideos::new();
        let video = flash_and_beep(&videos, sample_rate);
        let params = json!({"output_width": 128, "output_height": 64,
            "segments": [{"start": 0, "end": 3, "speed": speed}],
            "crop_keyframes": [{"frame": 0, "x": 0, "y": 0, "width": 128, "height": 64}]});
        videos.render(Framing, &params, &video).expect("a reel");
        let flashes =
            risings(&videos.greys(1, 1).iter().map(|grey| grey[0] > 200).collect::<Vec<_>>(), 30.0, 3.0);
        let sound = videos.sound();
        assert!((sound.len() as f64 / 48_000.0 - 3.0 / speed).abs() < 0.05, "{} samples", sound.len());
        let beeps: Vec<bool> = sound.iter().map(|sample| sample.abs() > 0.1).collect();
        let beeps = risings(&beeps, 48_000.0, 3.0);
        assert_eq!((flashes.len(), beeps.len()), (2, 2), "at {speed}: {flashes:?}, {beeps:?}");
        for (flash, beep) in flashes.iter().zip(&beeps) {
            assert!((beep - flash).abs() < 0.033, "at {speed}: beep at {beep}, flash at {flash}");
        }
    }
}

/// The seconds at which `on` becomes true after a tenth of `pause_s` without it.
fn risings(on: &[bool], rate: f64, pause_s: f64) -> Vec<f64> {
    let pause = (pause_s * rate / 30.0) as usize;
    let mut last_on = None;
    let mut found = Vec::new();
    for (index, _) in on.iter().enumerate().filter(|(_, on)| **on) {
        if last_on.is_none_or(|last| index - last > pause) {
            found.push(index as f64 / rate);
        }
        last_on = Some(index);
    }
    found
}
