//! `gpu-worker attempt`: the same work without the emulator.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::call_log::ScriptedReply;
use crate::test_backend::{OUTPUT_KEY, POSTER_KEY, TestBackend, files_below, overlay, sample};

const ID: &str = "8f6c2a9b-0d41-u1";

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_prints_its_result_and_sends_runpods_id_to_the_api() {
    let backend = backend_with_sample().await;
    let scratch = tempfile::tempdir().unwrap();
    let output = ended(start(&backend, scratch.path(), &["--runpod-job-id", ID])).await;
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    let result: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(result, json!({"status": "success", "output_video_key": OUTPUT_KEY}));
    assert_eq!(backend.log.bodies("claim"), [json!({"runpod_job_id": ID, "conditional_put": true})]);
    let report = &backend.log.bodies("complete")[0];
    assert_eq!(
        (&report["output_video_key"], &report["poster_key"]),
        (&json!(OUTPUT_KEY), &json!(POSTER_KEY))
    );
    let made = &report["output"];
    assert_eq!(
        (&made["frames"], &made["fps"], &made["duration_ms"]),
        (&json!(132), &json!(25.0), &json!(5280))
    );
    assert!(made["width"].is_u64() && made["height"].is_u64(), "{made}");
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("rendered 132 frames") && !log.contains("secret-token"), "{log}");
    assert_eq!(files_below(scratch.path()), Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_fails_has_its_error_as_a_string() {
    let backend = backend_with_sample().await;
    backend.log.put_input(b"not a video".to_vec());
    let scratch = tempfile::tempdir().unwrap();
    let output = ended(start(&backend, scratch.path(), &[])).await;
    assert_eq!(output.status.code(), Some(1));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    // RunPod takes no other kind of error for a failure.
    assert!(result["error"].is_string() && result["error_code"].is_string(), "{result}");
    assert_eq!(backend.log.bodies("claim"), [json!({"conditional_put": true})]);
    assert_eq!(backend.log.bodies("error")[0]["error"], result["error"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_is_over_ends_without_a_failure() {
    let backend = backend_with_sample().await;
    backend.log.reply("claim", [ScriptedReply::Status(409)]);
    let scratch = tempfile::tempdir().unwrap();
    let output = ended(start(&backend, scratch.path(), &["--runpod-job-id", ID])).await;
    assert_eq!(output.status.code(), Some(0));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result, json!({"status": "stopped"}));
    assert_eq!((backend.log.count("get"), backend.log.count("error")), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_an_attempt_within_a_second_and_leaves_nothing() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let backend = backend_with_sample().await;
        // Full size: long enough to be caught in the act.
        backend.log.grant("overlay", json!({"effect_type": "blur", "crop_keyframes": null}));
        let scratch = tempfile::tempdir().unwrap();
        let child = start(&backend, scratch.path(), &["--runpod-job-id", ID]);
        backend.log.wait_for_stage("rendering").await;
        assert!(!files_below(scratch.path()).is_empty());
        let sent_at = Instant::now();
        let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let output = ended(child).await;
        let took = sent_at.elapsed();
        assert!(took < Duration::from_secs(1), "{signal} took {took:?}");
        assert_eq!(output.status.code(), Some(code));
        assert!(output.stdout.is_empty(), "{:?}", String::from_utf8_lossy(&output.stdout));
        assert_eq!(files_below(scratch.path()), Vec::<std::path::PathBuf>::new());
        assert_eq!((backend.log.count("put"), backend.log.count("error")), (0, 0));
    }
}

#[test]
fn an_id_that_could_be_a_path_is_refused() {
    let output = command().args(["-", "--runpod-job-id", "../x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("letters, digits, - and _"));
}

async fn backend_with_sample() -> TestBackend {
    let backend = TestBackend::new().await;
    backend.log.put_input(std::fs::read(sample()).unwrap());
    backend.log.grant("overlay", overlay());
    backend
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpu-worker"));
    command.arg("attempt").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Its input comes from a file beside the scratch folder of the attempt.
fn start(backend: &TestBackend, scratch: &Path, more: &[&str]) -> Child {
    let input = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(input.path(), backend.run_request()["input"].to_string()).unwrap();
    let file = std::fs::File::open(input.path()).unwrap();
    command().arg("-").arg("--scratch").arg(scratch).args(more).stdin(file).spawn().unwrap()
}

async fn ended(child: Child) -> std::process::Output {
    tokio::task::spawn_blocking(|| child.wait_with_output().unwrap()).await.unwrap()
}
