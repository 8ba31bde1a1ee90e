//! Every scripted fault, as a client sees it.

use serde_json::{Value, json};

use crate::test_backend::TestBackend;

fn script(faults: &str) -> String {
    format!(r#"{{"fake_render_ms": 200, "rules": [{{"when": {{"attempt": 1}}, "faults": [{faults}]}}]}}"#)
}

fn second_attempt(backend: &TestBackend) -> Value {
    let mut request = backend.run_request_with_webhook();
    request["input"]["attempt"] = json!(2);
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_is_replaced_once_and_the_next_attempt_succeeds() {
    let backend = TestBackend::with(&script(r#"{"fault": "crash_at", "percent": 60}"#)).await;
    let id = backend.emulator.run(&backend.run_request_with_webhook()).await;
    let job = backend.emulator.wait_until_ended(&id).await;
    assert_eq!((&job["status"], &job["retries"]), (&json!("FAILED"), &json!(1)));
    assert_eq!(job["error"], "job timed out after 1 retries");
    assert_eq!(backend.log.count("claim"), 2);
    assert_eq!(backend.log.count("error") + backend.log.count("complete"), 0);
    let highest = backend
        .log
        .bodies("progress")
        .iter()
        .map(|report| report["progress"].as_f64().unwrap())
        .fold(0.0, f64::max);
    assert!(highest < 60.0, "{highest}");
    let second = backend.emulator.run(&second_attempt(&backend)).await;
    assert_eq!(backend.emulator.wait_until_ended(&second).await["output"]["status"], "success");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_may_apply_to_the_first_run_only() {
    let rules = r#"{"fake_render_ms": 100, "rules":
        [{"when": {"run": 1}, "faults": [{"fault": "crash_at", "percent": 20}]}]}"#;
    let backend = TestBackend::with(rules).await;
    let id = backend.emulator.run(&backend.run_request()).await;
    let job = backend.emulator.wait_until_ended(&id).await;
    assert_eq!((&job["status"], &job["retries"]), (&json!("COMPLETED"), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_hangs_makes_no_calls_until_it_is_stopped() {
    let backend = TestBackend::with(&script(r#"{"fault": "hang_at", "percent": 50}"#)).await;
    let id = backend.emulator.run(&backend.run_request()).await;
    backend.log.wait_for_stage("rendering").await;
    let other = backend.emulator.run(&second_attempt(&backend)).await;
    assert_eq!(backend.emulator.status(&other).await["status"], "IN_QUEUE");
    backend.emulator.post(&format!("/cancel/{id}"), &json!({})).await;
    assert_eq!(backend.emulator.wait_until_ended(&other).await["status"], "COMPLETED");
    assert_eq!(backend.emulator.status(&id).await["status"], "CANCELLED");
    assert_eq!(backend.log.count("complete"), 1, "the second attempt's");
}

#[tokio::test(flavor = "multi_thread")]
async fn final_reports_are_doubled_lost_and_followed_by_progress() {
    let doubled = TestBackend::with(&script(r#"{"fault": "duplicate_complete", "times": 2}"#)).await;
    let id = doubled.emulator.run(&doubled.run_request()).await;
    doubled.emulator.wait_until_ended(&id).await;
    assert_eq!(doubled.log.count("complete"), 3);

    let late = TestBackend::with(&script(r#"{"fault": "progress_after_complete"}"#)).await;
    let id = late.emulator.run(&late.run_request()).await;
    late.emulator.wait_until_ended(&id).await;
    assert_eq!(late.log.calls().last().unwrap().what, "progress");

    let lost = TestBackend::with(&script(r#"{"fault": "lost_complete"}"#)).await;
    let id = lost.emulator.run(&lost.run_request()).await;
    assert_eq!(lost.emulator.wait_until_ended(&id).await["status"], "COMPLETED");
    assert_eq!((lost.log.count("put"), lost.log.count("complete")), (1, 0));

    let failed = TestBackend::with(&script(
        r#"{"fault": "fail", "code": "gpu_out_of_memory", "sentence": "Too big."}, {"fault": "lost_error"}"#,
    ))
    .await;
    let id = failed.emulator.run(&failed.run_request()).await;
    assert_eq!(failed.emulator.wait_until_ended(&id).await["error"], "Too big.");
    assert_eq!(failed.log.count("error"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_silenced_and_shuffled() {
    let silent = TestBackend::with(&script(r#"{"fault": "silent_progress"}"#)).await;
    let id = silent.emulator.run(&silent.run_request()).await;
    silent.emulator.wait_until_ended(&id).await;
    assert_eq!((silent.log.count("progress"), silent.log.count("complete")), (0, 1));

    let shuffled = TestBackend::with(&script(r#"{"fault": "shuffled_progress"}"#)).await;
    let id = shuffled.emulator.run(&shuffled.run_request()).await;
    shuffled.emulator.wait_until_ended(&id).await;
    let percent: Vec<f64> =
        shuffled.log.bodies("progress").iter().map(|report| report["progress"].as_f64().unwrap()).collect();
    assert!(!percent.is_sorted(), "{percent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_are_missing_or_empty() {
    let missing = TestBackend::with(&script(r#"{"fault": "complete_without_output"}"#)).await;
    let id = missing.emulator.run(&missing.run_request()).await;
    missing.emulator.wait_until_ended(&id).await;
    assert_eq!((missing.log.count("put"), missing.log.count("complete")), (0, 1));

    let empty = TestBackend::with(&script(r#"{"fault": "empty_output"}"#)).await;
    let id = empty.emulator.run(&empty.run_request()).await;
    empty.emulator.wait_until_ended(&id).await;
    let calls = empty.log.calls();
    assert_eq!(calls.iter().find(|call| call.what == "put").unwrap().body.len(), 0);
    let whole = empty.log.input().len();
    assert_eq!(empty.log.bodies("complete")[0]["output_bytes"], whole);

    let cut = TestBackend::with(&script(r#"{"fault": "truncated_output"}"#)).await;
    let id = cut.emulator.run(&cut.run_request()).await;
    cut.emulator.wait_until_ended(&id).await;
    let calls = cut.log.calls();
    assert_eq!(calls.iter().find(|call| call.what == "put").unwrap().body.len(), whole / 2);
    assert_eq!(cut.log.bodies("complete")[0]["output_bytes"], whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_refuses_and_times_out() {
    let refused = TestBackend::with(&script(
        r#"{"fault": "answer", "to": "run", "http": 429, "headers": {"retry-after": "3"}, "times": 1},
           {"fault": "answer", "to": "run", "http": 502, "body": "<html>bad gateway</html>"},
           {"fault": "answer", "to": "status", "http": 200, "body": {"status": 500}}"#,
    ))
    .await;
    let first = refused
        .emulator
        .client
        .post(format!("{}/run", refused.emulator.url))
        .header("content-type", "application/json")
        .body(refused.run_request().to_string());
    let first = first.send().await.unwrap();
    assert_eq!((first.status().as_u16(), &first.headers()["retry-after"]), (429, &"3".parse().unwrap()));
    assert_eq!(
        refused.emulator.post("/run", &refused.run_request()).await,
        (502, json!("<html>bad gateway</html>"))
    );
    let id = refused.emulator.run(&refused.run_request()).await;
    assert_eq!(refused.emulator.status(&id).await, json!({"status": 500}));
    assert_eq!(refused.emulator.wait_until_ended(&id).await["status"], "COMPLETED");

    let held = TestBackend::with(&script(r#"{"fault": "submit_times_out", "hold_ms": 50}"#)).await;
    assert_eq!(held.emulator.post("/run", &held.run_request()).await.0, 504);
    held.log.wait_for(|calls| calls.iter().any(|call| call.what == "complete")).await;

    let never =
        TestBackend::with(&script(r#"{"fault": "submit_times_out", "hold_ms": 1, "runs": false}"#)).await;
    assert_eq!(never.emulator.post("/run", &never.run_request()).await.0, 504);
    let second = never.emulator.run(&second_attempt(&never)).await;
    never.emulator.wait_until_ended(&second).await;
    assert_eq!(never.log.count("claim"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn status_is_404_or_false() {
    let hidden = TestBackend::with(&script(r#"{"fault": "not_found_for", "ms": 300}"#)).await;
    let id = hidden.emulator.run(&hidden.run_request()).await;
    assert_eq!(hidden.emulator.get(&format!("/status/{id}")).await.0, 404);
    assert_eq!(hidden.emulator.wait_until_ended(&id).await["status"], "COMPLETED");

    let false_status = TestBackend::with(&script(
        r#"{"fault": "lying_status", "status": "COMPLETED", "output": {"x": 1}}, {"fault": "stuck_in_queue"}"#,
    ))
    .await;
    let id = false_status.emulator.run(&false_status.run_request()).await;
    let job = false_status.emulator.status(&id).await;
    assert_eq!((&job["status"], &job["output"]), (&json!("COMPLETED"), &json!({"x": 1})));
    let second = false_status.emulator.run(&second_attempt(&false_status)).await;
    false_status.emulator.wait_until_ended(&second).await;
    assert_eq!(false_status.emulator.get("/health").await.1["jobs"]["inQueue"], 1);

    let lost = TestBackend::with(&script(r#"{"fault": "lost_result"}"#)).await;
    let id = lost.emulator.run(&lost.run_request()).await;
    lost.log.wait_for(|calls| calls.iter().any(|call| call.what == "complete")).await;
    lost.emulator.wait_until_idle().await;
    assert_eq!(lost.emulator.status(&id).await["status"], "IN_PROGRESS");
    let second = lost.emulator.run(&second_attempt(&lost)).await;
    assert_eq!(lost.emulator.wait_until_ended(&second).await["status"], "COMPLETED");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_job_runs_twice_at_the_same_time() {
    let backend = TestBackend::with(&script(r#"{"fault": "run_twice"}"#)).await;
    let id = backend.emulator.run(&backend.run_request()).await;
    backend.emulator.wait_until_ended(&id).await;
    assert_eq!((backend.log.count("claim"), backend.log.count("complete")), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_lost_doubled_and_false() {
    let backend = TestBackend::with(&script(
        r#"{"fault": "webhook_doubled"}, {"fault": "webhook_lies", "status": "FAILED"}"#,
    ))
    .await;
    backend.emulator.run(&backend.run_request_with_webhook()).await;
    backend.log.wait_for(|calls| calls.iter().filter(|call| call.what == "webhook").count() == 2).await;
    assert!(backend.log.bodies("webhook").iter().all(|body| body["status"] == "FAILED"));

    let lost = TestBackend::with(&script(r#"{"fault": "webhook_lost"}"#)).await;
    let first = lost.emulator.run(&lost.run_request_with_webhook()).await;
    let second = lost.emulator.run(&second_attempt(&lost)).await;
    lost.log.wait_for(|calls| calls.iter().any(|call| call.what == "webhook")).await;
    assert_eq!(lost.emulator.wait_until_ended(&first).await["status"], "COMPLETED");
    assert_eq!(lost.log.bodies("webhook")[0]["id"], json!(second));
}
