//! Whole jobs with the real renderer.

use serde_json::{Value, json};

use crate::call_log::ScriptedReply;
use crate::test_backend::{OUTPUT_KEY, POSTER_KEY, TestBackend, overlay, sample};

async fn backend_with_sample() -> TestBackend {
    let backend = TestBackend::new().await;
    backend.log.put_input(std::fs::read(sample()).unwrap());
    backend.log.grant("overlay", overlay());
    backend
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_downloaded_rendered_uploaded_and_reported() {
    let backend = backend_with_sample().await;
    let id = backend.emulator.run(&backend.run_request_with_webhook()).await;
    let job = backend.emulator.wait_until_ended(&id).await;
    assert_eq!(job["status"], "COMPLETED", "{job}");
    assert_eq!(job["output"], json!({"status": "success", "output_video_key": OUTPUT_KEY}));
    assert!(job["executionTime"].as_u64().unwrap() > 0);
    assert!(job["delayTime"].is_u64() && job["workerId"].is_string());

    backend.log.wait_for(|calls| calls.iter().any(|call| call.what == "webhook")).await;
    assert_eq!(backend.log.bodies("claim"), [json!({"runpod_job_id": id, "conditional_put": true})]);
    progress_goes_up_through_every_stage(&backend.log.bodies("progress"));
    let kinds: Vec<&str> = backend.log.calls().iter().map(|call| call.what).collect();
    let place = |what: &str| kinds.iter().position(|kind| *kind == what).unwrap();
    assert!(place("claim") < place("get") && place("get") < place("put") && place("put") < place("complete"));
    assert!(place("get") < place("poster") && place("poster") < place("put"), "{kinds:?}");
    assert!(!kinds[place("complete")..].contains(&"progress"), "{kinds:?}");

    let put = backend.log.calls().into_iter().find(|call| call.what == "put").unwrap();
    assert_eq!(put.headers["content-type"], "video/mp4");
    assert_eq!(put.headers["content-length"].to_str().unwrap(), put.body.len().to_string());
    the_video_plays(&put.body);
    let poster = backend.log.calls().into_iter().find(|call| call.what == "poster").unwrap();
    assert_eq!(poster.headers["content-type"], "image/jpeg");
    assert_eq!(&poster.body[..2], b"\xFF\xD8", "a JPEG");
    let made = json!({"width": 270, "height": 480, "fps": 25.0, "frames": 132, "duration_ms": 5280});
    let report = json!({"output_video_key": OUTPUT_KEY, "output_bytes": put.body.len(),
        "poster_key": POSTER_KEY, "output": made});
    assert_eq!(backend.log.bodies("complete"), [report]);

    let health = backend.emulator.wait_until_idle().await;
    assert_eq!(
        health["jobs"],
        json!({"completed": 1, "failed": 0, "inProgress": 0, "inQueue": 0, "retried": 0})
    );
    assert_eq!(backend.stop().await, Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poster_that_storage_refuses_does_not_cost_the_output() {
    let backend = backend_with_sample().await;
    backend.log.reply("poster", [ScriptedReply::Status(403)]);
    let id = backend.emulator.run(&backend.run_request()).await;
    assert_eq!(backend.emulator.wait_until_ended(&id).await["output"]["status"], "success");
    assert_eq!((backend.log.count("poster"), backend.log.count("put")), (1, 1));
    let report = &backend.log.bodies("complete")[0];
    assert!(report["output_bytes"].as_u64() > Some(0) && report.get("poster_key").is_none(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_kills_a_render_and_leaves_nothing() {
    let backend = backend_with_sample().await;
    // Full size: long enough to be caught in the act.
    backend.log.grant("overlay", json!({"effect_type": "blur", "crop_keyframes": null}));
    let id = backend.emulator.run(&backend.run_request_with_webhook()).await;
    backend.log.wait_for_stage("rendering").await;
    assert!(!backend.scratch_files().is_empty());
    let asked_at = std::time::Instant::now();
    let (status, answer) = backend.emulator.post(&format!("/cancel/{id}"), &json!({})).await;
    assert_eq!((status, answer), (200, json!({"id": id, "status": "CANCELLED"})));
    let health = backend.emulator.wait_until_idle().await;
    assert!(asked_at.elapsed().as_secs_f64() < 2.0, "it took {:?}", asked_at.elapsed());
    assert_eq!(health["jobs"]["inProgress"], 0);
    assert_eq!(backend.scratch_files(), Vec::<std::path::PathBuf>::new());
    assert_eq!(backend.emulator.status(&id).await["status"], "CANCELLED");
    for silent in ["poster", "put", "complete", "error", "webhook"] {
        assert_eq!(backend.log.count(silent), 0, "{silent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_video_is_reported_as_invalid_input() {
    let backend = TestBackend::new().await;
    backend.log.put_input(b"this is not a video".repeat(1000));
    let id = backend.emulator.run(&backend.run_request_with_webhook()).await;
    let job = backend.emulator.wait_until_ended(&id).await;
    assert_eq!(job["status"], "FAILED");
    let reports = backend.log.bodies("error");
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0]["error_code"], "invalid_input");
    let sentence = reports[0]["error"].as_str().unwrap();
    assert!(sentence.ends_with('.') && !sentence.contains('/'), "{sentence}");
    assert_eq!(job["error"], sentence);
    assert_eq!(backend.log.count("complete") + backend.log.count("put"), 0);
}

fn progress_goes_up_through_every_stage(reports: &[Value]) {
    let percent: Vec<f64> = reports.iter().map(|report| report["progress"].as_f64().unwrap()).collect();
    assert!(percent.is_sorted(), "{percent:?}");
    // "starting, 0 %" is skipped when the download begins at once.
    assert!(percent[0] <= 1.0, "{percent:?}");
    assert!(percent.iter().all(|percent| (0.0..100.0).contains(percent)));
    let mut stages: Vec<&str> = reports.iter().map(|report| report["stage"].as_str().unwrap()).collect();
    stages.dedup();
    let order = ["starting", "downloading", "rendering", "uploading"];
    let places: Vec<usize> =
        stages.iter().map(|stage| order.iter().position(|known| known == stage).unwrap()).collect();
    assert!(places.is_sorted() && places.contains(&2), "{stages:?}");
    let names_frames = reports
        .iter()
        .any(|report| report["message"].as_str().is_some_and(|message| message.contains("of 132 frames")));
    assert!(names_frames, "{reports:?}");
}

fn the_video_plays(bytes: &[u8]) {
    let file = tempfile::NamedTempFile::with_suffix(".mp4").unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let probe = std::process::Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-count_frames",
            "-show_entries",
            "stream=codec_name,width,height,nb_read_frames",
        ])
        .args(["-of", "json"])
        .arg(file.path())
        .output()
        .unwrap();
    let probe: Value = serde_json::from_slice(&probe.stdout).unwrap();
    let video = &probe["streams"][0];
    assert_eq!(video["codec_name"], "h264");
    assert_eq!((&video["width"], &video["height"]), (&json!(270), &json!(480)));
    assert_eq!(video["nb_read_frames"], "132");
    assert_eq!(probe["streams"][1]["codec_name"], "aac");
}
