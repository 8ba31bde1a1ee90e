//! Every exchange of an export, as it is on the wire of the real Worker, against `tests/contract/`.
//!
//! The test plays the GPU worker itself, so that each message comes when it is meant to; RunPod's queue
//! takes the jobs and never runs them.

mod export;
mod projects;
mod refusals;
mod videos;

use e2e::{ExchangeRecorder, Options, Request, Stack, root, wait_until};
use serde_json::{Value, json};

#[tokio::test]
async fn the_exchanges_of_an_export_are_as_pinned() {
    let stack = stuck_stack().await;
    let mut scribe = ExchangeRecorder::new(&root(), "exchanges", stack.api_url(), KEY);
    export::walk(&stack, &mut scribe).await;
    refusals::walk(&stack, &mut scribe).await;
    videos::walk(&stack, &mut scribe).await;
    projects::walk(&stack, &mut scribe).await;
    scribe.finish();
}

/// With a key, an origin that may call, and a queue that takes every job and starts none.
async fn stuck_stack() -> Stack {
    let vars =
        vec![("WORKERS_API_KEY", KEY.to_owned()), ("ALLOWED_ORIGINS", "https://app.example".to_owned())];
    let mut stack = Stack::start(Options { vars, ..Options::default() }).await;
    // Nor does it tell how long the queue is: on a slow machine that would become a message.
    let mute = json!({"fault": "answer", "to": "status", "http": 500, "times": 1_000_000});
    stack.play(&json!({"rules": [{"faults": [{"fault": "stuck_in_queue"}, mute]}]})).await;
    stack
}

/// Puts a few bytes where a presigned URL says.
async fn put(url: &str, content_type: &str, bytes: &'static str) {
    let request = e2e::bare_http().put(url).header("content-type", content_type).body(bytes);
    assert_eq!(request.send().await.expect("an answer").status(), 200);
}

/// The job as it is now.
async fn job(scribe: &ExchangeRecorder, id: &str) -> Value {
    scribe.send(&Request::new(format!("GET /api/jobs/{id}"))).await.json().await.expect("a job")
}

/// Waits until RunPod has taken this attempt, and gives what it was sent.
async fn submitted(stack: &Stack, scribe: &mut ExchangeRecorder, id: &str, attempt: u64) -> Value {
    wait_until("RunPod has the job", async || {
        let job = job(scribe, id).await;
        job["attempt"] == attempt && job["runpod_job_id"].is_string()
    })
    .await;
    let name = job(scribe, id).await["runpod_job_id"].as_str().expect("a name").to_owned();
    scribe.name(&name, "{runpod_job_id}");
    let asked = stack.wiretap().asked().into_iter().rev().find(|asked| {
        asked.what == "run"
            && asked.body["input"]["job_id"] == id
            && asked.body["input"]["attempt"] == attempt
    });
    asked.expect("a submit").body
}

/// The path of a URL of this Worker.
fn path<'u>(stack: &Stack, url: &'u Value) -> &'u str {
    url.as_str().and_then(|url| url.strip_prefix(stack.api_url())).expect("a URL of this Worker")
}

fn string(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

const KEY: &str = "a-key-of-this-test-and-of-nothing-else";
/// Chosen by the client, as the app does.
const OVERLAY: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";
const FRAMING: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f51";
const NOBODY: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f5f";
