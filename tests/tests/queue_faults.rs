//! RunPod's queue and its webhook misbehave; each job still ends once, and truly.
//!
//! The numbers are those of the list of RunPod's faults that the system is built against; the rest of
//! them is in the other two files of this name.

use std::time::Duration;

use e2e::{JobScenario, PooledStack, RecordedRequest, bare_http};
use reel_client::{Job, JobStage, JobStatus, JobType};
use serde_json::{Value, json};

const COMPLETE_AT_ONCE: e2e::ExpectedEnd = (JobStatus::Complete, None, 1);

/// What the Worker asked of RunPod that begins with `what`.
fn asked(stack: &PooledStack, what: &str) -> Vec<RecordedRequest> {
    stack.wiretap().asked().into_iter().filter(|asked| asked.what.starts_with(what)).collect()
}

/// `POST` without a body that matters; the status and the JSON that came back.
async fn post(url: &str, body: Value) -> (u16, Value) {
    let answer = bare_http().post(url).json(&body).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("a JSON body"))
}

fn says(job: &Job, what: &str) -> bool {
    job.message.as_deref().is_some_and(|message| message.contains(what))
}

#[tokio::test]
async fn fault_01_a_webhook_that_never_comes_does_not_strand_the_job() {
    let script = json!({"fake_render_ms": 400, "rules": [
        {"faults": [{"fault": "webhook_lost"}, {"fault": "lost_complete"}]}
    ]});
    let stack = PooledStack::playing(&script).await;
    let story = JobScenario::begin(&stack, JobType::Overlay).await;
    story.ends(COMPLETE_AT_ONCE).await;
    assert!(!asked(&stack, "status/").is_empty(), "only a question can have told the end");
}

#[tokio::test]
async fn fault_02_a_webhook_that_is_doubled_late_lying_or_forged_changes_nothing() {
    let script = json!({"fake_render_ms": 300, "rules": [
        {"when": {"type": "overlay"}, "faults": [{"fault": "fake_render", "ms": 5000}]},
        {"faults": [{"fault": "webhook_doubled"}, {"fault": "webhook_lies", "status": "FAILED"}, {"fault": "lost_complete"}]}
    ]});
    let stack = PooledStack::playing(&script).await;
    let (story, other) = (
        JobScenario::begin(&stack, JobType::Overlay).await,
        JobScenario::begin(&stack, JobType::Framing).await,
    );
    story.until("a renderer works on it", |job| job.status == JobStatus::Processing).await;
    other.until("RunPod has it", |job| job.runpod_job_id.is_some()).await;
    let (callback, webhook) = story.capabilities(&stack);

    // Forged: a token with a changed letter, of another purpose, of another job.
    let (rest, token) = webhook.rsplit_once('/').expect("a token");
    let changed: String = token.chars().rev().map(|letter| if letter == 'A' { 'B' } else { 'A' }).collect();
    let other_token = other.capabilities(&stack).1.rsplit('/').next().expect("a token").to_owned();
    for token in [&changed, callback.rsplit('/').next().expect("a token"), &other_token] {
        let (status, problem) = post(&format!("{rest}/{token}"), json!({"status": "COMPLETED"})).await;
        assert_eq!((status, &problem["code"]), (403, &json!("bad_token")), "{problem}");
    }
    // Early and untrue, by somebody who knows the URL: a reason to ask RunPod, no more.
    let lie = json!({"status": "FAILED", "error": "never happened"});
    assert_eq!(post(&webhook, lie.clone()).await, (200, json!({"success": true, "applied": true})));

    let ended = story.ends(COMPLETE_AT_ONCE).await;
    // Late, and again.
    for _ in 0..2 {
        assert_eq!(post(&webhook, lie.clone()).await, (200, json!({"success": true, "applied": false})));
    }
    let now = stack.client().job(ended.job_id).await.expect("the job");
    assert_eq!((now.status, now.seq), (JobStatus::Complete, ended.seq));
    other.ends(COMPLETE_AT_ONCE).await;
}

#[tokio::test]
async fn fault_03_a_job_that_runpod_has_forgotten_ends_by_what_lies_in_the_bucket() {
    let silence = json!([
        {"fault": "webhook_lost"}, {"fault": "lost_complete"}, {"fault": "forgotten_after", "ms": 0}
    ]);
    let script = json!({"fake_render_ms": 400, "rules": [
        {"when": {"type": "overlay"}, "faults": silence},
        {"when": {"type": "framing", "attempt": 1}, "faults": silence},
        {"when": {"type": "framing", "attempt": 1}, "faults": [{"fault": "complete_without_output"}]},
    ]});
    let stack = PooledStack::playing(&script).await;
    let (made, lost) = (
        JobScenario::begin(&stack, JobType::Overlay).await,
        JobScenario::begin(&stack, JobType::Framing).await,
    );
    made.ends(COMPLETE_AT_ONCE).await;
    lost.ends((JobStatus::Complete, None, 2)).await;
}

#[tokio::test]
async fn fault_04_a_404_soon_after_the_submit_is_no_loss() {
    // One renderer, busy with the other job: nobody but RunPod's status can speak of this one.
    let script = json!({"fake_render_ms": 300, "rules": [
        {"when": {"type": "overlay"}, "faults": [{"fault": "fake_render", "ms": 2500}]},
        {"when": {"type": "framing"}, "faults": [
            {"fault": "answer", "to": "status", "http": 200, "body": {"status": 404, "title": "Not Found"}},
            {"fault": "not_found_for", "ms": 2000}
        ]},
    ]});
    let stack = PooledStack::playing(&script).await;
    let busy = JobScenario::begin(&stack, JobType::Overlay).await;
    busy.until("the renderer is busy", |job| job.status == JobStatus::Processing).await;
    let early = JobScenario::begin(&stack, JobType::Framing).await;
    let id = early.until("RunPod has it", |job| job.runpod_job_id.is_some()).await.runpod_job_id;
    let question = format!("status/{}", id.expect("an id"));
    let ended = early.ends(COMPLETE_AT_ONCE).await;
    assert!(!asked(&stack, &question).is_empty(), "it was asked about while RunPod did not know it");
    assert_eq!(ended.retry_count, 0);
    busy.ends(COMPLETE_AT_ONCE).await;
}

#[tokio::test]
async fn fault_05_answers_that_are_no_answers_prove_nothing() {
    let script = json!({"fake_render_ms": 400, "rules": [{"faults": [
        {"fault": "answer", "to": "run", "http": 502, "body": "<html><h1>502 Bad Gateway</h1></html>"},
        {"fault": "answer", "to": "run", "http": 200, "body": {"status": "IN_QUEUE"}},
        {"fault": "answer", "to": "status", "http": 500, "body": "Internal Server Error"},
        {"fault": "answer", "to": "status", "http": 502, "body": "<html><h1>502 Bad Gateway</h1></html>"},
        {"fault": "answer", "to": "status", "http": 200, "body": {"status": 500, "title": "Oops"}},
        {"fault": "answer", "to": "status", "http": 200, "body": "<html>maintenance</html>"},
        {"fault": "answer", "to": "status", "http": 200},
        {"fault": "lost_complete"}, {"fault": "webhook_lost"}
    ]}]});
    let stack = PooledStack::playing(&script).await;
    let story = JobScenario::begin(&stack, JobType::Overlay).await;
    story.ends(COMPLETE_AT_ONCE).await;
    assert_eq!(asked(&stack, "run").len(), 3);
    assert!(asked(&stack, "status/").len() >= 6, "five answers said nothing, the next one told the end");
}

#[tokio::test]
async fn fault_06_a_job_that_no_worker_ever_takes_ends_by_its_own_deadline_and_leaves_the_queue() {
    let stack = PooledStack::playing(&json!({"rules": [{"faults": [{"fault": "stuck_in_queue"}]}]})).await;
    let story = JobScenario::begin(&stack, JobType::Overlay).await;
    let id = story.until("RunPod has it", |job| job.runpod_job_id.is_some()).await.runpod_job_id;
    let id = id.expect("an id");
    // Whoever waits is told that the queue is short, and that nothing moves.
    story.until("the queue is described", |job| says(job, "1 queued, 0 running")).await;
    let ended = story.ends((JobStatus::Error, Some("queue_timeout"), 1)).await;
    assert_eq!(ended.retryable, Some(true));
    let status = format!("status/{id}");
    e2e::wait_until("RunPod has cancelled it", async || {
        stack.ask_gpu(&status).await["status"] == "CANCELLED"
    })
    .await;
}

#[tokio::test]
async fn fault_12_a_submit_without_an_answer_is_neither_lost_nor_run_for_nothing() {
    let script = json!({"fake_render_ms": 1500, "rules": [
        // It never existed.
        {"when": {"type": "overlay"}, "faults": [{"fault": "answer", "to": "run", "http": 504, "body": "gateway timeout"}]},
        // It exists, and so does every one that is sent because of the lost answer.
        {"when": {"type": "framing"}, "faults": [{"fault": "submit_times_out", "hold_ms": 100}]},
        // It runs and ends while the Worker still waits for the answer.
        {"when": {"type": "annotate"}, "faults": [{"fault": "submit_times_out", "hold_ms": 30_000}]},
    ]});
    let stack = PooledStack::playing(&script).await;
    let never = JobScenario::begin(&stack, JobType::Overlay).await;
    never.until("the renderer is busy", |job| job.status == JobStatus::Processing).await;
    let exponential_backoff = JobScenario::begin(&stack, JobType::Framing).await;
    e2e::wait_until("the same attempt was submitted twice", async || {
        exponential_backoff.asked(&stack).len() >= 2
    })
    .await;
    let silent = JobScenario::begin(&stack, JobType::Annotate).await;

    assert_eq!(never.asked(&stack).len(), 2, "sent again after the 504");
    never.ends(COMPLETE_AT_ONCE).await;
    exponential_backoff.ends(COMPLETE_AT_ONCE).await;
    assert_eq!(silent.asked(&stack).len(), 1, "nothing was sent while there was no answer");
    silent.ends(COMPLETE_AT_ONCE).await;
}

#[tokio::test]
async fn fault_13_too_many_requests_are_waited_out_for_as_long_as_runpod_says() {
    let busy = |to: &str, seconds: &str| json!({"fault": "answer", "to": to, "http": 429, "headers": {"retry-after": seconds}});
    let script = json!({"fake_render_ms": 300, "rules": [{"faults": [
        busy("run", "2"), busy("status", "3"), {"fault": "lost_complete"}, {"fault": "webhook_lost"}
    ]}]});
    let stack = PooledStack::playing(&script).await;
    let story = JobScenario::begin(&stack, JobType::Overlay).await;
    story.ends(COMPLETE_AT_ONCE).await;
    // Jitter takes at most a quarter off.
    for (what, at_least_ms) in [("run", 1500), ("status/", 2250)] {
        let times: Vec<_> = asked(&stack, what).iter().map(|asked| asked.at).collect();
        assert!(times.len() >= 2, "{what}: refused once, then answered");
        let pause = times[1] - times[0];
        assert!(pause >= Duration::from_millis(at_least_ms), "{what} after {pause:?}");
    }
}

#[tokio::test]
async fn fault_14_a_refused_key_or_a_deleted_endpoint_makes_jobs_wait_and_burns_none() {
    let script = json!({"fake_render_ms": 300, "rules": [{"faults": [
        {"fault": "answer", "to": "run", "http": 401, "body": "unauthorized"},
        {"fault": "answer", "to": "run", "http": 404, "body": "endpoint not found"},
        {"fault": "answer", "to": "status", "http": 401, "body": "unauthorized"},
        {"fault": "answer", "to": "status", "http": 404, "body": "endpoint not found"},
        {"fault": "lost_complete"}, {"fault": "webhook_lost"}
    ]}]});
    let stack = PooledStack::playing(&script).await;
    let story = JobScenario::begin(&stack, JobType::Overlay).await;
    let waiting = story
        .until("it says why it waits", |job| job.message.as_deref().is_some_and(|text| text.contains("key")))
        .await;
    assert_eq!((waiting.status, waiting.attempt), (JobStatus::Pending, 1));
    story.ends(COMPLETE_AT_ONCE).await;
    assert_eq!(asked(&stack, "run").len(), 3);
    assert!(asked(&stack, "status/").len() >= 3);
}

#[tokio::test]
async fn fault_17_a_cold_start_is_shown_as_waiting_for_a_renderer() {
    // One renderer, and it is not free yet.
    let script = json!({"fake_render_ms": 300, "rules": [
        {"when": {"type": "overlay"}, "faults": [{"fault": "fake_render", "ms": 3000}]}
    ]});
    let stack = PooledStack::playing(&script).await;
    let busy = JobScenario::begin(&stack, JobType::Overlay).await;
    busy.until("the renderer is busy", |job| job.status == JobStatus::Processing).await;
    let cold = JobScenario::begin(&stack, JobType::Framing).await;
    let waiting = cold.until("RunPod has it", |job| job.runpod_job_id.is_some()).await;
    assert!(says(&waiting, "Waiting for a renderer"), "{:?}", waiting.message);
    assert_eq!((waiting.status, waiting.stage), (JobStatus::Pending, Some(JobStage::Queued)));
    assert_eq!(waiting.started_at, None);
    let ended = cold.ends(COMPLETE_AT_ONCE).await;
    assert!(ended.started_at > ended.created_at);
    busy.ends(COMPLETE_AT_ONCE).await;
}

#[tokio::test]
async fn fault_18_an_endpoint_scaled_to_zero_ends_jobs_with_a_sentence_and_a_retry_mends_them() {
    let mut stack =
        PooledStack::playing(&json!({"rules": [{"faults": [{"fault": "scaled_to_zero"}]}]})).await;
    let story = JobScenario::begin(&stack, JobType::Overlay).await;
    story.until("it is told that there is no renderer", |job| says(job, "none is running")).await;
    let ended = story.ends((JobStatus::Error, Some("queue_timeout"), 1)).await;
    let sentence = ended.error.as_deref().expect("a sentence");
    assert!(sentence.contains("No renderer") && sentence.ends_with('.'), "{sentence}");

    // The operator raises the workers, the person tries again.
    stack.play(&json!({"fake_render_ms": 300})).await;
    let retried = stack.client().retry(ended.job_id).await.expect("a failed job can be retried");
    assert_eq!((retried.status, retried.error.as_deref(), retried.attempt), (JobStatus::Pending, None, 2));
    JobScenario::resume(&stack, retried).await.ends((JobStatus::Complete, None, 2)).await;
}
