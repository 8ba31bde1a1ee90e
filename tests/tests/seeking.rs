//! A browser seeks in a result, over ranges of the API.

use std::path::Path;
use std::process::Command;

use e2e::{Options, Stack, browse, free_port, new_job, render, run, upload};
use reel_client::{Client, JobStatus, JobType, Secret};
use serde_json::json;

/// Seconds of the clip. The first has this luma, and each is [`STEP`] lighter than the one before.
const SECONDS: u32 = 60;
const DARKEST: f64 = 40.0;
const STEP: f64 = 3.0;

#[tokio::test]
async fn chromium_seeks_in_a_result_by_ranges_and_shows_the_picture_of_that_moment() {
    let port = free_port();
    let key = "the-key-of-this-test-and-of-nothing-else";
    let vars =
        vec![("WORKERS_API_KEY", key.to_owned()), ("ALLOWED_ORIGINS", format!("http://127.0.0.1:{port}"))];
    let stack = Stack::start(Options { vars, ..Options::default() }).await;
    let client = Client::new(stack.api_url(), Some(Secret::new(key))).expect("a client");
    let clip = stack.folder().join("clip.mp4");
    brightening_clip(&clip);
    let input = upload(&client, &clip).await;
    let params = json!({
        "crop_keyframes": [{"frame": 0, "x": 0, "y": 0, "width": 320, "height": 180}],
        "output_width": 640, "output_height": 360, "include_audio": false
    });
    let job = client.create_job(&new_job(JobType::Framing, input, params), None).await.expect("a job");
    let job = render(&client, &job).await.pop().expect("a last message").job;
    assert_eq!((job.status, job.error.as_deref()), (JobStatus::Complete, None));
    let size = job.output_bytes.expect("a size");
    assert!(size > 3_000_000, "{size} bytes are loaded at once: nothing would be sought");

    let websocket_url = job.websocket_url.as_ref().expect("a URL").reveal();
    let (_, token) = websocket_url.split_once("token=").expect("a token");
    let output = job.output_video_key.expect("a result");
    let video_url = format!("{}/api/videos/download/{output}?inline=1&token={token}", stack.api_url());
    let moments = [50.5, 10.5, 58.5, 30.5, 2.5];
    let seen =
        browse("seek.mjs", json!({"page_port": port, "video_url": video_url, "seek_to": moments})).await;

    let duration = seen["duration"].as_f64().expect("a duration");
    assert!((duration - f64::from(SECONDS)).abs() < 0.5, "{duration} s");
    for also in ["plain", "opened"] {
        assert_eq!(seen[also].as_f64(), Some(duration), "{also}: {seen}");
    }
    let shown = seen["shown"].as_array().expect("pictures");
    assert_eq!(shown.len(), moments.len());
    for (moment, picture) in moments.iter().zip(shown) {
        assert!((picture["current_time"].as_f64().expect("a time") - moment).abs() < 0.05, "{picture}");
        // Video's 16..235 is the browser's 0..255. Encoding noise costs some light, moments are far apart.
        let light = picture["light"].as_f64().expect("light");
        let second = (16.0 + light / 255.0 * 219.0 - DARKEST) / STEP;
        assert!((second - moment.floor()).abs() < 3.0, "at {moment} s it shows second {second}: {picture}");
    }
    let answers = seen["answers"].as_array().expect("answers");
    assert!(answers.len() > 1 && answers.iter().all(|answer| answer["status"] == 206), "{answers:#?}");
    let far_in = |answer: &serde_json::Value| {
        let range = answer["range"].as_str().unwrap_or_default();
        let first: u64 =
            range.trim_start_matches("bytes=").split('-').next().unwrap_or_default().parse().unwrap_or(0);
        first > size / 2
    };
    assert!(answers.iter().any(far_in), "no request began in the second half: {answers:?}");
}

/// Gray noise, so that it has some megabytes, lighter by the second.
fn brightening_clip(path: &Path) {
    let source = format!("color=black:size=32x18:rate=10:duration={SECONDS}");
    let filter = format!(
        "format=yuv420p,geq=lum='{DARKEST}+{STEP}*floor(T)':cb=128:cr=128,scale=320:180:flags=neighbor,noise=alls=20:allf=t"
    );
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", &source, "-vf", &filter])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-crf", "16", "-g", "10"])
        .arg(path));
}
