//! The webhook: its body, its tries, and when it is not sent.

use serde_json::{Value, json};

use crate::call_log::ScriptedReply;
use crate::test_backend::{FAKE, TestBackend};

#[tokio::test(flavor = "multi_thread")]
async fn the_webhook_looks_like_runpods() {
    let backend = TestBackend::with(FAKE).await;
    let request = backend.run_request_with_webhook();
    let id = backend.emulator.run(&request).await;
    backend.log.wait_for(|calls| calls.iter().any(|call| call.what == "webhook")).await;
    let call = backend.log.calls().into_iter().find(|call| call.what == "webhook").unwrap();
    assert_eq!(call.headers["user-agent"], "Go-http-client/2.0");
    assert_eq!(call.headers["content-type"], "application/json");
    assert!(call.headers.contains_key("traceparent"));
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(body["id"], json!(id));
    assert_eq!(body["status"], "COMPLETED");
    assert_eq!(body["input"], request["input"]);
    assert_eq!(body["webhook"], request["webhook"]);
    assert_eq!(body["output"]["status"], "success");
    assert!(body["delayTime"].is_u64() && body["executionTime"].is_u64());
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["delayTime", "executionTime", "id", "input", "output", "status", "webhook"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_tried_until_it_is_taken() {
    let backend = TestBackend::with(FAKE).await;
    backend.log.reply("webhook", [ScriptedReply::Status(500), ScriptedReply::Html(502)]);
    let id = backend.emulator.run(&backend.run_request_with_webhook()).await;
    backend.log.wait_for(|calls| calls.iter().filter(|call| call.what == "webhook").count() == 3).await;
    assert_eq!(backend.emulator.status(&id).await["status"], "COMPLETED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_given_up_after_three_tries_and_the_job_stays_readable() {
    let backend = TestBackend::with(FAKE).await;
    backend.log.reply("webhook", [ScriptedReply::Status(500); 4]);
    let id = backend.emulator.run(&backend.run_request_with_webhook()).await;
    backend.log.wait_for(|calls| calls.iter().filter(|call| call.what == "webhook").count() == 3).await;
    // A second job's whole life is time enough for a fourth try of the first.
    let mut other = backend.run_request();
    other["input"]["attempt"] = json!(2);
    let other = backend.emulator.run(&other).await;
    backend.emulator.wait_until_ended(&other).await;
    assert_eq!(backend.log.count("webhook"), 3);
    assert_eq!(backend.emulator.status(&id).await["status"], "COMPLETED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_webhook_is_sent_once_and_a_cancelled_job_sends_none() {
    let backend = TestBackend::with(FAKE).await;
    let taken = backend.emulator.run(&backend.run_request_with_webhook()).await;
    backend.emulator.wait_until_ended(&taken).await;
    let cancelled = backend.emulator.run(&backend.run_request_with_webhook()).await;
    backend.emulator.post(&format!("/cancel/{cancelled}"), &json!({})).await;
    let last = backend.emulator.run(&backend.run_request_with_webhook()).await;
    let last = json!(last);
    backend.log.wait_for(|calls| calls.iter().any(|call| is_webhook_of(call, &last))).await;
    let ids: Vec<Value> = backend.log.bodies("webhook").iter().map(|body| body["id"].clone()).collect();
    assert_eq!(ids, [json!(taken), last]);
}

fn is_webhook_of(call: &crate::call_log::RecordedCall, id: &Value) -> bool {
    let body = || serde_json::from_slice::<Value>(&call.body).unwrap();
    call.what == "webhook" && body()["id"] == *id
}
