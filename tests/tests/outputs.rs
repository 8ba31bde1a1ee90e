//! Several outputs of one job, and its filmstrip: rendered, verified, shown, and deleted with the job.

use e2e::{Probe, Stack, bare_http, create, render};
use reel_client::{CapabilityUrl, JobStatus, JobType};
use serde_json::{Value, json};

/// A quick edit of the sample with an upright output, two others and a filmstrip.
fn three_shapes() -> Value {
    json!({
        "effect_type": "dark_overlay",
        "highlight_regions": [
            {"start_frame": 0, "end_frame": 131, "x": 640, "y": 360, "radius_x": 90, "radius_y": 160}
        ],
        "crop_keyframes": [{"frame": 0, "x": 437, "y": 0, "width": 405, "height": 720}],
        "output_width": 270,
        "output_height": 480,
        "outputs": [{"name": "feed", "width": 320, "height": 320}, {"name": "coach", "width": 480, "height": 270}],
        "filmstrip": true
    })
}

async fn status_of(url: &CapabilityUrl) -> u16 {
    bare_http().get(url.reveal()).send().await.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn a_job_makes_several_outputs_and_a_filmstrip_of_one_decode() {
    let stack = Stack::shared().await;
    let client = stack.client();
    let job = create(&client, JobType::Overlay, three_shapes()).await;
    let messages = render(&client, &job).await;
    let last = &messages.last().expect("messages").job;
    assert_eq!((last.status, last.attempt), (JobStatus::Complete, 1), "{:?}", last.error);
    let shown = client.job(job.job_id).await.expect("the job");
    for (place, job) in [("the socket", last), ("the job", &shown)] {
        let names: Vec<_> = job.outputs.iter().map(|output| output.name.as_str()).collect();
        assert_eq!(names, ["feed", "coach"], "{place}");
        for (output, (width, height)) in job.outputs.iter().zip([(320, 320), (480, 270)]) {
            let made = output.output.expect("what was made");
            assert_eq!((made.width, made.height, made.frames), (width, height, 132), "{place}");
            let url = output.output_url.as_ref().expect("a URL");
            let bytes =
                bare_http().get(url.reveal()).send().await.expect("an answer").bytes().await.expect("bytes");
            assert_eq!(Some(bytes.len() as u64), output.output_bytes, "{place}");
            let file = stack.folder().join(format!("{}.mp4", output.name));
            std::fs::write(&file, bytes).expect("to write it");
            let probe = Probe::of(&file);
            assert_eq!(
                (probe.video_codec.as_str(), probe.width, probe.height),
                ("h264", width.into(), height.into())
            );
            assert_eq!(status_of(output.poster_url.as_ref().expect("a poster")).await, 200);
        }
    }

    let strip = shown.filmstrip.as_ref().expect("a filmstrip");
    assert_eq!((strip.tile_width, strip.tile_height, strip.tiles), (90, 160, 6), "one a second of 5.28");
    let vtt_url = format!("{}{}", stack.api_url().trim_end_matches('/'), strip.vtt_url.reveal());
    let answer = bare_http().get(vtt_url).send().await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "text/vtt; charset=utf-8");
    let vtt = answer.text().await.expect("text");
    assert!(vtt.starts_with("WEBVTT\n") && vtt.contains("00:00:05.000 --> 00:00:05.280"), "{vtt}");
    let sheet = vtt.lines().find(|line| line.contains("#xywh=")).expect("a URL");
    let sheet = bare_http().get(sheet).send().await.expect("an answer").bytes().await.expect("bytes");
    let file = stack.folder().join("filmstrip.jpg");
    std::fs::write(&file, sheet).expect("to write it");
    let probe = Probe::of(&file);
    assert_eq!((probe.video_codec.as_str(), probe.width, probe.height), ("mjpeg", 540, 160));

    // Whoever deletes the job deletes all of it.
    client.delete(job.job_id).await.expect("to delete it");
    for url in shown.outputs.iter().flat_map(|output| [&output.output_url, &output.poster_url]).flatten() {
        assert_eq!(status_of(url).await, 404);
    }
    assert_eq!(status_of(&strip.url).await, 404);
}

#[tokio::test]
async fn a_job_without_a_filmstrip_says_how_to_get_one() {
    let stack = Stack::shared().await;
    let client = stack.client();
    let params = json!({"highlight_regions": [], "output_width": 160});
    let job = create(&client, JobType::Overlay, params).await;
    let url = format!("{}/api/jobs/{}/filmstrip.vtt", stack.api_url().trim_end_matches('/'), job.job_id);
    let answer = bare_http().get(url).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 404);
    let problem: Value = answer.json().await.expect("a problem");
    assert_eq!(problem["code"], "filmstrip_not_found");
    client.cancel(job.job_id).await.expect("to cancel it");
}
