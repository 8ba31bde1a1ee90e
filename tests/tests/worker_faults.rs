//! GPU workers stall, die, lie and come back from the dead; each job still ends once, and truly.

use std::time::Duration;

use e2e::{JobScenario, PooledStack, bare_http};
use futures_util::StreamExt as _;
use reel_client::{JobStatus, JobType};
use serde_json::{Value, json};

async fn post(url: &str, body: Value) -> (u16, Value) {
    let answer = bare_http().post(url).json(&body).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("a JSON body"))
}

#[tokio::test]
async fn fault_07_a_job_stuck_in_progress_ends_by_its_deadline_and_its_result_counts_when_it_is_there() {
    let script = json!({"fake_render_ms": 400, "rules": [
        // The file is put, and nobody hears of it.
        {"when": {"type": "overlay"}, "faults": [{"fault": "lost_complete"}, {"fault": "lost_result"}]},
        // Nothing more is done, while RunPod goes on saying IN_PROGRESS.
        {"when": {"type": "framing", "attempt": 1}, "faults": [{"fault": "hang_at", "percent": 50}]},
    ]});
    let stack = PooledStack::playing(&script).await;
    let (made, hung) = (
        JobScenario::begin(&stack, JobType::Overlay).await,
        JobScenario::begin(&stack, JobType::Framing).await,
    );
    made.ends((JobStatus::Complete, None, 1)).await;
    hung.ends((JobStatus::Complete, None, 2)).await;
}

#[tokio::test]
async fn fault_08_a_render_that_is_complete_without_a_whole_file_is_not_announced_but_done_again() {
    let script = json!({"fake_render_ms": 300, "rules": [
        {"when": {"type": "overlay", "attempt": 1}, "faults": [{"fault": "complete_without_output"}]},
        {"when": {"type": "framing", "attempt": 1}, "faults": [{"fault": "empty_output"}]},
        {"when": {"type": "framing", "attempt": 2}, "faults": [{"fault": "truncated_output"}]},
        {"when": {"type": "annotate"}, "faults": [{"fault": "complete_without_output"}]},
    ]});
    let stack = PooledStack::playing(&script).await;
    let missing = JobScenario::begin(&stack, JobType::Overlay).await;
    let empty = JobScenario::begin(&stack, JobType::Framing).await;
    let always = JobScenario::begin(&stack, JobType::Annotate).await;
    let reel = missing.ends((JobStatus::Complete, None, 2)).await;
    assert!(reel.output_video_key.is_some_and(|key| key.ends_with("/2/video.mp4")));
    empty.ends((JobStatus::Complete, None, 3)).await;
    let ended = always.ends((JobStatus::Error, Some("output_missing"), 3)).await;
    assert_eq!((ended.retry_count, ended.retryable, ended.output_bytes), (2, Some(true), None));
}

#[tokio::test]
async fn fault_09_workers_that_die_or_run_a_job_twice_cost_an_attempt_at_most() {
    let script = json!({"fake_render_ms": 400, "rules": [
        // Dies in both of RunPod's runs: "job timed out after 1 retries".
        {"when": {"type": "overlay", "attempt": 1}, "faults": [{"fault": "crash_at", "percent": 60}]},
        // Dies once, and RunPod's second run of the same attempt succeeds.
        {"when": {"type": "framing", "attempt": 1, "run": 1}, "faults": [{"fault": "crash_at", "percent": 60}]},
        {"when": {"type": "annotate"}, "faults": [{"fault": "run_twice"}]},
    ]});
    let stack = PooledStack::playing(&script).await;
    let dies_twice = JobScenario::begin(&stack, JobType::Overlay).await;
    let dies_once = JobScenario::begin(&stack, JobType::Framing).await;
    let two_workers = JobScenario::begin(&stack, JobType::Annotate).await;
    dies_twice.ends((JobStatus::Complete, None, 2)).await;
    dies_once.ends((JobStatus::Complete, None, 1)).await;
    two_workers.ends((JobStatus::Complete, None, 1)).await;
}

#[tokio::test]
async fn fault_10_a_cancel_that_does_not_stop_the_work_and_work_that_runpod_calls_cancelled() {
    let script = json!({"fake_render_ms": 300, "rules": [
        // RunPod says cancelled, and the file is there.
        {"when": {"type": "overlay"}, "faults": [
            {"fault": "lying_status", "status": "CANCELLED"}, {"fault": "lost_complete"}, {"fault": "webhook_lost"}
        ]},
        // RunPod confirms the cancel, and the worker goes on to its end.
        {"when": {"type": "framing"}, "faults": [
            {"fault": "fake_render", "ms": 4000}, {"fault": "silent_progress"},
            {"fault": "answer", "to": "cancel", "http": 200, "body": {"status": "CANCELLED"}, "times": 9}
        ]},
    ]});
    let stack = PooledStack::playing(&script).await;
    let made = JobScenario::begin(&stack, JobType::Overlay).await;
    made.ends((JobStatus::Complete, None, 1)).await;

    let client = stack.client();
    let story = JobScenario::begin(&stack, JobType::Framing).await;
    let runpod_job_id =
        story.until("a renderer works on it", |job| job.status == JobStatus::Processing).await;
    let (callback, _) = story.capabilities(&stack);
    let cancelled = client.cancel(story.job.job_id).await.expect("to cancel");
    assert_eq!(cancelled.error_code.as_deref(), Some("cancelled"));
    let ended = story.ends((JobStatus::Error, Some("cancelled"), 1)).await;

    // The worker has seen nothing of it: it puts the file and reports.
    let id = runpod_job_id.runpod_job_id.expect("RunPod's id");
    let status = format!("status/{id}");
    e2e::wait_until("the worker has come to its end", async || {
        matches!(stack.ask_gpu(&status).await["status"].as_str(), Some("COMPLETED" | "FAILED"))
    })
    .await;
    let late = json!({"output_video_key": format!("output/{}/1/video.mp4", ended.job_id)});
    let (code, receipt) = post(&format!("{callback}/complete"), late).await;
    assert_eq!((code, &receipt["applied"]), (200, &json!(false)));
    let now = client.job(ended.job_id).await.expect("the job");
    assert_eq!((now.status, now.seq, now.output_url), (JobStatus::Error, ended.seq, None));
}

#[tokio::test]
async fn fault_11_a_cancel_that_runpod_does_not_understand_is_asked_until_it_is_settled_and_then_no_more() {
    let script = json!({"fake_render_ms": 6000, "rules": [
        {"when": {"type": "overlay"}, "faults": [
            {"fault": "answer", "to": "cancel", "http": 500, "body": "<html>", "times": 2},
            {"fault": "answer", "to": "cancel", "http": 404, "body": {"status": 404, "title": "Not Found"}, "times": 9}
        ]},
        {"when": {"type": "framing"}, "faults": [{"fault": "fake_render", "ms": 300}]},
    ]});
    let stack = PooledStack::playing(&script).await;
    let client = stack.client();
    let story = JobScenario::begin(&stack, JobType::Overlay).await;
    story.until("a renderer works on it", |job| job.status == JobStatus::Processing).await;
    let first = client.cancel(story.job.job_id).await.expect("to cancel");
    let again = client.cancel(story.job.job_id).await.expect("to cancel what is cancelled");
    assert_eq!((first.status, first.seq), (again.status, again.seq));
    story.ends((JobStatus::Error, Some("cancelled"), 1)).await;

    let cancels = || stack.wiretap().asked().iter().filter(|asked| asked.what.starts_with("cancel/")).count();
    e2e::wait_until("two failures and one answer", async || cancels() == 3).await;
    // A whole job later there is still no fourth.
    JobScenario::begin(&stack, JobType::Framing).await.ends((JobStatus::Complete, None, 1)).await;
    assert_eq!(cancels(), 3);
}

#[tokio::test]
async fn fault_16_both_limits_are_sent_in_milliseconds_and_a_render_beyond_them_is_cut_off() {
    let script = json!({"fake_render_ms": 300, "rules": [
        {"when": {"attempt": 1}, "faults": [{"fault": "fake_render", "ms": 60_000}]}
    ]});
    let stack = PooledStack::playing(&script).await;
    let story = JobScenario::begin(&stack, JobType::Overlay).await;
    story.until("a renderer works on it", |job| job.status == JobStatus::Processing).await;
    let speed = u64::from(PooledStack::CLOCK_SPEED);
    let (queue_ms, execution_ms) = (15 * 60_000 / speed, 10 * 60_000 / speed);
    let policy = story.asked(&stack)[0].body["policy"].clone();
    assert_eq!(policy, json!({"executionTimeout": execution_ms, "ttl": queue_ms + execution_ms}));

    // It works and reports all the time: only the deadline can end it.
    let mut messages = stack.client().watch(&story.job, 0);
    let ended = story.ends((JobStatus::Complete, None, 2)).await;
    assert_eq!(ended.retry_count, 1);
    let mut said = Vec::new();
    while let Some(message) = messages.next().await {
        said.extend(message.expect("a message").job.message);
    }
    assert!(
        said.iter().any(|text| text.starts_with("Retrying (attempt 2/3): The render took too long")),
        "{said:?}"
    );
}

#[tokio::test]
async fn fault_19_urls_are_made_when_a_worker_claims_the_job_however_long_it_was_queued() {
    // One renderer, busy: the job of this test waits in the queue.
    let script = json!({"fake_render_ms": 300, "rules": [
        {"when": {"type": "overlay"}, "faults": [{"fault": "fake_render", "ms": 4000}]}
    ]});
    let stack = PooledStack::playing(&script).await;
    let busy = JobScenario::begin(&stack, JobType::Overlay).await;
    busy.until("the renderer is busy", |job| job.status == JobStatus::Processing).await;
    let story = JobScenario::begin(&stack, JobType::Framing).await;
    story.until("RunPod has it", |job| job.runpod_job_id.is_some()).await;
    let submit = story.asked(&stack)[0].clone();
    let text = submit.body.to_string();
    assert!(!text.contains("X-Amz-") && !text.contains("/cdn-cgi/"), "nothing in the queue can expire");

    // URLs are signed to the second: wait for another one.
    e2e::wait_until("two seconds have passed", async || submit.at.elapsed() > Duration::from_secs(2)).await;
    let (callback, _) = story.capabilities(&stack);
    let (code, grant) = post(&format!("{callback}/claim"), json!({})).await;
    assert_eq!((code, &grant["applied"]), (200, &json!(true)));
    let created = compact(story.job.created_at.as_deref().expect("a time"));
    for url in [&grant["input_url"], &grant["output"]["url"]] {
        let url = url.as_str().expect("a URL");
        let (_, rest) = url.split_once("X-Amz-Date=").expect("a signed URL");
        assert!(rest[..16] > *created, "signed at {} for a job of {created}", &rest[..16]);
    }
    let input = bare_http().get(grant["input_url"].as_str().expect("a URL")).send().await.expect("an answer");
    assert_eq!(input.status(), 200);
    assert_eq!(
        input.bytes().await.expect("bytes").len() as u64,
        e2e::sample().metadata().expect("a file").len()
    );

    busy.ends((JobStatus::Complete, None, 1)).await;
    story.ends((JobStatus::Complete, None, 1)).await;
}

/// `2026-01-31T09:05:00.250Z` as signatures write it: `20260131T090500Z`.
fn compact(iso: &str) -> String {
    let (seconds, _) = iso.split_once('.').expect("milliseconds");
    format!("{}Z", seconds.replace(['-', ':'], ""))
}
