//! Failures of the API and of storage, and attempts that the API has ended.

use serde_json::json;
use tokio::net::TcpListener;

use crate::call_log::ScriptedReply;
use crate::test_backend::{FAKE, TestBackend, sample};

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_whose_claim_is_refused_makes_no_more_calls() {
    for reply in [
        ScriptedReply::NotApplied,
        ScriptedReply::Status(401),
        ScriptedReply::Status(403),
        ScriptedReply::Status(404),
        ScriptedReply::Status(409),
        ScriptedReply::Status(410),
    ] {
        let backend = TestBackend::with(FAKE).await;
        backend.log.reply("claim", [reply]);
        let id = backend.emulator.run(&backend.run_request()).await;
        let job = backend.emulator.wait_until_ended(&id).await;
        assert_eq!(job["output"], json!({"status": "stopped"}), "{reply:?}");
        assert_eq!(job["status"], "COMPLETED");
        assert_eq!(backend.log.calls().len(), 1, "{reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_restarts_does_not_cost_a_job() {
    let backend = TestBackend::with(FAKE).await;
    backend.log.reply(
        "claim",
        [
            ScriptedReply::Status(503),
            ScriptedReply::Html(502),
            ScriptedReply::Html(200),
            ScriptedReply::Status(429),
        ],
    );
    backend.log.reply("progress", [ScriptedReply::Status(500), ScriptedReply::Html(502)]);
    backend
        .log
        .reply("complete", [ScriptedReply::Status(500), ScriptedReply::Html(530), ScriptedReply::Html(200)]);
    let id = backend.emulator.run(&backend.run_request()).await;
    let job = backend.emulator.wait_until_ended(&id).await;
    assert_eq!(job["output"]["status"], "success", "{job}");
    assert_eq!((backend.log.count("claim"), backend.log.count("complete")), (5, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_drops_connections_is_called_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, api) = (listener.local_addr().unwrap(), listener);
    let dropped = tokio::spawn(async move {
        for _ in 0..3 {
            drop(api.accept().await.unwrap());
        }
        api
    });
    // The second backend's API starts only when three calls have failed, on the same port.
    let backend = TestBackend::with(FAKE).await;
    let mut request = backend.run_request();
    request["input"]["callback_url"] = json!(format!("http://{address}/do/secret-token"));
    let id = backend.emulator.run(&request).await;
    let listener = dropped.await.unwrap();
    assert_eq!(backend.emulator.status(&id).await["status"], "IN_PROGRESS");
    let back = TestBackend::on(listener, FAKE, None).await;
    assert_eq!(backend.emulator.wait_until_ended(&id).await["output"]["status"], "success");
    assert_eq!(back.log.count("complete"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_render_whose_attempt_has_ended_is_stopped() {
    for reply in [ScriptedReply::NotApplied, ScriptedReply::Status(409), ScriptedReply::Status(410)] {
        let backend = TestBackend::with(r#"{"fake_render_ms": 60000}"#).await;
        let id = backend.emulator.run(&backend.run_request()).await;
        backend.log.wait_for_stage("rendering").await;
        backend.log.reply("progress", [reply]);
        let job = backend.emulator.wait_until_ended(&id).await;
        assert_eq!(job["output"], json!({"status": "stopped"}));
        assert_eq!(backend.log.count("error") + backend.log.count("complete"), 0);
        assert_eq!(backend.scratch_files(), Vec::<std::path::PathBuf>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_progress_route_does_not_stop_a_render() {
    let backend = TestBackend::with(FAKE).await;
    backend.log.reply("progress", [ScriptedReply::Status(404), ScriptedReply::Status(400)]);
    let id = backend.emulator.run(&backend.run_request()).await;
    assert_eq!(backend.emulator.wait_until_ended(&id).await["output"]["status"], "success");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_is_cut_off_is_resumed_there() {
    let backend = TestBackend::with(FAKE).await;
    let video: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    backend.log.put_input(video.clone());
    backend.log.reply("get", [ScriptedReply::Status(503), ScriptedReply::Half]);
    let id = backend.emulator.run(&backend.run_request()).await;
    let job = backend.emulator.wait_until_ended(&id).await;
    assert_eq!(job["output"]["status"], "success", "{job}");
    let calls = backend.log.calls();
    let gets: Vec<_> = calls.iter().filter(|call| call.what == "get").collect();
    assert_eq!(gets.len(), 3);
    assert!(gets[2].headers.contains_key("range"), "{:?}", gets[2].headers);
    assert_eq!(gets[2].headers["if-range"], "\"v1\"");
    let put = calls.iter().find(|call| call.what == "put").unwrap();
    assert!(put.body == video, "{} bytes arrived of {}", put.body.len(), video.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_retried_when_storage_fails() {
    let backend = TestBackend::with(FAKE).await;
    backend.log.reply("put", [ScriptedReply::Status(500), ScriptedReply::Html(503)]);
    let id = backend.emulator.run(&backend.run_request()).await;
    assert_eq!(backend.emulator.wait_until_ended(&id).await["output"]["status"], "success");
    assert_eq!(backend.log.count("put"), 3);
    assert_eq!(backend.log.count("complete"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_storage_is_reported_without_a_url() {
    for (what, status, code) in
        [("get", 404, "invalid_input"), ("get", 403, "gpu_error"), ("put", 403, "gpu_error")]
    {
        let backend = TestBackend::with(FAKE).await;
        backend.log.reply(what, [ScriptedReply::Status(status)]);
        let id = backend.emulator.run(&backend.run_request()).await;
        let job = backend.emulator.wait_until_ended(&id).await;
        assert_eq!(job["status"], "FAILED");
        let report = &backend.log.bodies("error")[0];
        assert_eq!(report["error_code"], code);
        assert_eq!(job["error"], report["error"]);
        let message = report["error"].as_str().unwrap();
        assert!(message.ends_with('.') && !message.contains("secret"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_edit_is_invalid_input() {
    let backend = TestBackend::with(FAKE).await;
    backend.log.grant("overlay", json!({"effect_type": "sparkle"}));
    let id = backend.emulator.run(&backend.run_request()).await;
    assert_eq!(backend.emulator.wait_until_ended(&id).await["status"], "FAILED");
    let report = &backend.log.bodies("error")[0];
    assert_eq!(report["error_code"], "invalid_input");
    assert!(report["error"].as_str().unwrap().contains("/effect_type"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_of_another_system_fails_without_a_call() {
    let backend = TestBackend::new().await;
    let id = backend.emulator.run(&json!({"input": {"prompt": "a cat"}})).await;
    let job = backend.emulator.wait_until_ended(&id).await;
    assert_eq!(job["error"], "the input is not a render job of this API");
    assert_eq!(backend.log.calls().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_ends_itself_when_the_time_of_its_claim_is_over() {
    let backend = TestBackend::with(r#"{"fake_render_ms": 600000}"#).await;
    backend.log.grant_more(json!({"execution_timeout_ms": 1_000}));
    let id = backend.emulator.run(&backend.run_request()).await;
    let job = backend.emulator.wait_until_ended(&id).await;
    assert_eq!(job["output"]["error_code"], "execution_timeout", "{job}");
    assert_eq!(backend.log.bodies("error")[0]["error_code"], "execution_timeout");
    assert_eq!(backend.log.count("put") + backend.log.count("complete"), 0);
    assert_eq!(backend.scratch_files(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_render_is_over_before_its_attempt_reports_that_its_time_was() {
    // At full size the sample takes longer than this, on any machine.
    let backend = TestBackend::with("{}").await;
    backend.log.grant("overlay", json!({"effect_type": "blur", "output_width": 4096}));
    backend.log.grant_more(json!({"execution_timeout_ms": 500}));
    backend.log.put_input(std::fs::read(sample()).unwrap());
    let id = backend.emulator.run(&backend.run_request()).await;
    let job = backend.emulator.wait_until_ended(&id).await;
    assert_eq!(job["output"]["error_code"], "execution_timeout", "{job}");
    assert_eq!(backend.scratch_files(), Vec::<std::path::PathBuf>::new());
}
