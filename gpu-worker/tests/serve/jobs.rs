//! Whole jobs with the real renderer.

use serde_json::{Value, json};

use crate::world::{OUTPUT_KEY, POSTER_KEY, Reply, World, overlay, sample};

async fn world_with_sample() -> World {
    let world = World::new().await;
    world.seen.put_input(std::fs::read(sample()).unwrap());
    world.seen.grant("overlay", overlay());
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_fetched_rendered_put_and_reported() {
    let world = world_with_sample().await;
    let id = world.gpu.run(&world.order_with_webhook()).await;
    let job = world.gpu.until_ended(&id).await;
    assert_eq!(job["status"], "COMPLETED", "{job}");
    assert_eq!(job["output"], json!({"status": "success", "output_video_key": OUTPUT_KEY}));
    assert!(job["executionTime"].as_u64().unwrap() > 0);
    assert!(job["delayTime"].is_u64() && job["workerId"].is_string());

    world.seen.until(|calls| calls.iter().any(|call| call.what == "webhook")).await;
    assert_eq!(world.seen.bodies("claim"), [json!({"runpod_job_id": id})]);
    progress_is_honest(&world.seen.bodies("progress"));
    let kinds: Vec<&str> = world.seen.calls().iter().map(|call| call.what).collect();
    let place = |what: &str| kinds.iter().position(|kind| *kind == what).unwrap();
    assert!(place("claim") < place("get") && place("get") < place("put") && place("put") < place("complete"));
    assert!(place("get") < place("poster") && place("poster") < place("put"), "{kinds:?}");
    assert!(!kinds[place("complete")..].contains(&"progress"), "{kinds:?}");

    let put = world.seen.calls().into_iter().find(|call| call.what == "put").unwrap();
    assert_eq!(put.headers["content-type"], "video/mp4");
    assert_eq!(put.headers["content-length"].to_str().unwrap(), put.body.len().to_string());
    the_video_plays(&put.body);
    let poster = world.seen.calls().into_iter().find(|call| call.what == "poster").unwrap();
    assert_eq!(poster.headers["content-type"], "image/jpeg");
    assert_eq!(&poster.body[..2], b"\xFF\xD8", "a JPEG");
    let report =
        json!({"output_video_key": OUTPUT_KEY, "output_bytes": put.body.len(), "poster_key": POSTER_KEY});
    assert_eq!(world.seen.bodies("complete"), [report]);

    let health = world.gpu.until_idle().await;
    assert_eq!(
        health["jobs"],
        json!({"completed": 1, "failed": 0, "inProgress": 0, "inQueue": 0, "retried": 0})
    );
    assert_eq!(world.stop().await, Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_storage_refuses_does_not_cost_the_reel() {
    let world = world_with_sample().await;
    world.seen.reply("poster", [Reply::Status(403)]);
    let id = world.gpu.run(&world.order()).await;
    assert_eq!(world.gpu.until_ended(&id).await["output"]["status"], "success");
    assert_eq!((world.seen.count("poster"), world.seen.count("put")), (1, 1));
    let report = &world.seen.bodies("complete")[0];
    assert!(report["output_bytes"].as_u64() > Some(0) && report.get("poster_key").is_none(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_kills_a_render_and_leaves_nothing() {
    let world = world_with_sample().await;
    // Full size: long enough to be caught in the act.
    world.seen.grant("overlay", json!({"effect_type": "blur", "crop_keyframes": null}));
    let id = world.gpu.run(&world.order_with_webhook()).await;
    world.seen.until_stage("rendering").await;
    assert!(!world.scratch_files().is_empty());
    let asked_at = std::time::Instant::now();
    let (status, answer) = world.gpu.post(&format!("/cancel/{id}"), &json!({})).await;
    assert_eq!((status, answer), (200, json!({"id": id, "status": "CANCELLED"})));
    let health = world.gpu.until_idle().await;
    assert!(asked_at.elapsed().as_secs_f64() < 2.0, "it took {:?}", asked_at.elapsed());
    assert_eq!(health["jobs"]["inProgress"], 0);
    assert_eq!(world.scratch_files(), Vec::<std::path::PathBuf>::new());
    assert_eq!(world.gpu.status(&id).await["status"], "CANCELLED");
    for silent in ["poster", "put", "complete", "error", "webhook"] {
        assert_eq!(world.seen.count(silent), 0, "{silent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_video_is_reported_as_invalid_input() {
    let world = World::new().await;
    world.seen.put_input(b"this is not a video".repeat(1000));
    let id = world.gpu.run(&world.order_with_webhook()).await;
    let job = world.gpu.until_ended(&id).await;
    assert_eq!(job["status"], "FAILED");
    let reports = world.seen.bodies("error");
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0]["error_code"], "invalid_input");
    let sentence = reports[0]["error"].as_str().unwrap();
    assert!(sentence.ends_with('.') && !sentence.contains('/'), "{sentence}");
    assert_eq!(job["error"], sentence);
    assert_eq!(world.seen.count("complete") + world.seen.count("put"), 0);
}

fn progress_is_honest(reports: &[Value]) {
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
    let told_frames = reports
        .iter()
        .any(|report| report["message"].as_str().is_some_and(|message| message.contains("of 132 frames")));
    assert!(told_frames, "{reports:?}");
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
