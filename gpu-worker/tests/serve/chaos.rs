//! Every scripted fault, as it looks from outside.

use serde_json::{Value, json};

use crate::world::World;

fn script(faults: &str) -> String {
    format!(r#"{{"fake_render_ms": 200, "rules": [{{"when": {{"attempt": 1}}, "faults": [{faults}]}}]}}"#)
}

fn second_attempt(world: &World) -> Value {
    let mut order = world.order_with_webhook();
    order["input"]["attempt"] = json!(2);
    order
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_is_replaced_once_and_the_next_attempt_is_honest() {
    let world = World::with(&script(r#"{"fault": "crash_at", "percent": 60}"#)).await;
    let id = world.gpu.run(&world.order_with_webhook()).await;
    let job = world.gpu.until_ended(&id).await;
    assert_eq!((&job["status"], &job["retries"]), (&json!("FAILED"), &json!(1)));
    assert_eq!(job["error"], "job timed out after 1 retries");
    assert_eq!(world.seen.count("claim"), 2);
    assert_eq!(world.seen.count("error") + world.seen.count("complete"), 0);
    let highest = world
        .seen
        .bodies("progress")
        .iter()
        .map(|report| report["progress"].as_f64().unwrap())
        .fold(0.0, f64::max);
    assert!(highest < 60.0, "{highest}");
    let second = world.gpu.run(&second_attempt(&world)).await;
    assert_eq!(world.gpu.until_ended(&second).await["output"]["status"], "success");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_may_strike_the_first_run_only() {
    let rules = r#"{"fake_render_ms": 100, "rules":
        [{"when": {"run": 1}, "faults": [{"fault": "crash_at", "percent": 20}]}]}"#;
    let world = World::with(rules).await;
    let id = world.gpu.run(&world.order()).await;
    let job = world.gpu.until_ended(&id).await;
    assert_eq!((&job["status"], &job["retries"]), (&json!("COMPLETED"), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_hangs_says_nothing_more_until_it_is_stopped() {
    let world = World::with(&script(r#"{"fault": "hang_at", "percent": 50}"#)).await;
    let id = world.gpu.run(&world.order()).await;
    world.seen.until_stage("rendering").await;
    let other = world.gpu.run(&second_attempt(&world)).await;
    assert_eq!(world.gpu.status(&other).await["status"], "IN_QUEUE");
    world.gpu.post(&format!("/cancel/{id}"), &json!({})).await;
    assert_eq!(world.gpu.until_ended(&other).await["status"], "COMPLETED");
    assert_eq!(world.gpu.status(&id).await["status"], "CANCELLED");
    assert_eq!(world.seen.count("complete"), 1, "the second attempt's");
}

#[tokio::test(flavor = "multi_thread")]
async fn final_reports_are_doubled_lost_and_followed_by_progress() {
    let doubled = World::with(&script(r#"{"fault": "duplicate_complete", "times": 2}"#)).await;
    let id = doubled.gpu.run(&doubled.order()).await;
    doubled.gpu.until_ended(&id).await;
    assert_eq!(doubled.seen.count("complete"), 3);

    let late = World::with(&script(r#"{"fault": "progress_after_complete"}"#)).await;
    let id = late.gpu.run(&late.order()).await;
    late.gpu.until_ended(&id).await;
    assert_eq!(late.seen.calls().last().unwrap().what, "progress");

    let lost = World::with(&script(r#"{"fault": "lost_complete"}"#)).await;
    let id = lost.gpu.run(&lost.order()).await;
    assert_eq!(lost.gpu.until_ended(&id).await["status"], "COMPLETED");
    assert_eq!((lost.seen.count("put"), lost.seen.count("complete")), (1, 0));

    let failed = World::with(&script(
        r#"{"fault": "fail", "code": "gpu_out_of_memory", "sentence": "Too big."}, {"fault": "lost_error"}"#,
    ))
    .await;
    let id = failed.gpu.run(&failed.order()).await;
    assert_eq!(failed.gpu.until_ended(&id).await["error"], "Too big.");
    assert_eq!(failed.seen.count("error"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_silenced_and_shuffled() {
    let silent = World::with(&script(r#"{"fault": "silent_progress"}"#)).await;
    let id = silent.gpu.run(&silent.order()).await;
    silent.gpu.until_ended(&id).await;
    assert_eq!((silent.seen.count("progress"), silent.seen.count("complete")), (0, 1));

    let shuffled = World::with(&script(r#"{"fault": "shuffled_progress"}"#)).await;
    let id = shuffled.gpu.run(&shuffled.order()).await;
    shuffled.gpu.until_ended(&id).await;
    let percent: Vec<f64> =
        shuffled.seen.bodies("progress").iter().map(|report| report["progress"].as_f64().unwrap()).collect();
    assert!(!percent.is_sorted(), "{percent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_are_missing_or_empty() {
    let missing = World::with(&script(r#"{"fault": "complete_without_output"}"#)).await;
    let id = missing.gpu.run(&missing.order()).await;
    missing.gpu.until_ended(&id).await;
    assert_eq!((missing.seen.count("put"), missing.seen.count("complete")), (0, 1));

    let empty = World::with(&script(r#"{"fault": "empty_output"}"#)).await;
    let id = empty.gpu.run(&empty.order()).await;
    empty.gpu.until_ended(&id).await;
    let calls = empty.seen.calls();
    assert_eq!(calls.iter().find(|call| call.what == "put").unwrap().body.len(), 0);
    let whole = empty.seen.input().len();
    assert_eq!(empty.seen.bodies("complete")[0]["output_bytes"], whole);

    let cut = World::with(&script(r#"{"fault": "truncated_output"}"#)).await;
    let id = cut.gpu.run(&cut.order()).await;
    cut.gpu.until_ended(&id).await;
    let calls = cut.seen.calls();
    assert_eq!(calls.iter().find(|call| call.what == "put").unwrap().body.len(), whole / 2);
    assert_eq!(cut.seen.bodies("complete")[0]["output_bytes"], whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_refuses_times_out_and_forgets() {
    let refused = World::with(&script(
        r#"{"fault": "answer", "to": "run", "http": 429, "headers": {"retry-after": "3"}, "times": 1},
           {"fault": "answer", "to": "run", "http": 502, "body": "<html>bad gateway</html>"},
           {"fault": "answer", "to": "status", "http": 200, "body": {"status": 500}}"#,
    ))
    .await;
    let first = refused.gpu.client.post(format!("{}/run", refused.gpu.url)).body(refused.order().to_string());
    let first = first.send().await.unwrap();
    assert_eq!((first.status().as_u16(), &first.headers()["retry-after"]), (429, &"3".parse().unwrap()));
    assert_eq!(refused.gpu.post("/run", &refused.order()).await, (502, json!("<html>bad gateway</html>")));
    let id = refused.gpu.run(&refused.order()).await;
    assert_eq!(refused.gpu.status(&id).await, json!({"status": 500}));
    assert_eq!(refused.gpu.until_ended(&id).await["status"], "COMPLETED");

    let held = World::with(&script(r#"{"fault": "submit_times_out", "hold_ms": 50}"#)).await;
    assert_eq!(held.gpu.post("/run", &held.order()).await.0, 504);
    held.seen.until(|calls| calls.iter().any(|call| call.what == "complete")).await;

    let never = World::with(&script(r#"{"fault": "submit_times_out", "hold_ms": 1, "runs": false}"#)).await;
    assert_eq!(never.gpu.post("/run", &never.order()).await.0, 504);
    let second = never.gpu.run(&second_attempt(&never)).await;
    never.gpu.until_ended(&second).await;
    assert_eq!(never.seen.count("claim"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn status_hides_lies_and_forgets() {
    let hidden = World::with(&script(r#"{"fault": "not_found_for", "ms": 300}"#)).await;
    let id = hidden.gpu.run(&hidden.order()).await;
    assert_eq!(hidden.gpu.get(&format!("/status/{id}")).await.0, 404);
    assert_eq!(hidden.gpu.until_ended(&id).await["status"], "COMPLETED");

    let lying = World::with(&script(
        r#"{"fault": "lying_status", "status": "COMPLETED", "output": {"x": 1}}, {"fault": "stuck_in_queue"}"#,
    ))
    .await;
    let id = lying.gpu.run(&lying.order()).await;
    let job = lying.gpu.status(&id).await;
    assert_eq!((&job["status"], &job["output"]), (&json!("COMPLETED"), &json!({"x": 1})));
    let second = lying.gpu.run(&second_attempt(&lying)).await;
    lying.gpu.until_ended(&second).await;
    assert_eq!(lying.gpu.get("/health").await.1["jobs"]["inQueue"], 1);

    let lost = World::with(&script(r#"{"fault": "lost_result"}"#)).await;
    let id = lost.gpu.run(&lost.order()).await;
    lost.seen.until(|calls| calls.iter().any(|call| call.what == "complete")).await;
    lost.gpu.until_idle().await;
    assert_eq!(lost.gpu.status(&id).await["status"], "IN_PROGRESS");
    let second = lost.gpu.run(&second_attempt(&lost)).await;
    assert_eq!(lost.gpu.until_ended(&second).await["status"], "COMPLETED");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_job_runs_twice_at_the_same_time() {
    let world = World::with(&script(r#"{"fault": "run_twice"}"#)).await;
    let id = world.gpu.run(&world.order()).await;
    world.gpu.until_ended(&id).await;
    assert_eq!((world.seen.count("claim"), world.seen.count("complete")), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_lost_doubled_and_lie() {
    let world = World::with(&script(
        r#"{"fault": "webhook_doubled"}, {"fault": "webhook_lies", "status": "FAILED"}"#,
    ))
    .await;
    world.gpu.run(&world.order_with_webhook()).await;
    world.seen.until(|calls| calls.iter().filter(|call| call.what == "webhook").count() == 2).await;
    assert!(world.seen.bodies("webhook").iter().all(|body| body["status"] == "FAILED"));

    let lost = World::with(&script(r#"{"fault": "webhook_lost"}"#)).await;
    let first = lost.gpu.run(&lost.order_with_webhook()).await;
    let second = lost.gpu.run(&second_attempt(&lost)).await;
    lost.seen.until(|calls| calls.iter().any(|call| call.what == "webhook")).await;
    assert_eq!(lost.gpu.until_ended(&first).await["status"], "COMPLETED");
    assert_eq!(lost.seen.bodies("webhook")[0]["id"], json!(second));
}
