//! The queue API: what is taken, what is refused, and in which words.

use serde_json::{Value, json};

use crate::test_backend::{FAKE, TestBackend};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_an_unknown_endpoint_and_an_unknown_job_are_told_apart() {
    let backend = TestBackend::with_key("right").await;
    let ask = |path: &str, key: Option<&str>| {
        let url = format!("{}{path}", backend.emulator.url);
        let request = backend.emulator.client.get(url);
        let request = match key {
            Some(key) => request.header("authorization", key),
            None => request,
        };
        async { request.send().await.unwrap() }
    };
    let nameless = ask("/health", None).await;
    assert_eq!(nameless.status(), 401);
    assert_eq!(nameless.text().await.unwrap(), "no token provided");
    assert_eq!(ask("/health", Some("Bearer wrong")).await.status(), 401);
    assert_eq!(ask("/health", Some("Bearer right")).await.status(), 200);
    assert_eq!(ask("/health", Some("right")).await.status(), 200);

    let other = ask("/../../../v2/other/health", Some("Bearer right")).await;
    assert_eq!(other.status(), 404);
    assert_eq!(other.text().await.unwrap(), "endpoint not found");

    let gone = ask("/status/3f2b8c1e-u1", Some("Bearer right")).await;
    assert_eq!(gone.status(), 404);
    let problem: Value = serde_json::from_str(&gone.text().await.unwrap()).unwrap();
    assert_eq!(problem, json!({"status": 404, "title": "Not Found", "detail": "job not found"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_that_runpod_refuses_are_refused() {
    let backend = TestBackend::new().await;
    for request in [json!({}), json!({"input": {}}), json!({"input": {"a": 1}, "policy": {"ttl": "long"}})] {
        assert_eq!(backend.emulator.post("/run", &request).await.0, 400, "{request}");
    }
    let huge = json!({"input": {"a": "x".repeat(10_000_000)}});
    assert_eq!(backend.emulator.post("/run", &huge).await.0, 400);
    assert_eq!(backend.emulator.get("/run").await.0, 405);
    for path in ["/cancel/nobody", "/retry/nobody", "/status/nobody"] {
        let (status, problem) = backend.emulator.post(path, &json!({})).await;
        assert_eq!((status, &problem["status"]), (404, &json!(404)), "{path}");
    }
    assert_eq!(backend.emulator.get("/health").await.1["jobs"]["inQueue"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_look_like_runpods_and_status_is_read_with_get_and_post() {
    let backend = TestBackend::with(FAKE).await;
    let id = backend.emulator.run(&backend.run_request()).await;
    let uuid = id.strip_suffix("-u1").unwrap();
    assert_eq!(uuid.len(), 36);
    backend.emulator.wait_until_ended(&id).await;
    let path = format!("/status/{id}");
    assert_eq!(backend.emulator.get(&path).await, backend.emulator.post(&path, &json!({})).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_wait_their_turn_and_can_be_purged() {
    let backend = TestBackend::with(r#"{"fake_render_ms": 60000}"#).await;
    let first = backend.emulator.run(&backend.run_request()).await;
    backend.emulator.wait_for_status(&first, &["IN_PROGRESS"]).await;
    let second = backend.emulator.run(&backend.run_request()).await;
    let third = backend.emulator.run(&backend.run_request()).await;
    let health = backend.emulator.get("/health").await.1;
    assert_eq!((&health["jobs"]["inQueue"], &health["jobs"]["inProgress"]), (&json!(2), &json!(1)));
    assert_eq!((&health["workers"]["running"], &health["workers"]["idle"]), (&json!(1), &json!(0)));
    assert_eq!(
        backend.emulator.post(&format!("/cancel/{second}"), &json!({})).await.1["status"],
        "CANCELLED"
    );
    let (_, purged) = backend.emulator.post("/purge-queue", &json!({})).await;
    assert_eq!(purged, json!({"removed": 1, "status": "completed"}));
    assert_eq!(backend.emulator.status(&third).await["status"], "CANCELLED");
    assert_eq!(backend.emulator.status(&first).await["status"], "IN_PROGRESS");
    // Stopping ends the long render, too.
    assert_eq!(backend.stop().await, Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_runs_too_long_fails_and_its_worker_is_free_again() {
    let backend = TestBackend::with(r#"{"fake_render_ms": 60000}"#).await;
    let mut request = backend.run_request_with_webhook();
    request["policy"] = json!({"executionTimeout": 100});
    let id = backend.emulator.run(&request).await;
    let job = backend.emulator.wait_until_ended(&id).await;
    assert_eq!((&job["status"], &job["error"]), (&json!("FAILED"), &json!("executionTimeout exceeded")));
    backend.emulator.wait_until_idle().await;
    assert_eq!(backend.scratch_files(), Vec::<std::path::PathBuf>::new());
    backend.log.wait_for(|calls| calls.iter().any(|call| call.what == "webhook")).await;
    assert_eq!(backend.log.bodies("webhook")[0]["error"], "executionTimeout exceeded");
    assert_eq!(backend.log.count("complete") + backend.log.count("error"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_ttl_ends_is_gone_even_while_it_runs() {
    let backend = TestBackend::with(r#"{"fake_render_ms": 60000}"#).await;
    let mut request = backend.run_request_with_webhook();
    request["policy"] = json!({"ttl": 300});
    let id = backend.emulator.run(&request).await;
    backend.emulator.wait_for_status(&id, &["IN_PROGRESS"]).await;
    backend.emulator.wait_until_idle().await;
    assert_eq!(backend.emulator.get(&format!("/status/{id}")).await.0, 404);
    assert_eq!(backend.log.count("webhook"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_can_be_retried_under_its_id() {
    let backend = TestBackend::with(FAKE).await;
    backend.log.reply("get", [crate::call_log::ScriptedReply::Status(403)]);
    let id = backend.emulator.run(&backend.run_request()).await;
    assert_eq!(backend.emulator.wait_until_ended(&id).await["status"], "FAILED");
    let (status, answer) = backend.emulator.post(&format!("/retry/{id}"), &json!({})).await;
    assert_eq!((status, answer), (200, json!({"id": id, "status": "IN_QUEUE"})));
    let job = backend.emulator.wait_until_ended(&id).await;
    assert_eq!((&job["status"], &job["error"]), (&json!("COMPLETED"), &Value::Null));
    assert_eq!(backend.emulator.post(&format!("/retry/{id}"), &json!({})).await.0, 400);
    assert_eq!(backend.emulator.get("/health").await.1["jobs"]["retried"], 1);
}
