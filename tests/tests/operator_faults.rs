//! Settings change under running jobs.

use e2e::{JobScenario, KeyAnswer, KeyServer, Options, Stack, create, spotlight_params, wait_until};
use reel_client::{JobStatus, JobType};
use serde_json::json;

#[tokio::test]
async fn fault_15_a_job_is_asked_about_at_the_endpoint_that_took_it() {
    // Silence is noticed after 3 s, and a render may take 30 s.
    let vars = vec![("CLOCK_SPEED", "20".to_owned())];
    let mut stack = Stack::start(Options { vars, ..Options::default() }).await;
    // Nothing but an answer to a question can tell how this render goes.
    let silence = ["silent_progress", "lost_complete", "webhook_lost"].map(|fault| json!({ "fault": fault }));
    stack.play(&json!({"fake_render_ms": 6000, "rules": [{"faults": silence}]})).await;
    let story = JobScenario::begin(&stack, JobType::Overlay).await;
    story.until("a renderer works on it", |job| job.status == JobStatus::Processing).await;

    // The new endpoint knows nothing of the job: its 404 would cost an attempt.
    let job = story.job.clone();
    stack.move_to_another_endpoint().await;
    stack.wiretap().forget();
    JobScenario::follow(&stack, job).await.ends((JobStatus::Complete, None, 1)).await;
    let asked = stack.wiretap().asked();
    assert!(asked.iter().any(|asked| asked.what.starts_with("status/")), "{asked:?}");
}

#[tokio::test]
async fn an_endpoint_that_redirects_hands_the_callback_token_to_nobody() {
    let (endpoint, elsewhere) = (KeyServer::start(), KeyServer::start());
    endpoint.answer(KeyAnswer::Redirect(elsewhere.url()));
    let vars = vec![("RUNPOD_ENDPOINT", endpoint.url()), ("CLOCK_SPEED", "20".to_owned())];
    let stack = Stack::start(Options { vars, ..Options::default() }).await;
    let client = stack.client();
    let job = create(&client, JobType::Overlay, spotlight_params()).await;
    wait_until("the job was sent twice", async || endpoint.asked() > 1).await;
    assert_eq!(elsewhere.asked(), 0);
    let job = client.job(job.job_id).await.expect("the job");
    assert_eq!((job.status, job.attempt), (JobStatus::Pending, 1), "it waits for an endpoint that answers");
}
