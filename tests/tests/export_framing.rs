//! A cropped and trimmed reel, through the typed client and through the command.

use std::process::Stdio;

use e2e::{Probe, Stack, create, render, run, sample};
use reel_client::{JobStatus, JobType, MessageType};
use serde_json::{Value, json};

#[tokio::test]
async fn a_moving_crop_and_a_trim_become_a_vertical_reel() {
    let stack = Stack::shared().await;
    let client = stack.client();
    let params = json!({
        "crop_keyframes": [
            {"frame": 0, "x": 100, "y": 0, "width": 405, "height": 720},
            {"frame": 131, "x": 775, "y": 0, "width": 405, "height": 720}
        ],
        "output_width": 1080, "output_height": 1920, "start_time": 1.0, "end_time": 3.0
    });
    let job = create(&client, JobType::Framing, params).await;
    let messages = render(&client, &job).await;
    let last = messages.last().expect("messages");
    assert_eq!((last.message_type, last.job.status), (MessageType::Complete, JobStatus::Complete));
    let numbers: Vec<u64> = messages.iter().filter_map(|message| message.seq).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "seq goes up by one");

    let reel = stack.folder().join("framing.mp4");
    let url = last.job.output_url.as_ref().expect("the last message has an output_url");
    client.download(url, &reel, |_, _| ()).await.expect("the reel");
    let probe = Probe::of(&reel);
    assert_eq!((probe.video_codec.as_str(), probe.width, probe.height), ("h264", 1080, 1920));
    assert_eq!(probe.audio_codec.as_deref(), Some("aac"));
    assert!((probe.duration - 2.0).abs() <= 0.04, "{probe:?}");
    assert!((probe.audio_duration - 2.0).abs() <= 0.1, "{probe:?}");
}

#[tokio::test]
async fn the_command_reel_exports_a_clip_and_reports_it_as_json() {
    let stack = Stack::shared().await;
    let reel = stack.folder().join("by-command/reel.mp4");
    let mut command = stack.reel();
    command.args(["export", "--json", "--type", "framing", "--crop", "0:437,0,405,720", "--size", "540x960"]);
    command.args(["--start", "4", "--out"]).arg(&reel).arg(sample());
    let stdout = tokio::task::spawn_blocking(move || run(&mut command)).await.expect("the command ends");

    let report: Value = serde_json::from_str(&stdout).expect("one JSON object on stdout");
    assert_eq!((&report["status"], &report["type"]), (&"complete".into(), &"framing".into()));
    assert_eq!(report["params"]["start_time"].as_f64(), Some(4.0));
    assert_eq!(report["file_bytes"].as_u64(), Some(reel.metadata().expect("the reel").len()));
    let probe = Probe::of(&reel);
    assert_eq!((probe.width, probe.height), (540, 960));
    assert!((probe.duration - 1.28).abs() <= 0.04, "{probe:?}");
}

#[tokio::test]
async fn the_command_reel_shows_the_servers_sentence_every_fault_and_exit_code_3() {
    let stack = Stack::shared().await;
    let mut command = stack.reel();
    command.args(["export", "--type", "overlay", "--effect", "spotligth", "--region", "9-3@1,2,3,4"]);
    command.arg("--out").arg(stack.folder().join("never.mp4")).arg(sample());
    let output = command.stdin(Stdio::null()).output().expect("the command runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    for expected in ["/params/effect_type: ", "did you mean \"spotlight\"?", "/params/highlight_regions/0"] {
        assert!(stderr.contains(expected), "{expected} in: {stderr}");
    }
    assert!(!stderr.contains("X-Amz"), "no signed link in: {stderr}");
}
